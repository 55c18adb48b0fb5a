/* finding: what can be wrong on a host, and what helps. The table is the only list; a test
 * sees to it that each is made once. */
#ifndef GUICHET_TOOL_FINDING_H
#define GUICHET_TOOL_FINDING_H

enum finding {
    FINDING_UNREACHABLE,
    FINDING_NOT_MOUNTED,
    FINDING_PREFIX,
    FINDING_REDIRECTED,
    FINDING_DENIED,
    FINDING_BACKEND,
    FINDING_PROGRAM_FAILS,
    FINDING_DOWNLOAD,
    FINDING_SERVED,
    FINDING_PLAIN_HTTP,
    FINDING_AUTHORIZATION,
    FINDING_TOKEN,
    FINDING_BODY_LIMIT,
    FINDING_BODY_EMPTIED,
    FINDING_CHUNKED,
    FINDING_CHUNKED_CGI,
    FINDING_UNDERSCORE,
    FINDING_FEW_PROCESSES,
    FINDING_CLOCK,
    FINDING_STORE,
    FINDING_STORE_CLOSED,
    FINDING_EVICTING,
    FINDING_NOT_DURABLE,
    FINDING_STATE_FOLDER,
    FINDING_PROGRAM_MODE,
    FINDING_SECRET_MODE,
    FINDING_SOCKET,
    FINDING_SOCKET_HIDDEN,
    FINDING_NOT_ACCEPTED,
    FINDING_COUNT
};

struct finding_row {
    const char *name;
    const char *level; /* "fault": events are or can be lost or refused; "note": good to know */
    const char *remedy;
};

extern const struct finding_row finding_table[FINDING_COUNT];

#endif
