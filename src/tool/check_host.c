/* The host: the folder of state, logs, spool, the configuration's own file, the clock. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/file_system.h"
#include "spool/spool.h"
#include "tool/check_judge.h"

static void check_user(struct check *k)
{
    if (geteuid() == 0)
        check_line(k, CHECK_WARN, "host.user", "", "run it with --user NAME, or as that user",
                   "root may do everything: whether the service's user may is not seen");
    else
        check_line(k, CHECK_OK, "host.user", "", "", "seen as user %ld", (long)geteuid());
}

static void check_file(struct check *k)
{
    const char *file = k->config->file;
    struct stat st;

    if (file == NULL || stat(file, &st) != 0)
        return;
    if ((st.st_mode & 022) != 0)
        check_line(k, CHECK_FAIL, "configuration.file", "", "chmod go-w it",
                   "%s can be changed by others (mode %04o)", file, (unsigned)(st.st_mode & 07777));
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        check_line(k, CHECK_WARN, "configuration.file", "", "chown root it",
                   "%s belongs to user %ld, who could change it", file, (long)st.st_uid);
    else
        check_line(k, CHECK_OK, "configuration.file", "", "", "%s, mode %04o", file,
                   (unsigned)(st.st_mode & 07777));
}

/* The folder that the path is in. */
static void parent_of(const char *path, char out[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    (void)snprintf(out, PATH_MAX, "%.*s", slash == NULL || slash == path ? 1 : (int)(slash - path),
                   slash == NULL ? "." : path);
}

static void check_log(struct check *k, const char *matter, const char *target)
{
    char parent[PATH_MAX];
    struct stat st;

    if (target[0] != '/') {
        check_line(k, strcmp(target, "off") == 0 ? CHECK_WARN : CHECK_OK, matter, "",
                   strcmp(target, "off") == 0 ? "set [server] audit_log: without it nobody can say "
                                                "later what was refused"
                                              : "",
                   "%s", target);
        return;
    }
    parent_of(target, parent);
    if (stat(target, &st) != 0 && errno == ENOENT)
        check_line(k, access(parent, W_OK | X_OK) == 0 ? CHECK_OK : CHECK_FAIL, matter, "",
                   access(parent, W_OK | X_OK) == 0 ? "" : "make the folder for the service's user",
                   "%s is not there yet%s", target,
                   access(parent, W_OK | X_OK) == 0 ? "" : ", and cannot be made");
    else if (access(target, W_OK) != 0)
        check_line(k, CHECK_FAIL, matter, "", "let the service's user write it (chown, chmod)",
                   "%s cannot be written: %s", target, strerror(errno));
    else if (stat(target, &st) == 0 && (st.st_mode & 006) != 0)
        check_line(k, CHECK_WARN, matter, "", "chmod 640 it",
                   "%s can be read by everybody (mode %04o)", target,
                   (unsigned)(st.st_mode & 07777));
    else
        check_line(k, CHECK_OK, matter, "", "", "%s can be written", target);
}

static void check_state_folder(struct check *k, int fd, const char *dir)
{
    struct stat st;
    const char *name;
    enum file_system kind = file_system_of(fd, &name);
    bool ours = fstat(fd, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0 || geteuid() == 0);

    if (kind == FILE_SYSTEM_NETWORK)
        check_line(k, CHECK_FAIL, "state", "",
                   "set [server] state_dir to a folder on a local disk or below /run",
                   "%s lies on %s, where processes cannot share counters", dir, name);
    else if (!ours)
        check_line(k, CHECK_FAIL, "state", "", "chown it to the service's user",
                   "%s belongs to user %ld", dir, (long)st.st_uid);
    else if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        check_line(k, CHECK_FAIL, "state", "", "chmod o-w it", "%s may be written by everybody",
                   dir);
    else if (access(dir, W_OK | X_OK) != 0)
        check_line(k, CHECK_FAIL, "state", "", "let the service's user write in it",
                   "%s cannot be written: %s", dir, strerror(errno));
    else
        check_line(k, CHECK_OK, "state", "", "", "%s can be written%s", dir,
                   kind == FILE_SYSTEM_MEMORY ? " (in memory: counters start anew with the host)"
                                              : "");
}

static void check_state(struct check *k)
{
    const char *dir = k->config->state_dir;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char parent[PATH_MAX];
    int error = errno;

    if (fd >= 0) {
        check_state_folder(k, fd, dir);
        close(fd);
        return;
    }
    parent_of(dir, parent);
    if (error == ENOENT && access(parent, W_OK | X_OK) == 0)
        check_line(k, CHECK_OK, "state", "", "", "%s is not there yet and will be made", dir);
    else
        check_line(k, CHECK_FAIL, "state", "", "make it for the service's user (install -d -o)",
                   "%s cannot be opened: %s", dir, strerror(error));
}

static void check_spool_fill(struct check *k, struct spool *s)
{
    const struct config *c = k->config;
    struct spool_list list;
    struct statvfs fs;
    enum check_level level;

    if (spool_list(s, &list)) {
        level = judge_fill((int64_t)list.n, c->spool_limit);
        check_line(k, level, "spool.fill", "",
                   level == CHECK_OK ? "" : "see why the store is away, or raise spool_limit",
                   "%zu events wait there, of at most %lld", list.n, (long long)c->spool_limit);
        spool_list_free(&list);
    }
    if (statvfs(c->spool_dir, &fs) != 0)
        return;
    level =
        (double)fs.f_bavail * (double)fs.f_frsize < (double)c->spool_size ? CHECK_WARN : CHECK_OK;
    check_line(k, level, "spool.space", "",
               level == CHECK_OK ? "" : "free some space there, or lower spool_size",
               "%.0f MiB are free for a spool of %.0f MiB",
               (double)fs.f_bavail * (double)fs.f_frsize / 1048576,
               (double)c->spool_size / 1048576);
}

static void check_spool(struct check *k)
{
    const struct config *c = k->config;
    struct fail why = {""};
    struct spool *s;
    struct stat st;

    if (c->when_store_down != STORE_DOWN_SPOOL) {
        check_line(k, CHECK_WARN, "spool", "",
                   "set [server] when_store_down = spool and spool_dir, unless senders try for "
                   "longer than the store may be away",
                   "not set: while the store is away events are refused with 503");
        if (c->spool_dir == NULL)
            return;
    }
    if (stat(c->spool_dir, &st) != 0 && errno == ENOENT) {
        char parent[PATH_MAX];
        parent_of(c->spool_dir, parent);
        check_line(k, access(parent, W_OK | X_OK) == 0 ? CHECK_OK : CHECK_FAIL, "spool", "",
                   access(parent, W_OK | X_OK) == 0 ? "" : "make it for the service's user, 0700",
                   "%s is not there yet", c->spool_dir);
        return;
    }
    /* As root, opening another's spool would leave root's files in it. */
    if (st.st_uid != geteuid()) {
        check_line(k, geteuid() == 0 ? CHECK_WARN : CHECK_FAIL, "spool", "",
                   geteuid() == 0 ? "run it with --user" : "chown it to the service's user",
                   "%s belongs to user %ld and was not looked into", c->spool_dir, (long)st.st_uid);
        return;
    }
    s = spool_open(c->spool_dir, (struct spool_limits){c->spool_limit, c->spool_size}, &why);
    if (s == NULL) {
        check_line(k, CHECK_FAIL, "spool", "", "", "%s", why.text);
        return;
    }
    check_line(k, CHECK_OK, "spool", "", "", "%s is sound", c->spool_dir);
    check_spool_fill(k, s);
    spool_close(s);
}

void check_clock(struct check *k)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    if (state < 0)
        check_line(k, CHECK_OK, "clock", "", "",
                   "the kernel does not tell whether it is kept in "
                   "step");
    else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
        check_line(k, CHECK_WARN, "clock", "",
                   "run chrony or systemd-timesyncd; in a container see to the host's",
                   "nothing keeps this host's clock in step");
    else
        check_line(k, CHECK_OK, "clock", "", "", "kept in step");
}

void check_host(struct check *k)
{
    check_user(k);
    check_file(k);
    check_state(k);
    check_log(k, "log", k->config->log);
    check_log(k, "audit_log", k->config->audit_log);
    check_spool(k);
    check_clock(k);
}
