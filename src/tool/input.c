#include "tool/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int input_read(const char *file, struct buf *out, struct fail *why)
{
    bool standard = file == NULL || strcmp(file, "-") == 0;
    const char *name = standard ? "standard input" : file;
    int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    char block[65536];
    ssize_t n = -1;
    int rc = -1;

    if (fd < 0)
        return fail_set(why, "cannot open %s: %s", name, strerror(errno));
    if (standard && isatty(fd)) {
        fail_set(why, "it reads the body from standard input, which is a terminal; write "
                      "`< file`, or --body FILE");
        return -1;
    }
    do {
        n = read(fd, block, sizeof block);
        if (n > 0 && !buf_add(out, block, (size_t)n)) {
            fail_set(why, "%s is larger than %zu bytes", name, out->max);
            goto done;
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0)
        fail_set(why, "cannot read %s: %s", name, strerror(errno));
    else
        rc = 0;

done:
    explicit_bzero(block, sizeof block);
    if (!standard)
        close(fd);
    return rc;
}
