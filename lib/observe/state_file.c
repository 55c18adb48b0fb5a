#include "observe/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_system.h"

#define DIR_MODE  0700
#define FILE_MODE 0600

/* Atomic adds to a mapping do not cross hosts. */
static int check_file_system(int fd, const char *dir, struct fail *why)
{
    const char *name;

    switch (file_system_of(fd, &name)) {
    case FILE_SYSTEM_UNKNOWN:
        return fail_set(why, "cannot tell the file system of %s: %s", dir, strerror(errno));
    case FILE_SYSTEM_NETWORK:
        return fail_set(
            why,
            "the state folder %s lies on %s, where processes cannot share counters; set "
            "[server] state_dir to a folder on a local disk or below /run or /dev/shm",
            dir, name);
    default:
        return 0;
    }
}

static int check_dir(int fd, const char *dir, struct fail *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_set(why, "cannot examine the state folder %s: %s", dir, strerror(errno));
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail_set(
            why,
            "the state folder %s belongs to user %ld, who could replace what is in it; give it "
            "to user %ld (chown) or set [server] state_dir to another folder",
            dir, (long)st.st_uid, (long)geteuid());
    if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
        return fail_set(
            why, "the state folder %s may be written by everybody; take that away (chmod o-w %s)",
            dir, dir);
    return check_file_system(fd, dir, why);
}

/* The folder, made if need be; -1 on failure. */
static int open_dir(const char *dir, struct fail *why)
{
    if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST)
        return fail_set(
            why,
            "cannot make the state folder %s: %s; make it for user %ld, or set [server] "
            "state_dir to a folder that this user can write",
            dir, strerror(errno), (long)geteuid());
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(
            why,
            "cannot open the state folder %s: %s; let user %ld enter it, or set [server] "
            "state_dir to another folder",
            dir, strerror(errno), (long)geteuid());
    if (check_dir(fd, dir, why) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int check_file(int fd, const char *dir, const char *name, struct stat *st, struct fail *why)
{
    if (fstat(fd, st) != 0)
        return fail_set(why, "cannot examine %s/%s: %s", dir, name, strerror(errno));
    if (!S_ISREG(st->st_mode))
        return fail_set(why, "%s/%s is not a regular file; remove it", dir, name);
    if (st->st_uid != geteuid())
        return fail_set(why, "%s/%s belongs to user %ld, not to user %ld; remove it", dir, name,
                        (long)st->st_uid, (long)geteuid());
    if ((st->st_mode & 077) != 0)
        return fail_set(why, "%s/%s may be read or written by others; chmod 600 it, or remove it",
                        dir, name);
    return 0;
}

static int open_file(int dir_fd, const char *dir, const char *name, struct fail *why)
{
    int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);

    if (fd < 0 && errno == ELOOP)
        return fail_set(why, "%s/%s is a symbolic link; remove it", dir, name);
    if (fd < 0)
        return fail_set(
            why,
            "cannot open %s/%s: %s; let user %ld write in the folder, or set [server] state_dir "
            "to another one",
            dir, name, strerror(errno), (long)geteuid());
    return fd;
}

/* Gives the file its blocks if it has none or its maker was killed. Under the lock. */
static int make_whole(int fd, const char *dir, const char *name, size_t size, struct fail *why)
{
    static const char zeros[STATE_FILE_MAGIC];
    char magic[STATE_FILE_MAGIC] = {0};
    struct stat st;

    if (check_file(fd, dir, name, &st, why) != 0)
        return -1;
    if (pread(fd, magic, sizeof(magic), 0) < 0)
        return fail_set(why, "cannot read %s/%s: %s", dir, name, strerror(errno));
    if (memcmp(magic, zeros, sizeof(magic)) != 0) {
        if (st.st_size == (off_t)size)
            return 0;
        return fail_set(
            why,
            "%s/%s has %lld bytes where %zu are due, so somebody cut or changed it; remove "
            "it (its counters then start at 0)",
            dir, name, (long long)st.st_size, size);
    }
    int error = ftruncate(fd, 0) != 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
    if (error != 0) {
        (void)!ftruncate(fd, 0);
        return fail_set(why, "cannot give %s/%s its %zu bytes: %s; free some space there", dir,
                        name, size, strerror(error));
    }
    return 0;
}

void state_file_lock(const struct state_file *f)
{
    while (flock(f->fd, LOCK_EX) != 0 && errno == EINTR)
        ;
}

void state_file_unlock(const struct state_file *f)
{
    flock(f->fd, LOCK_UN);
}

int state_file_open(struct state_file *f, const char *dir, const char *name, size_t size,
                    struct fail *why)
{
    int result = -1;
    int dir_fd = open_dir(dir, why);
    struct stat st;

    *f = (struct state_file){.fd = -1, .map = MAP_FAILED, .size = size};
    if (dir_fd < 0)
        return -1;
    f->fd = open_file(dir_fd, dir, name, why);
    if (f->fd < 0 || check_file(f->fd, dir, name, &st, why) != 0)
        goto out;
    state_file_lock(f);
    if (make_whole(f->fd, dir, name, size, why) != 0)
        goto out;
    f->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (f->map == MAP_FAILED) {
        fail_set(why, "cannot map %s/%s: %s", dir, name, strerror(errno));
        goto out;
    }
    result = 0;
out:
    if (result != 0)
        state_file_close(f);
    close(dir_fd);
    return result;
}

void state_file_close(struct state_file *f)
{
    if (f->map != MAP_FAILED)
        munmap(f->map, f->size);
    if (f->fd >= 0)
        close(f->fd);
    f->map = MAP_FAILED;
    f->fd = -1;
}
