/* Dazno's own list: what its side needs before it sends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tool/check_judge.h"

/* What its documentation asks for. */
#define API_KEY_HEX 64
#define SECRET_HEX  128

static bool is_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static void check_variable(struct check *k, const char *matter, const char *name, size_t digits)
{
    const char *text = getenv(name);
    size_t n = text != NULL ? strlen(text) : 0;

    if (n == 0)
        check_line(k, CHECK_FAIL, matter, "", "set it to what the receiver was given", "%s is %s",
                   name, text == NULL ? "not set" : "empty");
    else if (text_trim(slice_of(text)).n != n || strpbrk(text, "\r\n\"'") != NULL)
        check_line(k, CHECK_FAIL, matter, "", "set it without quotes, spaces and line breaks",
                   "%s has white space at an end, a line break or quotes, which count as a part of "
                   "it",
                   name);
    else if (judge_secret(text, n, JUDGE_SECRET_MIN) == CHECK_FAIL)
        check_line(k, CHECK_FAIL, matter, "", "make a new one: `guichet keygen`",
                   "%s has %zu characters, which can be guessed", name, n);
    else if (n < digits || !is_hex(text))
        check_line(k, CHECK_WARN, matter, "", "make a new one: `guichet keygen`",
                   "%s is not %zu hex digits", name, digits);
    else
        check_line(k, judge_secret(text, n, digits), matter, "", "", "%s is set, %zu characters",
                   name, n);
}

static void check_difference(struct check *k)
{
    const char *key = getenv("T4G_API_KEY"), *secret = getenv("T4G_WEBHOOK_SECRET");

    if (key != NULL && secret != NULL && key[0] != '\0' && strcmp(key, secret) == 0)
        check_line(k, CHECK_FAIL, "sender.different", "", "make two: `guichet keygen`",
                   "the API key and the secret are the same");
}

static void check_url(struct check *k)
{
    const char *url = getenv("T4G_WEBHOOK_URL");
    struct slice at = slice_of(url);

    if (at.n == 0)
        check_line(k, CHECK_FAIL, "sender.url", "", "set it to https://HOST/api/webhooks/dazno",
                   "T4G_WEBHOOK_URL is not set");
    else if (!slice_begins(at, "https://") || at.n < 9 || at.p[8] == '/')
        check_line(k, CHECK_FAIL, "sender.url", "", "use https://",
                   "T4G_WEBHOOK_URL does not begin with https:// and a host: the API key could be "
                   "read on the way");
    else if (memchr(at.p, '@', at.n) != NULL || memchr(at.p, ' ', at.n) != NULL)
        check_line(k, CHECK_FAIL, "sender.url", "", "write the address alone",
                   "T4G_WEBHOOK_URL holds a password or a space");
    else
        check_line(k, CHECK_OK, "sender.url", "", "", "%s", url);
}

void check_sender(struct check *k)
{
    check_variable(k, "sender.api_key", "T4G_API_KEY", API_KEY_HEX);
    check_variable(k, "sender.secret", "T4G_WEBHOOK_SECRET", SECRET_HEX);
    check_difference(k);
    check_url(k);
    check_clock(k);
}
