/* diagnose: why did an honest sender's signature not verify?
 *
 * The mistakes that are made are few, so they are tried: the key in another form, another hash,
 * another signed content, the body in another form, the digest written otherwise; one at a time,
 * then two together. What fits is named. It is for the operator alone: nothing here accepts a
 * request, and a text never holds a secret, a digest or a part of the body. A stranger, who does not
 * know the secret, cannot make anything fit but an empty key. */
#ifndef GUICHET_VERIFY_DIAGNOSE_H
#define GUICHET_VERIFY_DIAGNOSE_H

#include "base/fail.h"
#include "http/request.h"
#include "observe/state.h"
#include "verify/scheme.h"
#include "verify/secret.h"

/* A form of the body that the sender may have signed instead: "re-serialised by ...". */
struct diagnose_body {
    const char *what; /* as in "the signature is that of the body <what>" */
    struct slice body;
};
#define DIAGNOSE_BODIES_MAX 24 /* given; those that need no parser are tried anyway */

struct diagnose_case {
    const struct scheme *scheme;
    const struct request *request; /* headers and body as they came */
    enum signature_reason reason;  /* what verifier_check said; not SIGNATURE_OK */
    const struct secret_text *secret;
    size_t nsecrets;
    const struct secret_text *api_key; /* those that are configured */
    size_t napi_keys;
    const struct diagnose_body *body;
    size_t nbodies;
    struct slice url;     /* that the sender posts to, for senders that sign it; or empty */
    int64_t now_us;       /* when it was received */
    int64_t tolerance_us; /* of a signed time */
    uint64_t work_max; /* bytes that may be hashed, DIAGNOSE_TRY_BYTES beside them for each try */
};
#define DIAGNOSE_TRY_BYTES 1024

struct diagnosis {
    bool found;     /* a mistake is named; else the text says what was looked at */
    size_t secret;  /* found: the secret that the sender has; nsecrets where that is not told */
    unsigned tried; /* combinations */
    bool complete;  /* all were tried, work_max was enough */
    char text[FAIL_TEXT_MAX]; /* one line: the mistake and its remedy */
};

void diagnose(const struct diagnose_case *c, struct diagnosis *out);

#endif
