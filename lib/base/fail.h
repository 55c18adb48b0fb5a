/* fail: why something could not be done, in words for the operator: the cause, then the remedy.
 *
 * A function that can fail for a reason worth telling takes a `struct fail *`, fills it exactly
 * when it fails and says so by its return value. The text never holds a secret. A caller that wraps
 * a failure puts its own words before those that are there. */
#ifndef GUICHET_BASE_FAIL_H
#define GUICHET_BASE_FAIL_H

#define FAIL_TEXT_MAX 512

struct fail {
    char text[FAIL_TEXT_MAX]; /* NUL-terminated; longer texts are cut */
};

/* Sets the text. Returns -1, so that a caller can end with `return fail_set(...)`. f may be
 * NULL. */
__attribute__((format(printf, 2, 3))) int fail_set(struct fail *f, const char *format, ...);

/* Puts the formatted words and ": " before the text that is there. Returns -1. f may be NULL. */
__attribute__((format(printf, 2, 3))) int fail_prefix(struct fail *f, const char *format, ...);

#endif
