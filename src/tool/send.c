#include "tool/send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "outbox/attempt.h"
#include "tool/sending.h"
#include "verify/mac.h"

#define BATCH_EVENTS    256 /* added to an outbox with one sync of the folder */
#define BATCH_BYTES_MAX (8u << 20)
#define ARENA_MAX       (64u << 20)
#define SAMPLE_USER     16 /* bytes */

/* One call of the verb. */
struct work {
    struct call *c;
    struct sending to;
    struct arena *arena;
    struct outbox *outbox; /* NULL: they are sent now */
    struct sender *sender; /* NULL: they go into the outbox */
    struct entry_content batch[BATCH_EVENTS];
    size_t n, bytes;
    enum verdict verdict; /* of the first that was not delivered */
};

/* --- options --------------------------------------------------------------------------------------- */

/* A smoke test is to say at once what is wrong. */
static long long usual_tries(const struct call *c)
{
    return call_option(c, "all-types") != NULL ? 1 : SCHEDULE_TRIES;
}

static enum verdict read_options(struct work *w)
{
    const char *url = call_option(w->c, "url"), *api_key = call_option(w->c, "api-key"),
               *secret = call_option(w->c, "secret");
    struct fail why = {""};
    long long tries;

    if (url == NULL)
        url = getenv(SENDING_URL);
    if (url == NULL || url[0] == '\0')
        return call_end(w->c, VERDICT_USAGE, "say where to: --url URL, or $" SENDING_URL);
    api_key = api_key != NULL ? api_key : SENDING_API_KEY;
    secret = secret != NULL ? secret : SENDING_SECRET;
    if (post_check_url(url, call_option(w->c, "plain-http") != NULL, &why) != 0 ||
        attempt_check_spec(api_key, "--api-key", &why) != 0 ||
        attempt_check_spec(secret, "--secret", &why) != 0)
        return call_end(w->c, VERDICT_USAGE, "%s", why.text);
    if (!call_number(w->c, "tries", 1, SCHEDULE_TRIES, usual_tries(w->c), &tries))
        return VERDICT_USAGE;
    w->to = (struct sending){
        .to = {.url = slice_of(url), .api_key = slice_of(api_key), .secret = slice_of(secret)},
        .ca_file = call_option(w->c, "ca-file"),
        .tries = (unsigned)tries,
    };
    return VERDICT_DONE;
}

static enum verdict begin(struct work *w)
{
    enum verdict v = read_options(w);

    if (v != VERDICT_DONE)
        return v;
    w->arena = arena_new(ARENA_MAX);
    if (w->arena == NULL)
        return call_end(w->c, VERDICT_AWAY, "no memory");
    if (call_option(w->c, "outbox") != NULL) {
        w->outbox = sending_open_outbox(w->c, true, &v);
        return v;
    }
    w->sender = sender_new(w->c, &w->to);
    return w->sender != NULL ? VERDICT_DONE : VERDICT_AWAY;
}

/* --- into the outbox ------------------------------------------------------------------------------- */

static enum verdict end_batch(struct work *w)
{
    struct fail why = {""};
    size_t n = w->n;

    w->n = w->bytes = 0;
    if (n > 0 && outbox_add(w->outbox, w->batch, n, clock_now_us(&clock_system), &why) < 0)
        return call_end(w->c, VERDICT_AWAY,
                        "%s; of the events only those that are listed wait in the outbox",
                        why.text);
    for (size_t i = 0; i < n; i++) {
        out_text(w->c->out, "id", w->batch[i].id);
        sending_field(w->c->out, "timestamp", w->batch[i].timestamp);
        sending_field(w->c->out, "event_type", w->batch[i].type);
        out_text(w->c->out, "state", SLICE_LITERAL("waiting"));
        out_end(w->c->out);
    }
    out_flush(w->c->out);
    arena_reset(w->arena);
    return VERDICT_DONE;
}

static enum verdict put(struct work *w, const struct composed *event)
{
    struct entry_content *e = &w->batch[w->n++];

    *e = w->to.to;
    e->id = event->id;
    e->type = event->type;
    e->timestamp = event->timestamp;
    e->user = event->user;
    e->body = event->body;
    w->bytes += event->body.n;
    return w->n == BATCH_EVENTS || w->bytes > BATCH_BYTES_MAX ? end_batch(w) : VERDICT_DONE;
}

/* --- one event, or many ------------------------------------------------------------------------------ */

/* VERDICT_DONE: go on with the next. where: of a line, for messages, 0: none. */
static enum verdict one(struct work *w, struct slice event, size_t where)
{
    struct composed composed;
    struct fail why = {""};
    enum verdict v;

    if (compose(event, &clock_system, w->arena, &composed, &why) != 0) {
        if (where > 0)
            fail_prefix(&why, "line %zu", where);
        return call_end(w->c, VERDICT_USAGE, "%s", why.text);
    }
    if (w->outbox != NULL)
        return put(w, &composed);
    v = sender_send(w->sender, &composed);
    arena_reset(w->arena);
    if (v == VERDICT_NO) { /* refused: the next one may not be */
        w->verdict = w->verdict == VERDICT_DONE ? v : w->verdict;
        v = VERDICT_DONE;
    }
    return v;
}

static enum verdict every_type(struct work *w)
{
    uint8_t random[SAMPLE_USER / 2];
    char user[sizeof "guichet-send-" + SAMPLE_USER], hex[SAMPLE_USER + 1];
    enum verdict v = VERDICT_DONE;
    struct slice sample;

    if (!random_bytes(random, sizeof random))
        return call_end(w->c, VERDICT_AWAY, "no random bytes");
    hex_encode(random, sizeof random, hex);
    (void)snprintf(user, sizeof user, "guichet-send-%s", hex);
    for (size_t k = 0; v == VERDICT_DONE && compose_sample(k, user, w->arena, &sample); k++)
        v = one(w, sample, 0);
    return v;
}

/* A line without its line break, of which no more than `room` bytes are taken (compose refuses that
 * many). False at the end. */
static bool read_line(char *line, size_t room, size_t *n)
{
    int c = getc(stdin);

    if (c == EOF)
        return false;
    for (*n = 0; c != EOF && c != '\n'; c = getc(stdin)) {
        if (*n == room)
            break;
        line[(*n)++] = (char)c;
    }
    return true;
}

static enum verdict each_line(struct work *w)
{
    char *line = malloc(COMPOSE_BODY_MAX + 1);
    enum verdict v = line != NULL ? VERDICT_DONE : call_end(w->c, VERDICT_AWAY, "no memory");
    size_t n, number = 0;

    while (line != NULL && v == VERDICT_DONE && read_line(line, COMPOSE_BODY_MAX + 1, &n)) {
        number++;
        if (n > 0)
            v = one(w, (struct slice){line, n}, number);
    }
    if (v == VERDICT_DONE && ferror(stdin))
        v = call_end(w->c, VERDICT_AWAY, "cannot read standard input: %s", strerror(errno));
    else if (v == VERDICT_AWAY && number > 0 && w->outbox == NULL)
        v = call_end(w->c, v, "line %zu was not delivered, and nothing behind it was sent", number);
    free(line);
    return v;
}

static enum verdict whole_input(struct work *w)
{
    char *bytes = malloc(COMPOSE_BODY_MAX + 1);
    size_t n = bytes != NULL ? fread(bytes, 1, COMPOSE_BODY_MAX + 1, stdin) : 0;
    enum verdict v;

    if (bytes == NULL)
        v = call_end(w->c, VERDICT_AWAY, "no memory");
    else if (ferror(stdin))
        v = call_end(w->c, VERDICT_AWAY, "cannot read standard input: %s", strerror(errno));
    else if (n == 0)
        v = call_end(w->c, VERDICT_USAGE, "standard input is empty; give it an event (JSON)");
    else
        v = one(w, (struct slice){bytes, n}, 0);
    free(bytes);
    return v;
}

static enum verdict send(struct call *c)
{
    struct work *w = calloc(1, sizeof *w);
    enum verdict v, last;

    if (w == NULL)
        return call_end(c, VERDICT_AWAY, "no memory");
    w->c = c;
    v = begin(w);
    if (v == VERDICT_DONE) {
        if (call_option(c, "all-types") != NULL)
            v = every_type(w);
        else
            v = call_option(c, "lines") != NULL ? each_line(w) : whole_input(w);
        /* What stood before a bad line is good. */
        last = w->outbox != NULL ? end_batch(w) : VERDICT_DONE;
        if (v == VERDICT_DONE)
            v = last != VERDICT_DONE ? last : w->verdict;
    }
    if (w->outbox != NULL && !outbox_is_worked(w->outbox))
        fprintf(stderr,
                "guichet send: no `guichet outbox run` works on %s now: what waits there "
                "waits for it\n",
                outbox_folder(w->outbox));
    sender_free(w->sender);
    outbox_close(w->outbox);
    arena_free(w->arena);
    free(w);
    return v;
}

static const struct option_row options[] = {
    {"url", "URL", "where to; else $" SENDING_URL, false},
    {"api-key", "SPEC", "env:NAME or file:/PATH; else " SENDING_API_KEY, false},
    {"secret", "SPEC", "env:NAME or file:/PATH; else " SENDING_SECRET, false},
    {"outbox", "DIR", "put it safely into DIR, for `guichet outbox run` to send", false},
    {"lines", NULL, "standard input holds an event a line", false},
    {"all-types", NULL, "one event of each type instead, as a smoke test", false},
    {"tries", "N", "tries at most, without --outbox; 5, with --all-types 1", false},
    {"ca-file", "FILE", "authorities to trust instead of the system's, without --outbox", false},
    {"plain-http", NULL, "http:// also to other hosts than this one", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_send = {"send", "< EVENT", "signs an event and sends it", options, 0,
                               0,      send};
