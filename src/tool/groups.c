/* The consumer groups of the hand-off: who reads it, and how far they are. */
#include "store/group.h"
#include "tool/consume.h"
#include "tool/host.h"
#include "tool/list.h"

static enum verdict list_groups(struct call *c, struct host *h, const struct config_provider *p)
{
    struct journal j = host_journal(h, p);
    struct group_state group[GROUPS_MAX];
    struct fail why = {""};
    size_t n;

    if (!group_list(&j, group, &n, &why))
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    for (size_t i = 0; i < n; i++) {
        out_text(c->out, "group", slice_of(group[i].name));
        out_number(c->out, "consumers", group[i].consumers);
        out_number(c->out, "pending", group[i].pending);
        out_text(c->out, "done_before", slice_of(group[i].needed));
        out_end(c->out);
    }
    return list_end(c, VERDICT_DONE);
}

static enum verdict drop_group(struct call *c, struct host *h, const struct config_provider *p)
{
    struct journal j = host_journal(h, p);
    struct fail why = {""};
    bool dropped;

    if (!group_drop(&j, c->operand[0], &dropped, &why))
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    return dropped ? VERDICT_DONE
                   : call_end(c, VERDICT_NO, "there is no group \"%s\"", c->operand[0]);
}

static enum verdict groups_list(struct call *c)
{
    return host_on_provider(c, list_groups);
}

static enum verdict groups_drop(struct call *c)
{
    return host_on_provider(c, drop_group);
}

static const struct option_row options[] = {HOST_PROVIDER_OPTION, {0}};

const struct verb verb_groups_list = {
    "groups list", "", "lists the consumer groups of the hand-off", options, 0, 0, groups_list};
const struct verb verb_groups_drop = {
    "groups drop", "NAME", "forgets a consumer group", options, 1, 1, groups_drop};
