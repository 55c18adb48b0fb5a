/* airtable: a base of Airtable kept right in the store (airtable/keys.h says how it lies there).
 *
 * A ping says that a hook has payloads; a drain applies them in order, each once, however often pings come
 * or workers are killed; a full refresh copies the base anew where payloads were missed. Drains and
 * refreshes of a base exclude each other over all processes and hosts by a lease; should it pass to another
 * worker while one sleeps, the sleeper's next step meets a condition that no longer holds.
 *
 * The API is asked at most five times in any second for a base, and not for 30 s after a 429. */
#ifndef GUICHET_AIRTABLE_AIRTABLE_H
#define GUICHET_AIRTABLE_AIRTABLE_H

#include "store/journal.h"

#define AIRTABLE_HOOKS_MAX 64 /* of a base that are looked at; Airtable allows ten */
#define AIRTABLE_TEXT_MAX  256

enum airtable_outcome {
    AIRTABLE_DONE,
    AIRTABLE_BUSY,    /* another worker has the lease */
    AIRTABLE_STOPPED, /* as `stop` asked, or because another worker went on */
    AIRTABLE_AWAY,    /* the API or the store gives no answer; later perhaps */
    AIRTABLE_REFUSED  /* the token, a scope, the base or the request is wrong */
};

struct airtable_settings {
    struct store *store;
    const char *provider;
    int64_t backlog_limit;   /* of the hand-off; 0: none */
    const char *base;        /* app... */
    const char *url;         /* of the API; NULL: Airtable's */
    struct slice token;      /* copied */
    bool (*stop)(void *ctx); /* whether to end soon; NULL: never */
    /* Something the operator should know. */
    void (*say)(void *ctx, const char *text);
    void *ctx;
};

/* What was done. */
struct airtable_report {
    int64_t payloads, records, requests, refreshes, hooks;
    int64_t sound; /* known hooks that bring payloads. None: what changes is not told of until
                      there is one again */
};

struct airtable_hook {
    char id[48];
    char url[AIRTABLE_TEXT_MAX];    /* "": none */
    bool listed;                    /* the API knows it */
    bool known;                     /* its payloads are applied here */
    bool alive;                     /* isHookEnabled */
    bool notifies;                  /* areNotificationsEnabled */
    int64_t expires_us;             /* 0: never, or not told */
    int64_t next;                   /* cursorForNextPayload */
    int64_t cursor;                 /* ours; 0: none */
    int64_t pinged_us;              /* 0: no ping was received */
    int64_t drained_us;             /* 0: never to its end */
    bool due;                       /* pinged since its last drain */
    bool off;                       /* airtable_enable switched its pings off */
    char error[AIRTABLE_TEXT_MAX];  /* code of an error payload; "": none */
    char result[AIRTABLE_TEXT_MAX]; /* of the last ping in Airtable's words; "": well, or none */
};

struct airtable;

/* Nothing is contacted yet. NULL with cause and remedy. */
struct airtable *airtable_new(const struct airtable_settings *s, struct fail *why);
void airtable_free(struct airtable *a);

/* Applies what there is: a full refresh first if one is due (no copy yet, or payloads were missed) or
 * `refresh` asks for it, then the payloads of each hook that is known: with `all` of every one, else of
 * those that were pinged since their last drain. */
enum airtable_outcome airtable_drain(struct airtable *a, bool all, bool refresh,
                                     struct airtable_report *report, struct fail *why);

/* What there is to do, asking the store alone: *due: a known hook was pinged since its last drain, or there
 * is no copy, or it lacks something; *old: the copy was begun longer than `full_us` ago (0: no copy is too
 * old), whichever worker did that. */
bool airtable_due(struct airtable *a, int64_t full_us, bool *due, bool *old, struct fail *why);

/* The hooks of the base: those that the API lists and those that are known here alone. */
enum airtable_outcome airtable_hooks(struct airtable *a,
                                     struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                                     struct fail *why);

/* Prolongs the life of known hooks that end within `margin_us` and has their notifications sent again
 * where Airtable gave up. */
enum airtable_outcome airtable_keep_alive(struct airtable *a, int64_t margin_us,
                                          struct airtable_report *report, struct fail *why);

/* A hook for all changes of the base, whose pings go to `url`. Its secret, "base64:..." in text, is
 * given to `keep` before anything else is done; if that fails the hook is deleted again. */
enum airtable_outcome airtable_create(struct airtable *a, const char *url,
                                      bool (*keep)(void *ctx, const char *hook, const char *secret,
                                                   struct fail *why),
                                      void *ctx, struct airtable_hook *out, struct fail *why);
/* Makes an existing hook of the base known, so that its payloads are applied: from the first one on. */
enum airtable_outcome airtable_adopt(struct airtable *a, const char *hook, struct fail *why);
/* Has its pings sent, or not. What was switched off so stays off: airtable_keep_alive leaves it alone. */
enum airtable_outcome airtable_enable(struct airtable *a, const char *hook, bool on,
                                      struct fail *why);
enum airtable_outcome airtable_prolong(struct airtable *a, const char *hook, int64_t *expires_us,
                                       struct fail *why);
/* Shows a page of the hook's payloads from `cursor` on (0: from where the drain is), as Airtable gives
 * them: nothing is applied. Like a drain it prolongs the hook's life. *next: the cursor behind it. */
enum airtable_outcome airtable_peek(struct airtable *a, const char *hook, int64_t cursor,
                                    void (*put)(void *ctx, int64_t number, const char *json),
                                    void *ctx, int64_t *next, struct fail *why);
/* Whether the token may do each of what is needed: look at hooks (webhook:manage), at tables
 * (schema.bases:read), at records (data.records:read, if there is a table). *why: of the first that it
 * may not. */
struct airtable_scopes {
    bool hooks, schema, records;
};
enum airtable_outcome airtable_try_scopes(struct airtable *a, struct airtable_scopes *out,
                                          struct fail *why);
/* Also forgets it here. */
enum airtable_outcome airtable_delete(struct airtable *a, const char *hook, struct fail *why);

#endif
