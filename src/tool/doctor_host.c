/* From inside: the store, the folders, owners and modes, the socket as the web server sees it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/transfer.h"
#include "tool/doctor.h"

#define EXAMINE_MS    3000
#define WEB_COMM_ROOM 32
#define ARENA_MAX     65536

/* By whom it was moved away: then it takes no events, sound as it is. */
static void check_closed(struct doctor *d, struct store *s, const char *address)
{
    struct journal j = {.store = s, .arena = arena_new(ARENA_MAX), .timeout_ms = EXAMINE_MS};
    char mark[TRANSFER_MARK_MAX];
    struct fail why;

    for (size_t i = 0; j.arena != NULL && i < d->config->nproviders; i++) {
        j.provider = d->config->provider[i].name;
        if (transfer_mark(&j, mark, &why) && mark[0] != '\0')
            doctor_find(d, FINDING_STORE_CLOSED, address, "for %s: %s", j.provider, mark);
    }
    arena_free(j.arena);
}

static void check_store(struct doctor *d)
{
    static const int demanded[] = {
        [DURABILITY_ALWAYS] = 2, [DURABILITY_EVERYSEC] = 1, [DURABILITY_NONE] = 0};
    struct store_provider p[CONFIG_PROVIDERS_MAX] = {{.name = NULL}};
    const struct config *c = d->config;
    char address[STORE_URL_MAX];
    struct store_findings f;
    struct fail why = {""};
    struct store *s = store_open(c->store, &clock_system, &why);

    store_address(c->store, address, sizeof address);
    for (size_t i = 0; i < c->nproviders; i++)
        p[i].name = c->provider[i].name;
    if (s == NULL || !store_probe(s, EXAMINE_MS, &why)) {
        doctor_find(d, FINDING_STORE, address, "%s", why.text);
        goto done;
    }
    store_examine(s, p, c->nproviders, clock_monotonic_ms(&clock_system) + EXAMINE_MS, &f);
    if (f.self_test == 0)
        doctor_find(d, FINDING_STORE, address, "%s", f.problem.text);
    check_closed(d, s, address);
    if (f.evicting == 1)
        doctor_find(d, FINDING_EVICTING, address, "it may take away keys when memory is short");
    if (f.durable >= 0 && f.durable < demanded[c->durability])
        doctor_find(d, FINDING_NOT_DURABLE, address, "%s", f.durability.text);

done:
    store_free(s);
}

static void parent_of(const char *path, char out[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL || slash == path ? 1 : (size_t)(slash - path);

    (void)snprintf(out, PATH_MAX, "%.*s", (int)n, slash == NULL ? "." : path);
}

static void check_state(struct doctor *d)
{
    const char *dir = d->config->state_dir;
    char parent[PATH_MAX];
    struct fail why = {""};
    struct stat st;

    parent_of(dir, parent);
    if (stat(dir, &st) != 0 && errno == ENOENT) {
        if (!reach_path(&d->user, parent, REACH_WRITE | REACH_ENTER, &why))
            doctor_find(d, FINDING_STATE_FOLDER, dir, "it is not there and cannot be made: %s",
                        why.text);
    } else if (!reach_path(&d->user, dir, REACH_WRITE | REACH_ENTER, &why)) {
        doctor_find(d, FINDING_STATE_FOLDER, dir, "%s", why.text);
    }
}

/* --- owners and modes ------------------------------------------------------------------------- */

/* suEXEC's own rules. */
static void check_program(struct doctor *d)
{
    char dir[PATH_MAX];
    struct stat file, folder;
    const char *wrong = NULL;

    if (d->program == NULL)
        return;
    parent_of(d->program, dir);
    if (lstat(d->program, &file) != 0 || stat(dir, &folder) != 0)
        wrong = strerror(errno);
    else if (S_ISLNK(file.st_mode))
        wrong = "it is a symbolic link";
    else if (!S_ISREG(file.st_mode))
        wrong = "it is no file";
    else if ((file.st_mode & (S_ISUID | S_ISGID)) != 0)
        wrong = "it has the set-user-ID or set-group-ID bit";
    else if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        wrong = "group or others may write it";
    else if ((folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        wrong = "group or others may write its folder";
    else if ((file.st_mode & S_IXUSR) == 0)
        wrong = "its owner may not run it";
    else if (file.st_uid != folder.st_uid || file.st_gid != folder.st_gid)
        wrong = "its owner or group is not its folder's";
    if (wrong != NULL)
        doctor_find(d, FINDING_PROGRAM_MODE, d->program, "%s", wrong);
}

static void check_secret(struct doctor *d, const char *spec)
{
    struct fail why = {""};
    struct stat st;

    if (spec == NULL || strncmp(spec, "file:", 5) != 0)
        return;
    if (!reach_path(&d->user, spec + 5, REACH_READ, &why))
        doctor_find(d, FINDING_SECRET_MODE, spec + 5, "%s", why.text);
    else if (stat(spec + 5, &st) == 0 && (st.st_mode & 027) != 0)
        doctor_find(d, FINDING_SECRET_MODE, spec + 5, "others may read it (mode %04o)",
                    (unsigned)(st.st_mode & 07777));
}

static void check_secrets(struct doctor *d)
{
    check_secret(d, d->config->metrics_token);
    for (size_t i = 0; i < d->config->nproviders; i++) {
        const struct config_provider *p = &d->config->provider[i];
        for (size_t k = 0; k < p->secret.n; k++)
            check_secret(d, p->secret.item[k].text);
        for (size_t k = 0; k < p->api_key.n; k++)
            check_secret(d, p->api_key.item[k].text);
        for (size_t k = 0; k < p->read_token.n; k++)
            check_secret(d, p->read_token.item[k].text);
    }
}

/* --- the socket ------------------------------------------------------------------------------- */

static bool is_web_server(const struct doctor *d, const char *pid)
{
    static const char *const names[] = {"apache2", "httpd", "lighttpd", "nginx"};
    char path[PATH_MAX], comm[WEB_COMM_ROOM] = "";
    struct stat st;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
    if (stat(path, &st) != 0 || st.st_uid != d->web_user.uid || (f = fopen(path, "re")) == NULL)
        return false;
    if (fgets(comm, sizeof comm, f) != NULL)
        comm[strcspn(comm, "\n")] = '\0';
    fclose(f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(comm, names[i]) == 0)
            return true;
    return false;
}

/* A service may have a /tmp of its own, or see other folders than we do: ask its own root, where we may. */
static void check_hidden(struct doctor *d, const struct stat *ours)
{
    DIR *proc = opendir("/proc");
    char path[2 * PATH_MAX];
    bool known = false, hidden = false;
    struct dirent *e;
    struct stat st;

    while (proc != NULL && (e = readdir(proc)) != NULL) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !is_web_server(d, e->d_name))
            continue;
        (void)snprintf(path, sizeof path, "/proc/%.16s/root%s", e->d_name, d->socket);
        if (stat(path, &st) == 0)
            hidden = hidden || st.st_ino != ours->st_ino || st.st_dev != ours->st_dev;
        else if (errno == ENOENT)
            hidden = true;
        else
            continue;
        known = true;
    }
    if (proc != NULL)
        closedir(proc);
    if (hidden)
        doctor_find(d, FINDING_SOCKET_HIDDEN, d->socket, "a running web server does not see it");
    else if (!known &&
             (strncmp(d->socket, "/tmp/", 5) == 0 || strncmp(d->socket, "/var/tmp/", 9) == 0))
        doctor_find(d, FINDING_SOCKET_HIDDEN, d->socket,
                    "a web server that systemd starts usually does not see it");
}

static void check_socket(struct doctor *d)
{
    struct fail why = {""};
    struct stat st;

    if (d->socket == NULL)
        return;
    if (stat(d->socket, &st) != 0)
        doctor_find(d, FINDING_BACKEND, d->socket, "%s", strerror(errno));
    else if (!S_ISSOCK(st.st_mode))
        doctor_find(d, FINDING_BACKEND, d->socket, "it is no socket");
    else if (!reach_path(&d->web_user, d->socket, REACH_WRITE, &why))
        doctor_find(d, FINDING_SOCKET, d->socket, "%s", why.text);
    else
        check_hidden(d, &st);
}

void doctor_host(struct doctor *d)
{
    check_store(d);
    check_state(d);
    check_program(d);
    check_secrets(d);
    check_socket(d);
}
