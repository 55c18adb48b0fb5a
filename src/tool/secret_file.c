#include "tool/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write.h"

struct secret_file_owner secret_file_private(void)
{
    return (struct secret_file_owner){0600, (uid_t)-1, (gid_t)-1};
}

struct secret_file_owner secret_file_like(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return secret_file_private();
    return (struct secret_file_owner){st.st_mode & 0640, st.st_uid, st.st_gid};
}

static int fill(int fd, struct slice content, struct secret_file_owner owner)
{
    /* The owner first, for giving away takes no right away that is set later. */
    if (owner.uid != (uid_t)-1 && (owner.uid != geteuid() || owner.gid != getegid()) &&
        fchown(fd, geteuid() == 0 ? owner.uid : (uid_t)-1, owner.gid) != 0)
        return -1;
    return fchmod(fd, owner.mode) != 0 || !write_all(fd, content.p, content.n) || fsync(fd) != 0
               ? -1
               : 0;
}

/* link, not rename: it never replaces what is there. */
int secret_file_make(const char *path, struct slice content, struct secret_file_owner owner,
                     struct fail *why)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char folder[PATH_MAX], hidden[NAME_MAX + 1];
    int dir, fd = -1, rc = -1, error;

    (void)snprintf(folder, sizeof folder, "%.*s",
                   slash != NULL ? (int)(slash - path) + (slash == path) : 1,
                   slash != NULL ? path : ".");
    if (name[0] == '\0' || snprintf(hidden, sizeof hidden, ".%.200s.%ld", name, (long)getpid()) < 0)
        return fail_set(why, "%s is no name of a file", path);
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail_set(why, "cannot open the folder %s: %s", folder, strerror(errno));
    if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        fail_set(why, "%s is there already and is not overwritten; name another file, or move it",
                 path);
        goto done;
    }
    fd = openat(dir, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fill(fd, content, owner) != 0 || linkat(dir, hidden, dir, name, 0) != 0) {
        error = errno;
        fail_set(why, "cannot make %s: %s", path, strerror(error));
        goto done;
    }
    rc = 0;

done:
    if (fd >= 0) {
        close(fd);
        (void)unlinkat(dir, hidden, 0);
        (void)fsync(dir);
    }
    close(dir);
    return rc;
}
