#include "tool/reach.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static void groups_of(struct reach_user *u)
{
    FILE *f = fopen("/etc/group", "re");
    struct group *g;

    while (f != NULL && (g = fgetgrent(f)) != NULL)
        for (char **m = g->gr_mem; *m != NULL && u->ngroups < REACH_GROUPS_MAX; m++)
            if (strcmp(*m, u->name) == 0)
                u->group[u->ngroups++] = g->gr_gid;
    if (f != NULL)
        fclose(f);
}

/* The files themselves, not the name service: that would not work in a static program. */
bool reach_find(const char *name, struct reach_user *out)
{
    FILE *f = fopen("/etc/passwd", "re");
    struct passwd *p = NULL;
    int64_t number;

    *out = (struct reach_user){.ngroups = 0};
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    while (f != NULL && (p = fgetpwent(f)) != NULL && strcmp(p->pw_name, name) != 0)
        ;
    if (p != NULL) {
        out->uid = p->pw_uid;
        out->group[out->ngroups++] = p->pw_gid;
        groups_of(out);
    }
    if (f != NULL)
        fclose(f);
    if (p != NULL)
        return true;
    if (!text_to_i64(slice_of(name), &number) || number > UINT_MAX - 1)
        return false;
    out->uid = (uid_t)number;
    return true;
}

void reach_self(struct reach_user *out)
{
    int n;

    *out = (struct reach_user){.uid = geteuid()};
    (void)snprintf(out->name, sizeof out->name, "user %ld", (long)out->uid);
    n = getgroups(REACH_GROUPS_MAX - 1, out->group);
    out->ngroups = n > 0 ? (size_t)n : 0;
    out->group[out->ngroups++] = getegid();
}

__attribute__((format(printf, 2, 3))) static bool denied(struct fail *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

static bool is_member(const struct reach_user *u, gid_t g)
{
    for (size_t i = 0; i < u->ngroups; i++)
        if (u->group[i] == g)
            return true;
    return false;
}

static bool may(const struct reach_user *u, const struct stat *st, int want)
{
    unsigned bits = st->st_mode & 7u;

    if (u->uid == 0)
        return true;
    if (st->st_uid == u->uid)
        bits = (st->st_mode >> 6) & 7u;
    else if (is_member(u, st->st_gid))
        bits = (st->st_mode >> 3) & 7u;
    return (bits & (unsigned)want) == (unsigned)want;
}

bool reach_path(const struct reach_user *u, const char *path, int want, struct fail *why)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    struct stat st;

    if (n == 0 || n >= sizeof part || path[0] != '/')
        return denied(why, "%s is no absolute path", path);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (stat(part, &st) != 0)
            return denied(why, "%s: %s", part, strerror(errno));
        if (!may(u, &st, i < n ? REACH_ENTER : want))
            return denied(why, "%s may not %s %s (owner %ld, group %ld, mode %04o)", u->name,
                          i < n                ? "pass through"
                          : want == REACH_READ ? "read"
                                               : "write to",
                          part, (long)st.st_uid, (long)st.st_gid, (unsigned)(st.st_mode & 07777));
    }
    return true;
}
