/* seal: what shows later that a provider's audit is as it was.
 *
 * From time to time the entries that came since are sealed. A seal stands on the list JOURNAL_SEALS:
 *
 *     number                  1, 2, ...
 *     previous                the mac of the seal before it; zeros in the first
 *     from, to, count         the entries that it covers, 1 to SEAL_ENTRIES_MAX
 *     first_seal, first       from which seal, and so from which entry on, the audit is kept: what
 *                             stood before was trimmed, and is not missing
 *     kept                    entries under seals from there on, with this one's
 *     at                      when it was made, by the clock of who made it, us
 *     entries                 a line each: the entry's id and its tag
 *     mac                     HMAC-SHA-256(key, all of that, and the provider's name)
 *
 * A tag is the first 16 bytes of HMAC-SHA-256(key, provider, fields of the entry), in base64. What is
 * signed is length-prefixed ("5:dazno"), so that no two contents read alike. Who cannot read the key
 * can neither make a seal nor a tag: a change of an entry shows in its tag, one of a seal in its mac,
 * a seal that was taken out or exchanged in those behind it. Only the newest end can be cut off
 * unseen, which a seal that was noted elsewhere shows (seal_check.h), and what came since the newest
 * seal is not protected yet.
 *
 * (A tag for each entry costs about as much room as half an entry, and is what names the one that was
 * changed. It leaves the id out, which stands beside it: so an entry that was moved is told from one
 * that was changed.) */
#ifndef GUICHET_STORE_SEAL_H
#define GUICHET_STORE_SEAL_H

#include "config/config.h"
#include "store/journal.h"

#define SEAL_ENTRIES_MAX JOURNAL_PAGE_MAX
#define SEAL_KEYS_MAX    8
#define SEAL_MAC_ROOM    (2 * SHA256_BYTES + 1)
#define SEAL_TAG_ROOM    25 /* 24 characters of base64 */
#define SEAL_ID_ROOM     48
/* The lease under which seals are made; it saves work, the chain needs none. */
#define SEAL_LEASE "seal"

/* The keys: the last one seals, all are tried on what is there. */
struct seal_ring {
    struct mac *key[SEAL_KEYS_MAX];
    size_t n;
};

/* Reads the specs of [server] audit_key; n == 0: none is configured. -1 with cause and remedy. */
int seal_ring_read(const struct config_list *spec, char *const *environment, struct seal_ring *out,
                   struct fail *why);
void seal_ring_free(struct seal_ring *r);

/* A seal; its texts lie where it was read from. */
struct seal {
    const char *id; /* on the list */
    int64_t number, count, first_seal, kept, at_us;
    struct slice previous, from, to, first, entries, mac;
    struct mac *key; /* that made it; NULL: it is not authentic */
};

/* Takes an entry of the list apart. False when it is not even formed like a seal; then what could be
 * read of it is there. */
bool seal_read(const struct seal_ring *r, const char *provider, const struct journal_entry *e,
               struct seal *out);

/* Signs all but `mac`. */
bool seal_sign(struct mac *key, const char *provider, const struct seal *s,
               char mac[static SEAL_MAC_ROOM]);
bool seal_tag(struct mac *key, const char *provider, const struct journal_entry *e,
              char tag[static SEAL_TAG_ROOM]);

/* How many entries no seal covers yet, cheaply and as the newest seal says, authentic or not: for
 * metrics. */
bool seal_unsealed(const struct journal *j, int64_t *out, struct fail *why);

#endif
