#include "receive_work.h"

#include <stdio.h>

struct event_source event_source_of(const struct mount *m, struct slice id, struct slice type,
                                    int64_t arrived_us)
{
    const struct scheme *s = m->scheme;

    return (struct event_source){
        .id = id,
        .type = type,
        .id_field = s->id_field,
        .type_field = s->type_field,
        .also_field = s->also_field,
        .stamp_field = s->stamp_field,
        .arrived_us = arrived_us,
        .t4g = s->typed,
        .ping = s->ping,
    };
}

struct store_member event_member(const struct mount *m, const struct event *e,
                                 enum event_status status, struct slice body)
{
    struct store_member member = {
        .kind = m->scheme->ping ? STORE_MARK : STORE_EVENT,
        .id = e->id,
        .type = e->type,
        .body = body,
        .stamp_us = e->stamp_us,
        .changes = e->changes,
        .nchanges = e->nchanges,
        .reason = slice_of(status == EVENT_UNKNOWN ? "unknown_type" : ""),
    };

    if (status == EVENT_INVALID) {
        member.kind = STORE_NOTE;
        member.nchanges = 0;
        member.reason = slice_of(e->reason);
        member.detail = slice_of(e->detail);
    }
    return member;
}

/* A sound event that is not wanted here. */
static void refuse_event(struct event *e, enum problem_id id)
{
    e->reason = problem_table[id].reason;
    (void)snprintf(e->detail, sizeof e->detail, "%s", problem_table[id].detail);
}

enum event_status event_judge(const struct mount *m, struct event *e, enum event_status status,
                              int64_t arrived_us)
{
    int64_t max_age_us = m->config->max_age_us;

    if (status == EVENT_UNKNOWN && !m->record_unknown) {
        status = EVENT_INVALID;
        refuse_event(e, PROBLEM_UNKNOWN_TYPE);
    }
    if (status != EVENT_INVALID && max_age_us > 0 && arrived_us - e->stamp_us > max_age_us) {
        status = EVENT_INVALID;
        refuse_event(e, PROBLEM_TOO_OLD);
    }
    return status;
}
