/* Fuzzes request_path: the input is a request target. Whatever it accepts must be a normal form: a path
 * that, encoded again, gives itself. */
#include <stdint.h>
#include <stdlib.h>

#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_form(const char *path, size_t n)
{
    require(n > 0 && path[0] == '/' && path[n] == '\0' && strlen(path) == n);
    require(strstr(path, "//") == NULL && strstr(path, "/./") == NULL);
    require(strstr(path, "/../") == NULL);
    require(n < 2 || strcmp(path + n - 2, "/.") != 0);
    require(n < 3 || strcmp(path + n - 3, "/..") != 0);
    for (size_t i = 0; i < n; i++)
        require((unsigned char)path[i] >= 0x20 && path[i] != 0x7F);
}

static void check_again(const char *path, size_t n)
{
    static const char digit[] = "0123456789ABCDEF";
    static char encoded[3 * REQUEST_PATH_MAX];
    static char again[REQUEST_PATH_MAX + 1];
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)path[i];
        if (c == '/') {
            encoded[at++] = '/';
            continue;
        }
        encoded[at++] = '%';
        encoded[at++] = digit[c >> 4];
        encoded[at++] = digit[c & 15];
    }
    ssize_t m = request_path((struct slice){encoded, at}, again, sizeof(again));
    require(m == (ssize_t)n && memcmp(path, again, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[REQUEST_PATH_MAX + 1];
    /* On the heap and of exact size, so that the sanitizer sees a byte too far. */
    char *target = malloc(size > 0 ? size : 1);

    require(target != NULL);
    if (size > 0)
        memcpy(target, data, size);
    ssize_t n = request_path((struct slice){target, size}, path, sizeof(path));
    if (n >= 0) {
        check_form(path, (size_t)n);
        check_again(path, (size_t)n);
    }
    free(target);
    return 0;
}
