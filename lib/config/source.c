#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the file at path lies in the folder that dir describes. */
static bool lies_in(const char *path, const struct stat *dir)
{
    struct stat folder;
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    bool same = parent == NULL || /* out of memory: the side of caution */
                (stat(parent, &folder) == 0 && folder.st_dev == dir->st_dev &&
                 folder.st_ino == dir->st_ino);

    free(parent);
    return same;
}

/* Both as it is named and as it is found: a link in the docroot is served too, and so is a file
 * there that a link elsewhere leads to. */
static bool lies_beside_program(const char *name, const char *program_dir)
{
    char found[PATH_MAX];
    struct stat dir;

    if (program_dir == NULL || stat(program_dir, &dir) != 0)
        return false;
    return lies_in(name, &dir) || (realpath(name, found) != NULL && lies_in(found, &dir));
}

/* Reads the whole of fd into s. */
static int read_text(int fd, struct source *s, struct fail *why)
{
    s->text = malloc(SOURCE_BYTES_MAX + 1);
    if (s->text == NULL)
        return fail_set(why, "out of memory");
    while (s->n <= SOURCE_BYTES_MAX) {
        ssize_t n = read(fd, s->text + s->n, SOURCE_BYTES_MAX + 1 - s->n);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return fail_set(why, "%s: cannot be read: %s", s->name, strerror(errno));
        if (n > 0)
            s->n += (size_t)n;
    }
    return fail_set(why, "%s: larger than 1 MiB; no configuration is, so name the right file",
                    s->name);
}

int source_read(const char *name, const char *program_dir, struct source *out, struct fail *why)
{
    struct stat st;
    int result = -1;
    int fd = -1;

    *out = (struct source){.name = strdup(name)};
    if (out->name == NULL)
        return fail_set(why, "out of memory");
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        result = errno == ENOENT || errno == ENOTDIR ? 1 : -1;
        fail_set(why, "%s: cannot be opened: %s; %s", name, strerror(errno),
                 result == 1 ? "create it, or name the file that is meant"
                             : "let this user read it and enter its folders");
        goto out;
    }
    if (fstat(fd, &st) != 0) {
        fail_set(why, "%s: %s", name, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        fail_set(why, "%s: not a regular file; name the configuration file itself", name);
        goto out;
    }
    if (lies_beside_program(name, program_dir))
        out->exposure = SOURCE_BESIDE_PROGRAM;
    else if (st.st_mode & (S_IROTH | S_IWOTH))
        out->exposure = SOURCE_OPEN_TO_OTHERS;
    result = read_text(fd, out, why);
out:
    if (fd >= 0)
        close(fd);
    return result;
}

void source_free(struct source *s)
{
    free(s->name);
    if (s->text != NULL)
        explicit_bzero(s->text, s->n);
    free(s->text);
    *s = (struct source){0};
}
