#include "observe/state_use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16 /* one for each user that has run guichet.fcgi on it */

/* "state-<euid>-<layout>" */
static bool is_ours(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return strncmp(name, "state-", 6) == 0 && n > 6 + m && strcmp(name + n - m, end) == 0;
}

static int add_file(int dir, const char *folder, const char *name, struct state_use *out,
                    struct fail *why)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct state_shared *shared = NULL;
    struct state_secret_use *more;
    struct stat st;
    int rc = 0;

    if (fd < 0)
        return fail_set(why, "cannot read %s/%s: %s; run this as root or as the service's user",
                        folder, name, strerror(errno));
    /* One that is not whole yet has counted nothing. */
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof *shared)
        goto done;
    /* Read, not mapped: its owner may cut it at any time. */
    shared = malloc(sizeof *shared);
    more = realloc(out->use, (out->files + 1) * sizeof shared->secret_use);
    if (more != NULL)
        out->use = more;
    if (shared == NULL || more == NULL) {
        rc = fail_set(why, "cannot read %s/%s: out of memory", folder, name);
        goto done;
    }
    if (pread(fd, shared, sizeof *shared, 0) != (ssize_t)sizeof *shared)
        goto done;
    memcpy(out->use + out->files * STATE_FINGERPRINTS_MAX, shared->secret_use,
           sizeof shared->secret_use);
    if (out->files == 0 || atomic_load(&shared->created_us) < out->created_us)
        out->created_us = atomic_load(&shared->created_us);
    out->files++;

done:
    free(shared);
    close(fd);
    return rc;
}

int state_use_read(const char *dir, const char *const *types, size_t ntypes, struct state_use *out,
                   struct fail *why)
{
    char end[24];
    DIR *d = opendir(dir);
    struct dirent *entry;
    int rc = 0;

    *out = (struct state_use){.files = 0};
    if (d == NULL && errno == ENOENT)
        return 0;
    if (d == NULL)
        return fail_set(why,
                        "cannot open the state folder %s: %s; run this as root or as the service's "
                        "user",
                        dir, strerror(errno));
    (void)snprintf(end, sizeof end, "-%016llx", (unsigned long long)state_layout(types, ntypes));
    while (rc == 0 && out->files < FILES_MAX && (entry = readdir(d)) != NULL)
        if (is_ours(entry->d_name, end))
            rc = add_file(dirfd(d), dir, entry->d_name, out, why);
    closedir(d);
    return rc;
}

void state_use_free(struct state_use *u)
{
    free(u->use);
    *u = (struct state_use){.files = 0};
}

int64_t state_use_last(const struct state_use *u, uint64_t fingerprint)
{
    int64_t last = 0;

    for (size_t i = 0; i < u->files * STATE_FINGERPRINTS_MAX; i++)
        if (atomic_load(&u->use[i].fingerprint) == fingerprint) {
            int64_t at = atomic_load(&u->use[i].last_used_us);
            last = at > last ? at : last;
        }
    return last;
}
