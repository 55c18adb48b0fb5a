#include "store/seal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/text.h"
#include "verify/secret.h"

#define TAG_BYTES  16
#define PARTS_MAX  (2 * (2 + 2 * JOURNAL_FIELDS_MAX))
#define NUMBER_MAX 24
#define KEY_LEAST  16 /* characters of a key */

/* --- keys ----------------------------------------------------------------------------------------- */

static int ring_add(struct seal_ring *r, const struct secret_text *text, const char *origin,
                    struct fail *why)
{
    if (r->n == SEAL_KEYS_MAX)
        return fail_set(why, "%s: audit_key names more than %d keys", origin, SEAL_KEYS_MAX);
    if (text->n < KEY_LEAST)
        return fail_set(why,
                        "%s: a key of the audit has at least %d characters; make one with "
                        "`openssl rand -hex 32`",
                        origin, KEY_LEAST);
    r->key[r->n] = mac_new((const uint8_t *)text->text, text->n);
    if (r->key[r->n] == NULL)
        return fail_set(why, "out of memory");
    r->n++;
    return 0;
}

int seal_ring_read(const struct config_list *spec, char *const *environment, struct seal_ring *out,
                   struct fail *why)
{
    static const size_t room = SEAL_KEYS_MAX;
    struct secret_text text[SEAL_KEYS_MAX];

    *out = (struct seal_ring){.n = 0};
    for (size_t i = 0; i < spec->n; i++) {
        const char *origin = spec->item[i].origin;
        int n = secret_read(spec->item[i].text, origin, environment, text, room, why);
        int rc = n < 0 ? -1 : 0;
        for (int k = 0; rc == 0 && k < n; k++)
            rc = ring_add(out, &text[k], origin, why);
        secret_wipe(text, room);
        if (rc != 0) {
            seal_ring_free(out);
            return -1;
        }
    }
    return 0;
}

void seal_ring_free(struct seal_ring *r)
{
    for (size_t i = 0; i < r->n; i++)
        mac_free(r->key[i]);
    *r = (struct seal_ring){.n = 0};
}

/* --- what is signed ------------------------------------------------------------------------------- */

struct canonical {
    struct slice part[PARTS_MAX];
    char length[PARTS_MAX / 2][NUMBER_MAX];
    size_t n;
};

/* "5:" and the text. */
static void put(struct canonical *c, struct slice text)
{
    char *length = c->length[c->n / 2];

    (void)snprintf(length, NUMBER_MAX, "%zu:", text.n);
    c->part[c->n++] = slice_of(length);
    c->part[c->n++] = text;
}

bool seal_sign(struct mac *key, const char *provider, const struct seal *s,
               char mac[static SEAL_MAC_ROOM])
{
    const int64_t number[] = {s->number, s->count, s->first_seal, s->kept, s->at_us};
    char text[sizeof number / sizeof number[0]][NUMBER_MAX];
    uint8_t digest[SHA256_BYTES];
    struct canonical c = {.n = 0};

    put(&c, SLICE_LITERAL("guichet audit seal 1"));
    put(&c, slice_of(provider));
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        (void)snprintf(text[i], NUMBER_MAX, "%" PRId64, number[i]);
        put(&c, slice_of(text[i]));
    }
    put(&c, s->previous);
    put(&c, s->from);
    put(&c, s->to);
    put(&c, s->first);
    put(&c, s->entries);
    if (!mac_sign(key, c.part, c.n, digest))
        return false;
    hex_encode(digest, sizeof digest, mac);
    return true;
}

bool seal_tag(struct mac *key, const char *provider, const struct journal_entry *e,
              char tag[static SEAL_TAG_ROOM])
{
    uint8_t digest[SHA256_BYTES];
    struct canonical c = {.n = 0};

    put(&c, SLICE_LITERAL("guichet audit entry 1"));
    put(&c, slice_of(provider));
    for (size_t i = 0; i < e->nfields && i < JOURNAL_FIELDS_MAX; i++) {
        put(&c, e->field[i].name);
        put(&c, e->field[i].value);
    }
    if (!mac_sign(key, c.part, c.n, digest))
        return false;
    base64_encode(digest, TAG_BYTES, tag);
    return true;
}

/* --- what is there -------------------------------------------------------------------------------- */

static struct mac *key_of(const struct seal_ring *r, const char *provider, const struct seal *s)
{
    char mac[SEAL_MAC_ROOM];

    if (s->mac.n != SEAL_MAC_ROOM - 1)
        return NULL;
    for (size_t i = r->n; i > 0; i--)
        if (seal_sign(r->key[i - 1], provider, s, mac) &&
            equal_constant_time(mac, s->mac.p, s->mac.n))
            return r->key[i - 1];
    return NULL;
}

bool seal_read(const struct seal_ring *r, const char *provider, const struct journal_entry *e,
               struct seal *out)
{
    bool formed;

    *out = (struct seal){
        .id = e->id,
        .previous = journal_value(e, "previous"),
        .from = journal_value(e, "from"),
        .to = journal_value(e, "to"),
        .first = journal_value(e, "first"),
        .entries = journal_value(e, "entries"),
        .mac = journal_value(e, "mac"),
    };
    formed = text_to_i64(journal_value(e, "number"), &out->number);
    formed = text_to_i64(journal_value(e, "count"), &out->count) && formed;
    formed = text_to_i64(journal_value(e, "first_seal"), &out->first_seal) && formed;
    formed = text_to_i64(journal_value(e, "kept"), &out->kept) && formed;
    formed = text_to_i64(journal_value(e, "at"), &out->at_us) && formed;
    if (formed)
        out->key = key_of(r, provider, out);
    return formed;
}

bool seal_unsealed(const struct journal *j, int64_t *out, struct fail *why)
{
    const struct journal_range newest = {.backwards = true, .max = 1};
    struct journal_page page;
    int64_t all, kept = 0;

    if (!journal_count(j, JOURNAL_AUDIT, &all, why) ||
        !journal_read(j, JOURNAL_SEALS, &newest, &page, why))
        return false;
    if (page.n > 0)
        (void)text_to_i64(journal_value(&page.entry[0], "kept"), &kept);
    *out = all > kept ? all - kept : 0;
    return true;
}
