/* config_files: a temporary folder with configuration files in it, and a loader for tests. */
#ifndef GUICHET_TESTS_UNIT_CONFIG_FILES_H
#define GUICHET_TESTS_UNIT_CONFIG_FILES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define CONFIG_FILES_PATH_MAX 200

struct config_files {
    char folder[CONFIG_FILES_PATH_MAX]; /* absolute, without links */
};

static inline struct config_files config_files_new(void)
{
    struct config_files f;
    char pattern[] = "/tmp/guichet-config-XXXXXX";
    char *found = mkdtemp(pattern) != NULL ? realpath(pattern, NULL) : NULL;

    if (found == NULL)
        abort();
    snprintf(f.folder, sizeof(f.folder), "%s", found);
    free(found);
    return f;
}

static inline char *config_files_path(const struct config_files *f, const char *name,
                                      char out[static CONFIG_FILES_PATH_MAX])
{
    if (snprintf(out, CONFIG_FILES_PATH_MAX, "%s/%s", f->folder, name) >= CONFIG_FILES_PATH_MAX)
        abort();
    return out;
}

static inline void config_files_write_bytes(const struct config_files *f, const char *name,
                                            mode_t mode, const char *text, size_t n)
{
    char path[CONFIG_FILES_PATH_MAX];
    int fd = open(config_files_path(f, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, text, n) != (ssize_t)n || fchmod(fd, mode) != 0 || close(fd) != 0)
        abort();
}

static inline void config_files_write(const struct config_files *f, const char *name, mode_t mode,
                                      const char *text)
{
    config_files_write_bytes(f, name, mode, text, strlen(text));
}

/* Removes the folder and the named files in it. */
static inline void config_files_free(const struct config_files *f, const char *const *name,
                                     size_t n)
{
    char path[CONFIG_FILES_PATH_MAX];

    for (size_t i = 0; i < n; i++)
        unlink(config_files_path(f, name[i], path));
    if (rmdir(f->folder) != 0)
        abort();
}

#endif
