/* write: to a descriptor, whole. */
#ifndef GUICHET_BASE_WRITE_H
#define GUICHET_BASE_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes n bytes to a blocking descriptor, over interruptions and short writes. False: errno. */
bool write_all(int fd, const void *bytes, size_t n);

#endif
