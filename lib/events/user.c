/* The user's record: who it is and what is told of it. */
#include "base/text.h"
#include "events/table.h"

/* Bytes of a profile field's name; one with a longer name, or with control characters in it, is kept in
 * the hand-off's body alone. */
#define PROFILE_NAME_MAX 128

/* Every member that is neither of the envelope nor of the row, as it was written, below a prefix of its
 * own: so no name that a sender chooses is a field of ours. The first PROFILE_FIELDS_MAX of an event
 * are kept; the rest stay in the hand-off's body. */
static void add_profile(const struct facts *f, struct slice user, struct change_list *out)
{
    struct document_cursor c = document_begin(f->document);
    struct slice name, raw;
    size_t n = 0;

    while (n < PROFILE_FIELDS_MAX && document_next(f->document, &c, &name, &raw)) {
        if (table_is_base_field(name) || slice_is(name, "user_id") || slice_is(name, "email") ||
            !text_is_plain(name, 1, PROFILE_NAME_MAX))
            continue;
        change_list_set_newer(out, user, change_list_join(out, "profile.", name), raw,
                              PROFILE_FIELDS_MAX);
        n++;
    }
}

static void add_email(const struct facts *f, struct slice user, struct change_list *out)
{
    struct slice email = facts_value(f, "email");

    if (email.p != NULL)
        change_list_set_newer(out, user, SLICE_LITERAL("email"), email, 0);
}

void user_created(const struct facts *f, struct change_list *out)
{
    struct slice user = change_list_join(out, "user:", facts_value(f, "user_id"));

    change_list_set_earliest(out, user, SLICE_LITERAL("created_at"));
    add_email(f, user, out);
    add_profile(f, user, out);
}

void user_updated(const struct facts *f, struct change_list *out)
{
    struct slice user = change_list_join(out, "user:", facts_value(f, "user_id"));

    change_list_set_newer(out, user, SLICE_LITERAL("changed_at"), f->stamp, 0);
    add_email(f, user, out);
    add_profile(f, user, out);
}
