#include "fastcgi.h"

#include <fcgiapp.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Bytes of an answer, headers and body. */
#define ANSWER_MAX (8u << 20)
/* An answer so short fits into the buffer of a connection on which nothing was sent before. */
#define ANSWER_FITS 2048

struct fastcgi {
    FCGX_Request request;
    struct buf answer;
};

bool fastcgi_start(void)
{
    return setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1) == 0 && FCGX_Init() == 0;
}

struct fastcgi *fastcgi_new(void)
{
    struct fastcgi *f = calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    f->answer = BUF_INIT(ANSWER_MAX);
    /* No listening socket: libfcgi only ever gets connections that were accepted here. */
    if (FCGX_InitRequest(&f->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
        free(f);
        return NULL;
    }
    return f;
}

void fastcgi_free(struct fastcgi *f)
{
    if (f == NULL)
        return;
    FCGX_Free(&f->request, 1);
    buf_free(&f->answer);
    free(f);
}

static ssize_t read_stdin(void *ctx, char *out, size_t n)
{
    FCGX_Stream *in = ctx;

    return FCGX_GetStr(out, n > INT_MAX ? INT_MAX : (int)n, in);
}

static bool stdin_broken(void *ctx)
{
    return FCGX_GetError(ctx) != 0;
}

bool fastcgi_read(struct fastcgi *f, int from, int connection, size_t max_body,
                  const struct clock *clock, struct exchange *x)
{
    FCGX_Request *r = &f->request;
    struct body_source source = {read_stdin, stdin_broken, NULL, false};
    bool ok;

    /* A request whose connection is open already is one on a kept connection to libfcgi. */
    r->ipcFd = from;
    r->keepConnection = 1;
    if (FCGX_Accept_r(r) != 0) {
        if (from != connection)
            close(connection);
        return false;
    }
    source.ctx = r->in;
    request_init(&x->request, r->envp);
    x->request.received_us = clock_now_us(clock);
    x->request.started_us = clock_monotonic_us(clock);
    ok = request_read_body(&x->request, &source, max_body, x->arena);
    if (from != connection) {
        close(from);
        r->ipcFd = connection;
    }
    if (!ok) {
        FCGX_SetExitStatus(1, r->out);
        r->keepConnection = 0;
        FCGX_Finish_r(r);
    }
    return ok;
}

int fastcgi_answer(struct fastcgi *f, const struct exchange *x)
{
    FCGX_Request *r = &f->request;
    bool keep = r->keepConnection != 0;
    int fd;

    buf_reset(&f->answer);
    response_write(&x->response, x->request.method == METHOD_HEAD, &f->answer);
    if (f->answer.n > ANSWER_FITS)
        fastcgi_be_patient(r->ipcFd);
    /* libfcgi would shut the connection down, poll and read before it closes it: three calls of the
     * system for what is read to its end. So it is told to leave it open. On an error it closes it. */
    r->keepConnection = 1;
    if (FCGX_PutStr(f->answer.p, (int)f->answer.n, r->out) != (int)f->answer.n)
        r->keepConnection = 0;
    FCGX_Finish_r(r);
    fd = r->ipcFd;
    r->ipcFd = -1;
    if (fd < 0 || keep)
        return fd;
    close(fd);
    return -1;
}

void fastcgi_be_patient(int connection)
{
    static const struct timeval patience = {.tv_sec = FASTCGI_SEND_S};

    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}
