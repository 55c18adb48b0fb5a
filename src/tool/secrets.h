/* secrets: what may become of a secret, by when it and the others were used. */
#ifndef GUICHET_TOOL_SECRETS_H
#define GUICHET_TOOL_SECRETS_H

#include <stddef.h>
#include <stdint.h>

enum secrets_advice {
    SECRETS_ONLY,
    SECRETS_UNUSED,  /* none was used */
    SECRETS_NOT_YET, /* another one was, this one never */
    SECRETS_IN_USE,  /* the last one that was used */
    SECRETS_WAIT,    /* another one was used later, but it is not idle long enough: the sender may
                        still retry what it signed with it */
    SECRETS_CAN_GO
};

/* Of secret i among n; last_us[k] is 0 for one that was never used. */
enum secrets_advice secrets_judge(const int64_t *last_us, size_t n, size_t i, int64_t now_us,
                                  int64_t idle_us);

#endif
