/* Whatever lies in an outbox's folder, and whatever a receiver says in Retry-After. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "outbox/entry.h"
#include "outbox/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    char *name = calloc(1, size + 1), again[ENTRY_NAME_ROOM];
    struct entry_content e;
    struct entry_item i;
    int64_t wait = schedule_retry_after(bytes, INT64_C(1760524205000000));

    if (name == NULL || wait < 0 || wait > SCHEDULE_WAIT_MAX_US)
        abort();
    if (size > 0)
        memcpy(name, data, size);
    if (entry_parse_name(name, &i)) {
        entry_name(&i, again);
        if (strcmp(again, name) != 0)
            abort();
    }
    /* What was read is what would be written. */
    if (entry_read(bytes, &e)) {
        struct buf out = BUF_INIT(ENTRY_FILE_MAX);
        if (entry_write(&e, &out) && !slice_equal(buf_slice(&out), bytes))
            abort();
        buf_free(&out);
    }
    free(name);
    return 0;
}
