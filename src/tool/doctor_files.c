/* Does the web server hand out what it must not? Where a file lies below the document root is not known: the
 * last parts of its path are tried, and what comes is compared with the file. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "tool/doctor.h"

#define DEPTH_MAX    3 /* folders above the file */
#define COMPARED_MIN 8 /* bytes; fewer would be chance */

static size_t beginning(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, out, room) : -1;

    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

static bool is_same(const struct probe_answer *a, const char *bytes, size_t n)
{
    return a->status == 200 && n >= COMPARED_MIN && a->n >= n && memcmp(a->body, bytes, n) == 0;
}

/* The site's root and, where it differs, what stands before /api. */
static void try_url(struct doctor *d, const char *root, size_t nroot, const char *tail,
                    struct probe_answer *a)
{
    char url[DOCTOR_URL_MAX + PATH_MAX];

    (void)snprintf(url, sizeof url, "%.*s/%s", (int)nroot, root, tail);
    doctor_ask(d, url, (struct probe_request){.url = NULL}, a);
}

/* Length of scheme and host in base. */
static size_t root_length(const struct doctor *d)
{
    return (size_t)(d->host - d->base) + strcspn(d->host, "/");
}

static void check_file(struct doctor *d, const char *path)
{
    char bytes[PROBE_BODY_MAX / 2];
    size_t n = path != NULL && path[0] == '/' ? beginning(path, bytes, sizeof bytes) : 0;
    const char *tail = path;
    struct probe_answer a;

    if (n < COMPARED_MIN)
        return;
    tail += strlen(path);
    for (int depth = 0; depth <= DEPTH_MAX && tail > path + 1; depth++) {
        for (tail--; tail > path && tail[-1] != '/'; tail--)
            ;
        try_url(d, d->base, root_length(d), tail, &a);
        if (is_same(&a, bytes, n)) {
            doctor_find(d, memcmp(bytes, "\177ELF", 4) == 0 ? FINDING_DOWNLOAD : FINDING_SERVED,
                        path, "everybody can download it as /%s", tail);
            return;
        }
    }
}

static void check_list(struct doctor *d, const struct config_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (strncmp(l->item[i].text, "file:", 5) == 0)
            check_file(d, l->item[i].text + 5);
}

/* What may lie in a document root beside the program, whether we know of it or not. */
static void check_names(struct doctor *d, size_t nroot)
{
    static const struct {
        const char *name, *mark;
        enum finding finding;
    } known[] = {
        {"guichet.conf", "include =", FINDING_SERVED},
        {"guichet.conf", "[server]", FINDING_SERVED},
        {"guichet.fcgi", "\177ELF", FINDING_DOWNLOAD},
        {".htaccess", "guichet", FINDING_SERVED},
    };
    const char *last = "";
    struct probe_answer a = {.status = 0};
    char path[64];

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(last, known[i].name) != 0)
            try_url(d, d->base, nroot, known[i].name, &a);
        last = known[i].name;
        if (a.status != 200 || strstr(a.body, known[i].mark) == NULL)
            continue;
        (void)snprintf(path, sizeof path, "/%s", known[i].name);
        doctor_find(d, known[i].finding, path, "everybody can download it");
    }
}

void doctor_files(struct doctor *d)
{
    const struct config *c = d->config;

    check_names(d, root_length(d));
    if (d->base[root_length(d)] != '\0')
        check_names(d, strlen(d->base));
    check_file(d, c->file);
    check_file(d, c->log);
    check_file(d, c->audit_log);
    check_file(d, d->program);
    if (c->metrics_token != NULL && strncmp(c->metrics_token, "file:", 5) == 0)
        check_file(d, c->metrics_token + 5);
    for (size_t i = 0; i < c->nproviders; i++) {
        check_list(d, &c->provider[i].secret);
        check_list(d, &c->provider[i].api_key);
        check_list(d, &c->provider[i].read_token);
    }
}
