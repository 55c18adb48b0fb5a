/* verify: is this request authentic? Every live secret is tried on the raw bytes; nothing is parsed
 * before it is. */
#ifndef GUICHET_VERIFY_VERIFY_H
#define GUICHET_VERIFY_VERIFY_H

#include "base/fail.h"
#include "config/config.h"
#include "http/request.h"
#include "observe/state.h"
#include "verify/scheme.h"

/* The live secrets of one provider, keys prepared. Belongs to one thread. */
struct verifier;

struct verified {
    enum signature_reason reason; /* SIGNATURE_OK: authentic; all the rest is 0 otherwise */
    uint32_t matches;             /* bit i: the i-th live secret made the digest */
    unsigned
        slot; /* which secret matched, the first of them: its place among the live ones, in the order of
                                     the configuration; those of a folder count one by one, by name */
    uint64_t fingerprint; /* of that secret */
    int64_t time_us;      /* the signed time, 0 if the scheme has none */
};

/* NULL when the provider's settings are not sound (unknown scheme, no secret, a secret that is empty or
 * of the wrong form, an API key missing where the scheme asks for one or given where it has none, a
 * tolerance where no time is signed): cause, file and line, remedy. now_us: the time, from which
 * verifier_refresh counts. `p` and `environment` must outlive the verifier. */
struct verifier *verifier_new(const struct config_provider *p, char *const *environment,
                              int64_t now_us, struct fail *why);
void verifier_free(struct verifier *v);

const struct scheme *verifier_scheme(const struct verifier *v);
size_t verifier_secrets(const struct verifier *v); /* how many are live */

/* Reads secrets of file: and dir: specs again, at most once a second of now_us, so that a change of
 * their files takes effect without a restart. On a failure the old ones stay, and *why (never NULL) says
 * what was wrong, each second until it is mended; else its text is empty. */
void verifier_refresh(struct verifier *v, int64_t now_us, struct fail *why);

/* Judges the request: the API key first, then the forms of the headers that the scheme's row names, the
 * digest, and the time last. Comparisons are in constant time, and all secrets are tried whichever
 * matches.
 *
 * Missing: a header that the row names is absent or empty. Doubled: one came twice, or was joined with
 * another. Malformed: a header does not have its form. API key, mismatch: a well-formed one is not ours.
 * Stale: authentic, but its time is outside the tolerance, past or future; a forged request is never
 * stale, so the counter tells of clocks and replays alone. */
void verifier_check(struct verifier *v, const struct request *r, int64_t now_us,
                    struct verified *out);

/* Once the event is read: whether a secret that made the digest belongs to this id (scheme.h,
 * owner_prefix). If so, slot and fingerprint are its own; else the request is not authentic after all:
 * *out becomes a mismatch. Between the two calls the secrets must not have been read again. */
bool verifier_owns(const struct verifier *v, struct slice id, struct verified *out);

#endif
