#include "store/redis_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/types.h>
#include "base/codec.h"
#include "base/slice.h"
#include "base/text.h"

/* 1 in the program that `make portable` makes. */
#ifndef GUICHET_PORTABLE
#define GUICHET_PORTABLE 0
#endif

#define SENTINEL_FORM "sentinel://host:port,host:port/name"

/* Cuts s at the first c: the part before it; s keeps the part behind it. False when there is no c.
 */
static bool cut(struct slice *s, char c, struct slice *before)
{
    const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;

    if (at == NULL)
        return false;
    *before = (struct slice){s->p, (size_t)(at - s->p)};
    *s = slice_from(*s, before->n + 1);
    return true;
}

static bool decode(struct slice text, char *out, size_t room, const char *what, struct fail *why)
{
    ssize_t n = percent_decode(text, out, room - 1);

    if (n < 0) {
        fail_set(why,
                 "store: the %s is longer than %zu bytes or has a %% that two hex digits do not "
                 "follow; write a %% that is meant as %%25",
                 what, room - 1);
        return false;
    }
    out[n] = '\0';
    return true;
}

static bool number(struct slice text, int64_t min, int64_t max, int *out, const char *what,
                   struct fail *why)
{
    int64_t v;

    if (!text_to_i64(text, &v) || v < min || v > max) {
        fail_set(why, "store: the %s must be a number from %lld to %lld", what, (long long)min,
                 (long long)max);
        return false;
    }
    *out = (int)v;
    return true;
}

/* user:password, or :password */
static bool read_credentials(struct slice s, struct redis_address *a, struct fail *why)
{
    struct slice user;

    if (!cut(&s, ':', &user) || s.n == 0) {
        fail_set(why, "store: before the @ must stand user:password, or :password without a user");
        return false;
    }
    return decode(user, a->user, sizeof a->user, "user", why) &&
           decode(s, a->password, sizeof a->password, "password", why);
}

/* Takes ?db=N from the end of s. */
static bool take_database(struct slice *s, struct redis_address *a, struct fail *why)
{
    struct slice before;

    if (!cut(s, '?', &before))
        return true;
    if (!slice_begins(*s, "db=")) {
        fail_set(why, "store: behind the ? only db=N may stand");
        return false;
    }
    if (!number(slice_from(*s, 3), 0, REDIS_DB_MAX, &a->db, "database", why))
        return false;
    *s = before;
    return true;
}

static bool read_unix(struct slice path, struct redis_address *a, struct fail *why)
{
    if (!take_database(&path, a, why))
        return false;
    if (path.n < 2) {
        fail_set(why, "store: the path of the socket is missing; write unix:///path/to/redis.sock");
        return false;
    }
    return decode(path, a->path, sizeof a->path, "path of the socket", why);
}

static bool read_port(struct slice rest, int *port, struct fail *why)
{
    if (rest.n == 0)
        return true;
    if (rest.p[0] != ':') {
        fail_set(why, "store: behind the ] of an address only :port or / may stand");
        return false;
    }
    if (!number(slice_from(rest, 1), 1, 65535, port, "port", why))
        return false;
    return true;
}

/* The portable program has no name service (src/portable/alone.c). */
static bool host_served(const char *host, struct fail *why)
{
    struct in6_addr any;

    if (!GUICHET_PORTABLE || inet_pton(AF_INET, host, &any) == 1 ||
        inet_pton(AF_INET6, host, &any) == 1)
        return true;
    fail_set(why,
             "store: this portable program takes addresses alone, no names of hosts; write %s, or "
             "the path of Redis's socket",
             strcmp(host, "localhost") == 0 ? "127.0.0.1" : "its IP address");
    return false;
}

/* host or host:port; form: what the whole should look like */
static bool read_place(struct slice place, char out[static REDIS_HOST_MAX + 1], int *port,
                       const char *form, struct fail *why)
{
    struct slice host;

    if (place.n > 0 && place.p[0] == '[') {
        place = slice_from(place, 1);
        if (!cut(&place, ']', &host)) {
            fail_set(why, "store: the ] behind the IPv6 address is missing");
            return false;
        }
    } else {
        struct slice rest = place;
        host = place;
        if (cut(&rest, ':', &host))
            place = (struct slice){host.p + host.n, place.n - host.n};
        else
            place = SLICE_NONE;
    }
    if (host.n == 0 || host.n > REDIS_HOST_MAX || !text_is_plain(host, 1, REDIS_HOST_MAX)) {
        fail_set(why, "store: the host is missing or too long; write %s", form);
        return false;
    }
    memcpy(out, host.p, host.n);
    out[host.n] = '\0';
    return host_served(out, why) && read_port(place, port, why);
}

static bool read_host(struct slice s, struct redis_address *a, struct fail *why)
{
    struct slice place = s;

    if (cut(&s, '/', &place) && s.n > 0 && !number(s, 0, REDIS_DB_MAX, &a->db, "database", why))
        return false;
    return read_place(place, a->host, &a->port, "redis://host:port/db", why);
}

/* The credentials end at the last '@' before the path (of a unix address, at the last "@/"). */
static bool take_credentials(struct slice *s, bool is_unix, struct redis_address *a,
                             struct fail *why)
{
    size_t at = s->n;

    for (size_t i = 0; i + 1 < s->n; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): s->n is 0 where s->p is NULL */
        if (s->p[i] == '@' && (!is_unix || s->p[i + 1] == '/'))
            at = i;
    }
    if (at == s->n)
        return true;
    if (!read_credentials((struct slice){s->p, at}, a, why))
        return false;
    *s = slice_from(*s, at + 1);
    return true;
}

bool redis_url_parse(const char *url, struct redis_address *out, struct fail *why)
{
    struct slice s = slice_of(url);
    bool is_unix = slice_begins(s, "unix://");

    *out = (struct redis_address){.port = REDIS_PORT};
    s = slice_from(s, strlen(is_unix ? "unix://" : "redis://"));
    if (is_unix && s.n > 0 && s.p[0] == '/')
        return read_unix(s, out, why);
    if (!take_credentials(&s, is_unix, out, why))
        return false;
    if (!is_unix)
        return read_host(s, out, why);
    if (s.n == 0 || s.p[0] != '/') {
        fail_set(why, "store: the path of the socket must be absolute; write "
                      "unix:///path/to/redis.sock, with three slashes");
        return false;
    }
    return read_unix(s, out, why);
}

/* Redis takes letters, digits and .-_ */
static bool read_master(struct slice name, struct redis_sentinels *out, struct fail *why)
{
    bool sound = name.n > 0 && name.n <= REDIS_MASTER_MAX;

    for (size_t i = 0; sound && i < name.n; i++)
        sound = (name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
                (name.p[i] >= '0' && name.p[i] <= '9') || memchr(".-_", name.p[i], 3) != NULL;
    if (!sound) {
        fail_set(why, "store: behind the sentinels must stand / and the name of the master, of "
                      "letters, digits and .-_; write " SENTINEL_FORM);
        return false;
    }
    memcpy(out->master, name.p, name.n);
    out->master[name.n] = '\0';
    return true;
}

bool redis_url_parse_sentinels(const char *url, struct redis_sentinels *out,
                               struct redis_address *server, struct fail *why)
{
    struct slice s = slice_from(slice_of(url), strlen("sentinel://")), places = s;
    bool more = true;

    *out = (struct redis_sentinels){.n = 0};
    *server = (struct redis_address){.port = 0};
    if (!take_credentials(&s, false, server, why) || !take_database(&s, server, why))
        return false;
    if (!cut(&s, '/', &places)) {
        places = s;
        s = SLICE_NONE;
    }
    if (!read_master(s, out, why))
        return false;
    while (more) {
        struct slice place = places;
        more = cut(&places, ',', &place);
        if (out->n == REDIS_SENTINELS_MAX) {
            fail_set(why, "store: more than %d sentinels; name some of them", REDIS_SENTINELS_MAX);
            return false;
        }
        struct redis_place *p = &out->place[out->n++];
        p->port = REDIS_SENTINEL_PORT;
        if (!read_place(place, p->host, &p->port, SENTINEL_FORM, why))
            return false;
    }
    return true;
}
