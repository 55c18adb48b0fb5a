#include "verify/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* A kind of spec: what it begins with and who reads it. */
typedef int secret_reader(const char *rest, char *const *environment, struct secret_text *out,
                          size_t room, struct fail *why);

/* Whether the text can be a secret of any kind at all; `what` names its source. */
static int check_text(const char *what, const struct secret_text *s, struct fail *why)
{
    struct slice text = {s->text, s->n};

    if (s->n == 0)
        return fail_set(
            why, "%s is empty; give it a secret, for example from `openssl rand -hex 64`", what);
    if (s->text[s->n - 1] == '\n' || s->text[s->n - 1] == '\r')
        return fail_set(
            why,
            "%s ends in a line break, which would become a part of the secret; write it "
            "without one, for example with `printf %%s`",
            what);
    if (!text_is_plain(text, 1, SECRET_BYTES_MAX))
        return fail_set(why,
                        "%s holds a control character, a line break inside, or bytes that are not "
                        "UTF-8; a secret is one line of text",
                        what);
    return 0;
}

static int read_literal(const char *rest, char *const *environment, struct secret_text *out,
                        size_t room, struct fail *why)
{
    size_t n = strlen(rest);

    (void)environment;
    (void)room;
    if (n > SECRET_BYTES_MAX)
        return fail_set(why, "the secret is longer than %d bytes", SECRET_BYTES_MAX);
    memcpy(out->text, rest, n + 1);
    out->n = n;
    return check_text("the secret", out, why) == 0 ? 1 : -1;
}

static int read_env(const char *name, char *const *environment, struct secret_text *out,
                    size_t room, struct fail *why)
{
    char what[160];
    size_t n = strlen(name);
    const char *value = NULL;

    (void)room;
    if (n == 0 || strchr(name, '=') != NULL)
        return fail_set(why, "`env:` must be followed by the name of an environment variable");
    for (; environment != NULL && *environment != NULL && value == NULL; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            value = *environment + n + 1;
    if (value == NULL)
        return fail_set(why,
                        "the environment variable %s is not set; set it where the program is "
                        "started, or keep it in a file and name that, as file:/path",
                        name);
    if (strlen(value) > SECRET_BYTES_MAX)
        return fail_set(why, "the environment variable %s is longer than %d bytes", name,
                        SECRET_BYTES_MAX);
    out->n = strlen(value);
    memcpy(out->text, value, out->n + 1);
    (void)snprintf(what, sizeof what, "the environment variable %s", name);
    return check_text(what, out, why) == 0 ? 1 : -1;
}

/* Owner and group may read it: 0640 with the group of the service is how a file of root's is given to
 * it. */
static int check_mode(const char *path, const struct stat *st, struct fail *why)
{
    if ((st->st_mode & 027) == 0)
        return 0;
    return fail_set(
        why,
        "others can read or change the secret in %s (mode %04o); run: chmod 640 %s, with "
        "the service's group, or chmod 600 as its user",
        path, (unsigned)(st->st_mode & 07777), path);
}

/* Fills out from an open file; one newline at the end is not part of the secret. */
static int read_open_file(int fd, const char *path, struct secret_text *out, struct fail *why)
{
    char bytes[SECRET_BYTES_MAX + 2]; /* one for the newline, one to see that there is more */
    size_t n = 0;
    ssize_t got = 1;
    int result = -1;

    while (n < sizeof bytes && got > 0) {
        got = read(fd, bytes + n, sizeof bytes - n);
        if (got > 0)
            n += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (got < 0) {
        fail_set(why, "cannot read %s: %s", path, strerror(errno));
        goto done;
    }
    if (n > 0 && bytes[n - 1] == '\n')
        n--;
    if (n > SECRET_BYTES_MAX) {
        fail_set(why, "%s is longer than %d bytes; it must hold the secret alone", path,
                 SECRET_BYTES_MAX);
        goto done;
    }
    memcpy(out->text, bytes, n);
    out->text[n] = '\0';
    out->n = n;
    result = check_text(path, out, why);

done:
    explicit_bzero(bytes, sizeof bytes);
    return result;
}

/* The file `name` in the folder dir (AT_FDCWD: name is a path); `path` names it in messages. */
static int read_file_at(int dir, const char *name, const char *path, struct secret_text *out,
                        struct fail *why)
{
    /* O_NONBLOCK: a FIFO of that name must not hang the start. */
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int result = -1;

    if (fd < 0)
        return fail_set(why,
                        "cannot open %s: %s; it must exist and be readable by the user that "
                        "the program runs as",
                        path, strerror(errno));
    if (fstat(fd, &st) != 0)
        fail_set(why, "cannot examine %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        fail_set(why, "%s is not a regular file; for a folder of secrets write dir:%s", path, path);
    else if (check_mode(path, &st, why) == 0)
        result = read_open_file(fd, path, out, why);
    (void)close(fd);
    return result;
}

static int read_file(const char *path, char *const *environment, struct secret_text *out,
                     size_t room, struct fail *why)
{
    (void)environment;
    (void)room;
    if (path[0] != '/')
        return fail_set(why, "`file:` must be followed by an absolute path");
    return read_file_at(AT_FDCWD, path, path, out, why) == 0 ? 1 : -1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Puts the names of the folder's regular files (links to such included) in order. Hidden ones are not
 * secrets but what editors and mounts leave there. */
static int list_folder(DIR *dir, const char *path, size_t room, struct secret_names *l,
                       struct fail *why)
{
    struct dirent *entry;
    struct stat st;

    l->n = 0;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0) {
            if (errno == ENOENT) /* taken away this moment */
                continue;
            return fail_set(why, "cannot examine %s/%s: %s", path, entry->d_name, strerror(errno));
        }
        if (!S_ISREG(st.st_mode))
            continue;
        if (l->n == room || l->n == SECRETS_LIVE_MAX)
            return fail_set(why,
                            "%s holds too many files: at most %d secrets can be live at a time",
                            path, SECRETS_LIVE_MAX);
        (void)snprintf(l->name[l->n++], sizeof l->name[0], "%s", entry->d_name);
    }
    if (errno != 0)
        return fail_set(why, "cannot list %s: %s", path, strerror(errno));
    if (l->n == 0)
        return fail_set(why,
                        "the folder %s holds no secret; put one file for each into it (for hooks "
                        "of Airtable `guichet airtable setup` does)",
                        path);
    qsort(l->name, l->n, sizeof l->name[0], by_name);
    return 0;
}

/* The open folder, to be closed by the caller also on -1, if it is one. */
static int open_folder(const char *path, size_t room, DIR **dir, struct secret_names *l,
                       struct fail *why)
{
    struct stat st;

    *dir = NULL;
    if (path[0] != '/')
        return fail_set(why, "`dir:` must be followed by an absolute path");
    *dir = opendir(path);
    if (*dir == NULL || fstat(dirfd(*dir), &st) != 0)
        return fail_set(why, "cannot open the folder %s: %s", path, strerror(errno));
    if ((st.st_mode & 022) != 0)
        return fail_set(why,
                        "others can put secrets into the folder %s (mode %04o); run: chmod go-w %s",
                        path, (unsigned)(st.st_mode & 07777), path);
    return list_folder(*dir, path, room, l, why);
}

int secret_folder(const char *path, struct secret_names *out, struct fail *why)
{
    DIR *dir;
    int result = open_folder(path, SECRETS_LIVE_MAX, &dir, out, why);

    if (dir != NULL)
        (void)closedir(dir);
    return result == 0 ? (int)out->n : -1;
}

static int read_dir(const char *path, char *const *environment, struct secret_text *out,
                    size_t room, struct fail *why)
{
    struct secret_names l = {.n = 0};
    DIR *dir;
    int result = open_folder(path, room, &dir, &l, why);

    (void)environment;
    for (size_t i = 0; i < l.n && result == 0; i++) {
        char file[PATH_MAX + NAME_MAX + 2];
        (void)snprintf(file, sizeof file, "%s/%s", path, l.name[i]);
        result = read_file_at(dirfd(dir), l.name[i], file, &out[i], why);
        (void)snprintf(out[i].file, sizeof out[i].file, "%s", l.name[i]);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return result == 0 ? (int)l.n : -1;
}

int secret_read(const char *spec, const char *origin, char *const *environment,
                struct secret_text *out, size_t room, struct fail *why)
{
    static const struct {
        const char *prefix;
        secret_reader *read;
    } kinds[] = {{"env:", read_env}, {"file:", read_file}, {"dir:", read_dir}, {"", read_literal}};
    size_t i = 0;
    int n;

    if (room == 0)
        return fail_set(why, "%s: at most %d secrets can be live at a time", origin,
                        SECRETS_LIVE_MAX);
    out->file[0] = '\0';
    while (strncmp(spec, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
        i++;
    n = kinds[i].read(spec + strlen(kinds[i].prefix), environment, out, room, why);
    if (n < 0) {
        secret_wipe(out, room);
        return fail_prefix(why, "%s", origin);
    }
    return n;
}
