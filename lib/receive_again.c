#include "receive_work.h"

enum event_status again_read(const struct mount *m, const struct again *a, struct arena *arena,
                             struct event *e, struct store_member *out)
{
    struct event_source source = event_source_of(m, a->id, a->type, a->arrived_us);
    enum event_status status = event_read(&source, a->body, arena, e);

    if (status == EVENT_NO_MEMORY)
        return status;
    if (a->judged)
        status = event_judge(m, e, status, a->arrived_us);
    *out = event_member(m, e, status, a->body);
    out->exempt = true;
    memcpy(out->nonce, a->nonce, sizeof out->nonce);
    memcpy(out->body_sha256, a->body_sha256, sizeof out->body_sha256);
    return status;
}

void again_commit(struct receiver *r, const struct mount *m, const struct store_member *member,
                  size_t n, struct store_result *result)
{
    const struct store_batch batch = {
        .provider = &m->store,
        .member = member,
        .n = n,
        .deadline_ms = clock_monotonic_ms(r->service.clock) + r->service.config->deadline_us / 1000,
    };

    guard_commit(r->guard, &batch, result);
}
