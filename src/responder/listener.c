#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/text.h"

#define SYSTEMD_FIRST_FD 3

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on == 1;
}

static bool make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool systemd_passes_one(void)
{
    int64_t pid, fds;

    return text_to_i64(slice_of(getenv("LISTEN_PID")), &pid) && pid == getpid() &&
           text_to_i64(slice_of(getenv("LISTEN_FDS")), &fds) && fds >= 1 &&
           is_listening(SYSTEMD_FIRST_FD);
}

/* A file left behind by a process that is gone is removed; one that is in use, or no socket, stays. */
static int clear_path(const struct sockaddr_un *a, struct fail *why)
{
    struct stat st;
    int probe, rc;

    if (lstat(a->sun_path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return fail_set(why, "%s exists and is no socket: remove it or choose another path",
                        a->sun_path);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return fail_set(why, "cannot make a socket: %s", strerror(errno));
    rc = connect(probe, (const struct sockaddr *)a, sizeof *a);
    close(probe);
    if (rc == 0)
        return fail_set(why,
                        "%s is in use: another process listens on it; stop that one first, or "
                        "choose another path",
                        a->sun_path);
    if (unlink(a->sun_path) != 0)
        return fail_set(why, "cannot remove the stale socket %s: %s", a->sun_path, strerror(errno));
    return 0;
}

static int listen_at(const char *path, struct listener *out, struct fail *why)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd;
    mode_t mask;

    if (strlen(path) >= sizeof a.sun_path)
        return fail_set(why, "--socket: the path is longer than %zu bytes", sizeof a.sun_path - 1);
    memcpy(a.sun_path, path, strlen(path) + 1);
    if (clear_path(&a, why) != 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mask = umask(0117); /* the socket is 0660 from its first moment */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 ||
        listen(fd, LISTENER_BACKLOG) != 0) {
        fail_set(why,
                 "cannot listen on %s: %s; the folder must exist and be writable for this user",
                 path, strerror(errno));
        umask(mask);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    umask(mask);
    out->path = strdup(path);
    out->fd = fd;
    return out->path != NULL ? 1 : fail_set(why, "out of memory");
}

int listener_find(const char *path, struct listener *out, struct fail *why)
{
    *out = (struct listener){.fd = -1};
    if (is_listening(STDIN_FILENO))
        out->fd = STDIN_FILENO;
    else if (systemd_passes_one())
        out->fd = SYSTEMD_FIRST_FD;
    if (out->fd >= 0) {
        out->inherited = true;
        if (!make_nonblocking(out->fd))
            return fail_set(why, "the inherited socket cannot be used: %s", strerror(errno));
        return 1;
    }
    return path != NULL ? listen_at(path, out, why) : 0;
}

void listener_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->path != NULL)
        (void)unlink(l->path);
    free(l->path);
    *l = (struct listener){.fd = -1};
}

bool listener_hand_on(struct listener *l)
{
    if (l->path == NULL)
        return true; /* it stays where it was handed to us */
    return dup2(l->fd, STDIN_FILENO) == STDIN_FILENO;
}
