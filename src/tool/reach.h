/* reach: what another user may do with a path, told from owners and modes alone (no access lists), so that
 * it can be asked without being that user or root. */
#ifndef GUICHET_TOOL_REACH_H
#define GUICHET_TOOL_REACH_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/fail.h"

#define REACH_GROUPS_MAX 64

enum reach_want { REACH_READ = 4, REACH_WRITE = 2, REACH_ENTER = 1 };

struct reach_user {
    char name[64];
    uid_t uid;
    gid_t group[REACH_GROUPS_MAX];
    size_t ngroups;
};

/* Of /etc/passwd and /etc/group; a number is an id without groups. False: there is none. */
bool reach_find(const char *name, struct reach_user *out);
/* The user of this process. */
void reach_self(struct reach_user *out);

/* Whether the user may pass through every folder above the absolute path and do `want` (bits of
 * reach_want) with what it leads to. False: said what is in the way. */
bool reach_path(const struct reach_user *u, const char *path, int want, struct fail *why);

#endif
