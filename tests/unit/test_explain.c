/* The responder says in its log why an honest sender was refused: after the answer, seldom, never to
 * the sender, without a secret or a digest in the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/codec.h"
#include "events/event.h"
#include "receive.h"
#include "store/memory.h"
#include "temp_dir.h"
#include "verify/mac.h"

#define API    "key-of-the-tests-0123456789abcdef"
#define SECRET "secret-of-the-tests-0123456789abcdef"
#define BODY                                                                                       \
    "{\"id\":\"w1\",\"timestamp\":\"2025-10-15T10:30:00Z\",\"source\":\"dazno.de\","               \
    "\"event_type\":\"user.created\",\"user_id\":\"u1\",\"email\":\"a@b\"}"

static char *const ENVIRONMENT[] = {
    (char[]){"T4G_API_KEY=" API},
    (char[]){"T4G_WEBHOOK_SECRET=" SECRET},
    (char[]){"GUICHET_STORE=unix:///nonexistent/redis.sock"},
    NULL,
};

struct host {
    struct temp_dir dir;
    char log_path[TEMP_PATH_ROOM];
    struct config *config;
    struct clock clock;
    int64_t now_us;
    struct service service;
    struct receiver *receiver;
    struct buf answer;
    char digest[2 * SHA256_BYTES + 1];
};

static int64_t host_now(void *ctx)
{
    return ((struct host *)ctx)->now_us;
}

static int host_open(void **state)
{
    struct host *h = calloc(1, sizeof *h);
    struct config_options options = {NULL, NULL, ENVIRONMENT};
    struct fail why = {""};

    assert_non_null(h);
    *state = h;
    h->dir = temp_dir_new();
    temp_dir_path(&h->dir, "log", h->log_path);
    h->config = config_load(&options, &why);
    assert_non_null(h->config);
    h->now_us = INT64_C(1760524205) * US_PER_S;
    h->clock = (struct clock){host_now, host_now, h};
    h->answer = BUF_INIT(1u << 20);
    h->service = (struct service){.config = h->config,
                                  .environment = ENVIRONMENT,
                                  .state = state_private(event_type_names, event_type_count),
                                  .log = log_open(h->log_path, &h->clock, &why),
                                  .audit = log_open("off", &h->clock, &why),
                                  .clock = &h->clock};
    h->receiver = receiver_new(&h->service, memory_new(&h->clock), &why);
    assert_non_null(h->receiver);
    return 0;
}

static int host_close(void **state)
{
    struct host *h = *state;

    receiver_free(h->receiver);
    log_close(h->service.audit);
    log_close(h->service.log);
    state_close(h->service.state);
    config_free(h->config);
    temp_dir_remove(&h->dir);
    buf_free(&h->answer);
    free(h);
    return 0;
}

/* Sends the body signed with `key` over `signed_body`; the header is `name`: NULL none. Returns the
 * status. */
static int post(struct host *h, const char *key, const char *signed_body, struct slice body,
                const char *name, const char *api_key)
{
    struct exchange x = {.arena = arena_new(8u << 20)}, *one = &x;
    struct mac *m = mac_new((const uint8_t *)key, strlen(key));
    struct slice part = slice_of(signed_body);
    uint8_t digest[SHA256_BYTES];
    char header[256], shown[128];
    char *params[] = {(char[]){"REQUEST_METHOD=POST"},
                      (char[]){"REQUEST_URI=/api/webhooks/dazno"},
                      (char[]){"CONTENT_TYPE=application/json"},
                      (char[]){"HTTPS=on"},
                      shown,
                      header,
                      NULL};
    int status;

    assert_true(m != NULL && mac_sign(m, &part, 1, digest));
    mac_free(m);
    hex_encode(digest, sizeof digest, h->digest);
    (void)snprintf(shown, sizeof shown, "HTTP_X_API_KEY=%s", api_key);
    (void)snprintf(header, sizeof header, "%s=sha256=%s", name != NULL ? name : "NOTHING",
                   h->digest);
    request_init(&x.request, params);
    x.request.received_us = x.request.started_us = h->now_us;
    x.request.body = body;
    x.request.body_state = BODY_WHOLE;
    x.request.body_bytes = body.n;
    receive_batch(h->receiver, &one, 1);
    status = x.response.status;
    buf_reset(&h->answer);
    response_write(&x.response, false, &h->answer);
    arena_free(
        x.arena); /* before it is explained: nothing of the request is used after its answer */
    return status;
}

/* The log as it is; the caller frees it. */
static char *read_log(const struct host *h)
{
    static char text[65536];
    int fd = open(h->log_path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);

    assert_true(fd >= 0 && n >= 0);
    close(fd);
    text[n] = '\0';
    assert_null(strstr(text, SECRET));
    assert_null(strstr(text, API));
    assert_null(strstr(text, h->digest));
    return text;
}

static size_t lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

#define NORMAL slice_of(BODY), "HTTP_X_T4G_SIGNATURE", API

static void a_mistake_is_told_once_in_ten_seconds(void **state)
{
    struct host *h = *state;
    struct buf refused = BUF_INIT(1u << 20);

    assert_int_equal(post(h, SECRET "\n", BODY, NORMAL), 401);
    assert_int_equal(lines(read_log(h)), 0); /* not before the answer */
    receiver_explain(h->receiver);
    assert_non_null(strstr(read_log(h), "warning: dazno: a request was refused (mismatch): the "
                                        "sender's secret ends in a newline"));
    assert_int_equal(lines(read_log(h)), 1);
    buf_add_slice(&refused, buf_slice(&h->answer));
    receiver_explain(h->receiver);
    h->now_us += RECEIVE_EXPLAIN_US - 1;
    assert_int_equal(post(h, SECRET "\n", BODY, NORMAL), 401);
    receiver_explain(h->receiver);
    assert_int_equal(lines(read_log(h)), 1);
    h->now_us += 1;
    assert_int_equal(post(h, SECRET, BODY "\n", NORMAL), 401);
    receiver_explain(h->receiver);
    assert_int_equal(lines(read_log(h)), 2);
    assert_non_null(strstr(read_log(h), "with a newline at its end"));
    /* The sender is told the same as a stranger. */
    h->now_us += RECEIVE_EXPLAIN_US;
    assert_int_equal(post(h, "a-stranger", BODY, NORMAL), 401);
    assert_true(slice_equal(buf_slice(&refused), buf_slice(&h->answer)));
    receiver_explain(h->receiver);
    assert_non_null(strstr(read_log(h), "notice: dazno: a request was refused (mismatch): no known "
                                        "mistake"));
    buf_free(&refused);
}

static void what_is_authentic_is_not_explained(void **state)
{
    struct host *h = *state;

    assert_int_equal(post(h, SECRET, BODY, NORMAL), 200);
    receiver_explain(h->receiver);
    assert_null(strstr(read_log(h), "refused")); /* it has a line on durability */
}

static void scanners_and_giants_are_passed_over(void **state)
{
    struct host *h = *state;
    size_t n = RECEIVE_EXPLAIN_BODY_MAX + 1;
    char *giant = malloc(n);

    assert_non_null(giant);
    memset(giant, ' ', n);
    assert_int_equal(post(h, SECRET, BODY, slice_of(BODY), NULL, API), 401);
    assert_int_equal(
        post(h, SECRET "\n", BODY, (struct slice){giant, n}, "HTTP_X_T4G_SIGNATURE", API), 401);
    assert_int_equal(post(h, SECRET, BODY, slice_of(BODY), "HTTP_X_T4G_SIGNATURE", "nonsense"),
                     401);
    receiver_explain(h->receiver);
    assert_int_equal(lines(read_log(h)), 0);
    free(giant);
    /* Nor did they use up the turn, but for the wrong API key. */
    h->now_us += RECEIVE_EXPLAIN_US;
    assert_int_equal(post(h, SECRET, BODY, slice_of(BODY), "HTTP_X_HUB_SIGNATURE_256", API), 401);
    receiver_explain(h->receiver);
    assert_non_null(strstr(read_log(h), "(missing): the header x-t4g-signature is missing; the "
                                        "header x-hub-signature-256 is there instead"));
}

static void an_unfinished_one_is_forgotten(void **state)
{
    struct host *h = *state;

    assert_int_equal(post(h, SECRET "\n", BODY, NORMAL), 401);
    /* host_close frees it: the sanitizers look. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mistake_is_told_once_in_ten_seconds, host_open,
                                        host_close),
        cmocka_unit_test_setup_teardown(what_is_authentic_is_not_explained, host_open, host_close),
        cmocka_unit_test_setup_teardown(scanners_and_giants_are_passed_over, host_open, host_close),
        cmocka_unit_test_setup_teardown(an_unfinished_one_is_forgotten, host_open, host_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
