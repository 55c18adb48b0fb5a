#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Cuts a text that vsnprintf cut in the middle of a character back to the whole ones. */
static void cut_at_character(char text[static FAIL_TEXT_MAX])
{
    size_t n = strlen(text);
    size_t back = 0;

    while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back < n && (unsigned char)text[n - 1 - back] >= 0xC0 &&
        utf8_length((struct slice){text + n - 1 - back, back + 1}) == 0)
        text[n - 1 - back] = '\0';
}

int fail_set(struct fail *f, const char *format, ...)
{
    if (f == NULL)
        return -1;

    char text[FAIL_TEXT_MAX]; /* not f->text at once: it may be among the arguments */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= sizeof(text))
        cut_at_character(text);
    memcpy(f->text, text, strlen(text) + 1);
    return -1;
}

int fail_prefix(struct fail *f, const char *format, ...)
{
    if (f == NULL)
        return -1;

    char words[FAIL_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    if (n < 0)
        return -1;
    return fail_set(f, "%s: %s", words, f->text);
}
