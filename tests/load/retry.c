/* retry: a sender that never gives up. Each of N payments is sent again, the same bytes, until it has a
 * 2xx, over CONNECTIONS kept connections of plain HTTP/1.1 on loopback.
 *
 *   retry [-s] [-c CONNECTIONS] [-r EVENTS-PER-SECOND] [-t SECONDS] PORT N PREFIX KEY-FILE SECRET-FILE
 *         ANSWERS
 *
 * Event I has the id PREFIX-I and the payment hash PREFIX-hI, and brings the user PREFIX-u(I mod USERS)
 * I + 1 msat. Sent again is whatever ended without an answer, with 5xx or with 429. Any other 4xx is
 * wrong, for every event is right; so is a 2xx that does not name the event. Each AGAIN-th event is sent
 * once more after its 2xx and must then be answered as known: an answer that was given before the
 * commit shows there. -s: there is a spool, and a 202 from it is right, too.
 *
 * The file ANSWERS has one line for each attempt: `<id> <status> <ended> <took> <first|again>`, status 0
 * where no answer came, times in ms, `ended` since 1970. Prints `name value` lines; ends with 0 when every
 * event was acknowledged and nothing was wrong, 1 if not, 2 for a wrong command line. */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/text.h"
#include "verify/mac.h"

#define CONNECTIONS_MAX 512
#define EVENTS_MAX      INT64_C(10000000)
#define USERS           500
#define AGAIN           8
#define PAUSE_MS        50 /* before the next attempt */
#define ANSWER_S        10 /* an attempt ends without an answer after this */
#define STATUS_MAX      600
#define ANSWER_ROOM     8192

struct run {
    struct sockaddr_in server;
    int64_t n, rate, started_ms, end_ms;
    bool spool;
    const char *prefix;
    char key[256], secret[256];
    FILE *answers; /* written under its own lock */
    _Atomic int64_t next, acknowledged, wrong, unanswered, slowest_ms;
    _Atomic int64_t statuses[STATUS_MAX];
};

/* One connection and its thread. */
struct sender {
    struct run *run;
    struct mac *mac;
    pthread_t thread;
    int fd; /* -1: not connected */
    char id[64];
    char request[2048];
    size_t request_n;
    char answer[ANSWER_ROOM];
};

static int64_t now_ms(void)
{
    return clock_monotonic_ms(&clock_system);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    if (ms > 0)
        (void)nanosleep(&t, NULL);
}

/* --- one request ---------------------------------------------------------------------------------- */

static bool compose(struct sender *s, int64_t i)
{
    const struct run *r = s->run;
    char body[512], hex[2 * SHA256_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    int n;

    (void)snprintf(s->id, sizeof s->id, "%s-%" PRId64, r->prefix, i);
    n = snprintf(body, sizeof body,
                 "{\"id\":\"%s\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"dazno.de\","
                 "\"event_type\":\"lightning.payment_received\",\"user_id\":\"%s-u%" PRId64 "\","
                 "\"amount_msat\":%" PRId64 ",\"payment_hash\":\"%s-h%" PRId64 "\"}",
                 s->id, r->prefix, i % USERS, i + 1, r->prefix, i);
    struct slice signed_bytes = {body, (size_t)n};
    if (!mac_sign(s->mac, &signed_bytes, 1, digest))
        return false;
    hex_encode(digest, sizeof digest, hex);
    n = snprintf(s->request, sizeof s->request,
                 "POST /api/webhooks/dazno HTTP/1.1\r\nHost: localhost\r\n"
                 "X-Forwarded-Proto: https\r\nContent-Type: application/json\r\n"
                 "x-api-key: %s\r\nx-t4g-signature: sha256=%s\r\nContent-Length: %d\r\n\r\n%s",
                 r->key, hex, n, body);
    s->request_n = (size_t)n;
    return s->request_n < sizeof s->request;
}

static bool dial(struct sender *s)
{
    struct timeval limit = {ANSWER_S, 0};

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return false;
    (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return connect(s->fd, (const struct sockaddr *)&s->run->server, sizeof s->run->server) == 0;
}

static void hang_up(struct sender *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* Is the answer whole? By its length, its last chunk, or, where it has neither, by the connection's
 * end, which is not waited for: Guichet's answers always have a length. */
static bool is_whole(const char *answer, size_t n)
{
    const char *body = strstr(answer, "\r\n\r\n"), *length;
    size_t head;

    if (body == NULL)
        return false;
    head = (size_t)(body + 4 - answer);
    length = strcasestr(answer, "\r\nContent-Length:");
    if (length != NULL && length < body)
        return n - head >= strtoul(length + 17, NULL, 10);
    return n - head >= 5 && memcmp(answer + n - 5, "0\r\n\r\n", 5) == 0;
}

/* The status, or 0 when no answer came. */
static int exchange(struct sender *s)
{
    size_t n = 0;
    const char *status = s->answer + 9;

    s->answer[0] = '\0';
    if (s->fd < 0 && !dial(s))
        return 0;
    for (size_t sent = 0; sent < s->request_n;) {
        ssize_t k = send(s->fd, s->request + sent, s->request_n - sent, MSG_NOSIGNAL);
        if (k <= 0)
            return 0;
        sent += (size_t)k;
    }
    while (!is_whole(s->answer, n)) {
        ssize_t k = recv(s->fd, s->answer + n, sizeof s->answer - 1 - n, 0);
        if (k <= 0)
            return 0;
        n += (size_t)k;
        s->answer[n] = '\0';
    }
    if (n < 12 || memcmp(s->answer, "HTTP/1.", 7) != 0)
        return 0;
    return (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
}

static void raise_to(_Atomic int64_t *most, int64_t value)
{
    int64_t old = atomic_load(most);

    while (old < value && !atomic_compare_exchange_weak(most, &old, value)) {
    }
}

static int attempt(struct sender *s, const char *round)
{
    int64_t began = now_ms(), took;
    int status = exchange(s);

    took = now_ms() - began;
    if (status <= 0 || status >= STATUS_MAX) {
        status = 0;
        atomic_fetch_add(&s->run->unanswered, 1);
    } else {
        atomic_fetch_add(&s->run->statuses[status], 1);
        raise_to(&s->run->slowest_ms, took);
    }
    if (status == 0 || strcasestr(s->answer, "\r\nConnection: close") != NULL)
        hang_up(s);
    (void)fprintf(s->run->answers, "%s %d %" PRId64 " %" PRId64 " %s\n", s->id, status,
                  clock_now_us(&clock_system) / 1000, took, round);
    return status;
}

/* --- one event ------------------------------------------------------------------------------------ */

/* Until there is an answer that ends the matter: 2xx, or a 4xx but 429; 0 when the time was over. */
static int insist(struct sender *s, const char *round)
{
    while (now_ms() < s->run->end_ms) {
        int status = attempt(s, round);
        if (status >= 200 && status < 500 && status != 429)
            return status;
        pause_ms(PAUSE_MS);
    }
    return 0;
}

static void wrong(struct sender *s, const char *what)
{
    atomic_fetch_add(&s->run->wrong, 1);
    (void)fprintf(stderr, "%s: %s: %.500s\n", s->id, what, s->answer);
}

/* Whether the answer says that the event waits in the spool. */
static bool is_spooled(const struct sender *s, int status, const char *expected)
{
    return s->run->spool && status == 202 && strstr(s->answer, expected) != NULL &&
           strstr(s->answer, "\"spooled\":true") != NULL;
}

static void deliver(struct sender *s, int64_t i)
{
    char expected[160];
    int status = insist(s, "first");

    (void)snprintf(expected, sizeof expected, "{\"received\":true,\"webhook_id\":\"%s\",", s->id);
    if (status == 0)
        return;
    if (!is_spooled(s, status, expected) &&
        (status != 200 || strstr(s->answer, expected) == NULL)) {
        wrong(s, "a wrong answer");
        return;
    }
    atomic_fetch_add(&s->run->acknowledged, 1);
    if (i % AGAIN != 0)
        return;
    status = insist(s, "again");
    if (status != 0 && !is_spooled(s, status, expected) &&
        (status != 200 || strstr(s->answer, expected) == NULL ||
         strcasestr(s->answer, "\r\nIdempotent-Replayed: true") == NULL))
        wrong(s, "acknowledged, and yet not known when it came again");
}

static void *work(void *arg)
{
    struct sender *s = arg;
    struct run *r = s->run;
    int64_t i;

    while ((i = atomic_fetch_add(&r->next, 1)) < r->n && now_ms() < r->end_ms) {
        if (r->rate > 0)
            pause_ms(r->started_ms + i * 1000 / r->rate - now_ms());
        if (!compose(s, i))
            break;
        deliver(s, i);
    }
    hang_up(s);
    return NULL;
}

/* --- all ------------------------------------------------------------------------------------------ */

static bool read_line(const char *path, char *out, int room)
{
    FILE *in = fopen(path, "re");
    bool ok = in != NULL && fgets(out, room, in) != NULL;

    if (in != NULL)
        (void)fclose(in);
    if (!ok) {
        (void)fprintf(stderr, "retry: %s cannot be read\n", path);
        return false;
    }
    out[strcspn(out, "\n")] = '\0';
    return true;
}

static bool run_all(struct run *r, size_t connections)
{
    struct sender *s = calloc(connections, sizeof *s);
    size_t started = 0;
    bool ok = s != NULL;

    for (; ok && started < connections; started++) {
        s[started].run = r;
        s[started].fd = -1;
        s[started].mac = mac_new((const uint8_t *)r->secret, strlen(r->secret));
        ok = s[started].mac != NULL &&
             pthread_create(&s[started].thread, NULL, work, &s[started]) == 0;
        if (!ok)
            mac_free(s[started].mac);
    }
    if (!ok && started > 0)
        started--;
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(s[i].thread, NULL);
        mac_free(s[i].mac);
    }
    free(s);
    return ok;
}

static void report(struct run *r)
{
    printf("sent %" PRId64 "\nacknowledged %" PRId64 "\nwrong %" PRId64 "\nunanswered %" PRId64
           "\nslowest_ms %" PRId64 "\nseconds %.1f\n",
           r->n, r->acknowledged, r->wrong, r->unanswered, r->slowest_ms,
           (double)(now_ms() - r->started_ms) / 1000);
    for (int i = 0; i < STATUS_MAX; i++) {
        if (r->statuses[i] > 0)
            printf("status_%d %" PRId64 "\n", i, r->statuses[i]);
    }
}

static bool number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    return text_to_i64(slice_of(text), out) && *out >= min && *out <= max;
}

static bool parse(int argc, char *argv[], struct run *r, int64_t *connections)
{
    int64_t port, seconds = 60;
    bool ok = true;
    int c;

    while ((c = getopt(argc, argv, "sc:r:t:")) != -1) {
        r->spool = r->spool || c == 's';
        ok = ok && (c == 's' || (c == 'c' && number(optarg, 1, CONNECTIONS_MAX, connections)) ||
                    (c == 'r' && number(optarg, 0, 1000000, &r->rate)) ||
                    (c == 't' && number(optarg, 1, 86400, &seconds)));
    }
    argv += optind;
    if (!ok || argc - optind != 6 || !number(argv[0], 1, 65535, &port) ||
        !number(argv[1], 1, EVENTS_MAX, &r->n) || strlen(argv[2]) > 20)
        return false;
    r->server = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    r->prefix = argv[2];
    r->started_ms = now_ms();
    r->end_ms = r->started_ms + seconds * 1000;
    return read_line(argv[3], r->key, sizeof r->key) &&
           read_line(argv[4], r->secret, sizeof r->secret);
}

int main(int argc, char *argv[])
{
    static struct run r;
    int64_t connections = 16;
    bool ok;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!parse(argc, argv, &r, &connections)) {
        fputs(
            "usage: retry [-s] [-c CONNECTIONS] [-r EVENTS-PER-SECOND] [-t SECONDS] PORT N PREFIX "
            "KEY-FILE SECRET-FILE ANSWERS\n",
            stderr);
        return 2;
    }
    r.answers = fopen(argv[argc - 1], "we");
    if (r.answers == NULL) {
        (void)fprintf(stderr, "retry: %s: %s\n", argv[argc - 1], strerror(errno));
        return 2;
    }
    ok = run_all(&r, (size_t)connections);
    ok = fclose(r.answers) == 0 && ok;
    report(&r);
    return ok && r.acknowledged == r.n && r.wrong == 0 ? 0 : 1;
}
