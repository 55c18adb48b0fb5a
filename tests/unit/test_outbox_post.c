/* Requests that end while they are started: nothing is left then that could wake a wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "outbox/post.h"

enum {
    WAIT_MS = 600 * 1000, /* what a wait that overlooks the end takes */
    BOUND_S = 60,         /* where the test gives up on it */
};

/* A loopback address where connections are refused (`listening` false: the socket is bound, nobody
 * listens), or accepted by the kernel and never answered. The first is a name: its look-up wakes the
 * wait, and the connections to what it found are all refused by the time of the next. */
static int loopback(bool listening, char *url, size_t room)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    if (listening)
        assert_int_equal(listen(fd, 4), 0);
    (void)snprintf(url, room, "http://%s:%u/", listening ? "127.0.0.1" : "localhost",
                   (unsigned)ntohs(at.sin_port));
    return fd;
}

static void start(struct post *p, const char *url, int *tag)
{
    struct fail why = {0};

    assert_int_equal(post_start(p, url, NULL, 0, SLICE_LITERAL("{}"), tag, &why), 0);
}

/* Also while another request is under way, as in the daemon. */
static void a_refused_connection_ends_the_wait(void **state)
{
    struct fail why = {0};
    struct post_result r;
    char refused[64], silent[64];
    int closed = loopback(false, refused, sizeof refused),
        open = loopback(true, silent, sizeof silent), tag[2];
    struct post *p = post_new(NULL, &why);

    (void)state;
    assert_non_null(p);
    (void)alarm(BOUND_S);
    start(p, refused, &tag[0]);
    while (!post_next(p, 0, &r))
        post_wait(p, NULL, 0, WAIT_MS);
    assert_ptr_equal(r.tag, &tag[0]);
    assert_int_equal(r.end, TRY_CONNECT);

    start(p, silent, &tag[1]);
    start(p, refused, &tag[0]);
    while (!post_next(p, 0, &r))
        post_wait(p, NULL, 0, WAIT_MS);
    assert_ptr_equal(r.tag, &tag[0]);
    (void)alarm(0);
    post_free(p);
    close(open);
    close(closed);
}

static void a_silent_server_does_not(void **state)
{
    struct fail why = {0};
    struct post_result r;
    char silent[64];
    int open = loopback(true, silent, sizeof silent), tag;
    struct post *p = post_new(NULL, &why);

    (void)state;
    assert_non_null(p);
    start(p, silent, &tag);
    post_wait(p, NULL, 0, 20);
    assert_false(post_next(p, 0, &r));
    post_free(p);
    close(open);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_ends_the_wait),
        cmocka_unit_test(a_silent_server_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
