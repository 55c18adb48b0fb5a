/* when: moments as people name them. */
#ifndef GUICHET_TOOL_WHEN_H
#define GUICHET_TOOL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 3339 ("2025-10-15T10:30:00Z"), a day of UTC ("2025-10-15"), or so long ago ("90s", "15m",
 * "2h", "3d"). µs since 1970. */
bool when_parse(const char *text, int64_t now_us, int64_t *out_us);

#define WHEN_FORMS "2025-10-15T10:30:00Z, 2025-10-15, or so long ago: 90s, 15m, 2h, 3d"

#endif
