/* temp_dir: a folder of a test's own, removed with the files in it. */
#ifndef GUICHET_TESTS_UNIT_TEMP_DIR_H
#define GUICHET_TESTS_UNIT_TEMP_DIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMP_PATH_ROOM 512

#define TEMP_DIR_ROOM 128

struct temp_dir {
    char path[TEMP_DIR_ROOM];
};

/* The pattern for mkdtemp and mkstemp, in $TMPDIR or /tmp. (A unix socket's path has 107 bytes.) */
static inline void temp_dir_pattern(const char *name, char *out, size_t room)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || folder[0] != '/')
        folder = "/tmp";
    if (snprintf(out, room, "%s/guichet-%s-XXXXXX", folder, name) >= (int)room)
        abort();
}

static inline struct temp_dir temp_dir_new(void)
{
    struct temp_dir d;

    temp_dir_pattern("test", d.path, sizeof d.path);
    if (mkdtemp(d.path) == NULL)
        abort();
    return d;
}

/* The path of a name in the folder. */
static inline void temp_dir_path(const struct temp_dir *d, const char *name,
                                 char out[static TEMP_PATH_ROOM])
{
    snprintf(out, TEMP_PATH_ROOM, "%s/%s", d->path, name);
}

/* The path of the only file in the folder. */
static inline void temp_dir_only(const struct temp_dir *d, char out[static TEMP_PATH_ROOM])
{
    DIR *dir = opendir(d->path);
    int n = 0;

    if (dir == NULL)
        abort();
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        temp_dir_path(d, e->d_name, out);
    }
    closedir(dir);
    if (n != 1)
        abort();
}

static inline void temp_dir_remove(const struct temp_dir *d)
{
    DIR *dir = opendir(d->path);
    char path[TEMP_PATH_ROOM];

    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        temp_dir_path(d, e->d_name, path);
        if (unlink(path) != 0)
            rmdir(path);
    }
    closedir(dir);
    rmdir(d->path);
}

#endif
