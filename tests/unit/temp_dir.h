/* temp_dir: a folder of a test's own, removed with the files in it. */
#ifndef GUICHET_TESTS_UNIT_TEMP_DIR_H
#define GUICHET_TESTS_UNIT_TEMP_DIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMP_PATH_ROOM 512

struct temp_dir {
    char path[64];
};

static inline struct temp_dir temp_dir_new(void)
{
    struct temp_dir d = {"/tmp/guichet-test-XXXXXX"};

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
