#include "cgi.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/write.h"

#define ANSWER_MAX  (8u << 20)
#define ARENA_SPARE (12u << 20)

bool cgi_started(void)
{
    return getenv("GATEWAY_INTERFACE") != NULL && getenv("REQUEST_METHOD") != NULL;
}

static ssize_t read_stdin(void *ctx, char *out, size_t n)
{
    ssize_t got;

    (void)ctx;
    do
        got = read(STDIN_FILENO, out, n);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool send_response(const struct response *response, bool head_only)
{
    struct buf answer = BUF_INIT(ANSWER_MAX);
    bool ok;

    response_write(response, head_only, &answer);
    ok = !answer.overflow && write_all(STDOUT_FILENO, answer.p, answer.n);
    buf_free(&answer);
    return ok;
}

int cgi_serve(const struct service *service, struct receiver *receiver)
{
    size_t max_body = (size_t)service->config->max_body;
    struct body_source source = {read_stdin, NULL, NULL, true};
    struct exchange *x = calloc(1, sizeof *x);
    bool answered = false, ok = false;

    if (x != NULL)
        x->arena = arena_new(max_body * 3 + ARENA_SPARE);
    if (x == NULL || x->arena == NULL)
        goto done;
    request_init(&x->request, environ);
    x->request.received_us = clock_now_us(service->clock);
    x->request.started_us = clock_monotonic_us(service->clock);
    if (!request_read_body(&x->request, &source, max_body, x->arena))
        goto done;
    receive_batch(receiver, &x, 1);
    answered = true;
    ok = send_response(&x->response, x->request.method == METHOD_HEAD);
    /* The answer has a length, so nobody waits for the end of this process; and it must not close the
     * output before, for then the web server may end it. */
    receiver_explain(receiver);
    (void)receiver_drain(receiver);

done:
    if (!answered)
        cgi_fail();
    if (x != NULL)
        arena_free(x->arena);
    free(x);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

void cgi_fail(void)
{
    struct response r;

    response_init(&r, 500);
    (void)send_response(&r, false);
}
