/* doctor: what `guichet check` cannot see: the way from outside, through the real web server, to the
 * program, and what stands around it. Its requests change nothing: they are refused on purpose. */
#ifndef GUICHET_TOOL_DOCTOR_H
#define GUICHET_TOOL_DOCTOR_H

#include "config/config.h"
#include "store/store.h"
#include "tool/finding.h"
#include "tool/probe.h"
#include "tool/reach.h"
#include "tool/verb.h"
#include "verify/secret.h"

extern const struct verb verb_doctor;

#define DOCTOR_URL_MAX 1024

struct doctor {
    struct call *c;
    const struct config *config;
    struct probe *probe;
    char base[DOCTOR_URL_MAX]; /* of the site, with what stands before /api */
    const char *host;          /* in base: what follows the host's name; the site's root */
    bool private_way;          /* TLS, or this host: a secret may be sent */
    const struct config_provider *target; /* answers; NULL: none does */
    char target_url[DOCTOR_URL_MAX];
    const char *program, *socket; /* as deployed; NULL: not told */
    struct reach_user user;       /* the program runs as */
    struct reach_user web_user;   /* the web server runs as */
    size_t faults, notes, probes;
};

/* Reports one. `at`: a path or file. */
__attribute__((format(printf, 4, 5))) void doctor_find(struct doctor *d, enum finding f,
                                                       const char *at, const char *format, ...);

/* One request to base + path. */
void doctor_ask(struct doctor *d, const char *url, struct probe_request r,
                struct probe_answer *out);
/* Whether Guichet itself answered, not a web server. */
bool doctor_is_ours(const struct probe_answer *a);
/* "401 from nginx" */
#define DOCTOR_WHO_ROOM 96
const char *doctor_who(const struct probe_answer *a, char out[static DOCTOR_WHO_ROOM]);

/* The parts. doctor_mounts: whether there is a web server at all; it sets target. */
bool doctor_mounts(struct doctor *d);
void doctor_token(struct doctor *d);
void doctor_bodies(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_burst(struct doctor *d);
void doctor_host(struct doctor *d);
void doctor_send(struct doctor *d);

#endif
