#include "receive_work.h"

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
