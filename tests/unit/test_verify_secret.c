#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/secret.h"

#define ORIGIN "guichet.conf:7"
#define K16    "0123456789abcdef"
#define K64    K16 K16 K16 K16

static char folder[] = "/tmp/guichet-secret-XXXXXX";
static struct secret_text texts[SECRETS_LIVE_MAX];
static struct fail why;

static char *const ENVIRONMENT[] = {
    (char[]){"OTHER=x"},   (char[]){"NAME=first"}, (char[]){"NAME=second"}, (char[]){"EMPTY="},
    (char[]){"NAMELY=no"}, (char[]){"NAME"},       (char[]){"BROKEN=a\nb"}, NULL};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); /* NOLINT: a path of our own */
}

/* The path below the test's folder, prefixed; valid until the next call but three. */
static const char *at(const char *prefix, const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];

    (void)snprintf(p, sizeof path[0], "%s%s/%s", prefix, folder, name);
    return p;
}

static void put(const char *name, const char *content, size_t n, mode_t mode)
{
    FILE *f = fopen(at("", name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, n, f), n);
    fclose(f);
    assert_int_equal(chmod(at("", name), mode), 0);
}

static int read_spec(const char *spec)
{
    memset(texts, 'x', sizeof texts);
    why.text[0] = '\0';
    return secret_read(spec, ORIGIN, ENVIRONMENT, texts, SECRETS_LIVE_MAX, &why);
}

static void gives(const char *spec, const char *secret)
{
    if (read_spec(spec) != 1)
        fail_msg("%s: %s", spec, why.text);
    assert_string_equal(texts[0].text, secret);
    assert_int_equal(texts[0].n, strlen(secret));
}

/* Refused, with a message that begins with the origin and holds each of the words. */
static void refuses(const char *spec, const char *word, const char *remedy)
{
    static const struct secret_text zero;

    if (read_spec(spec) != -1)
        fail_msg("%s was accepted", spec);
    if (strncmp(why.text, ORIGIN ": ", sizeof ORIGIN + 1) != 0 || strstr(why.text, word) == NULL ||
        strstr(why.text, remedy) == NULL)
        fail_msg("%s: the message does not say `%s` and `%s`: %s", spec, word, remedy, why.text);
    for (size_t i = 0; i < SECRETS_LIVE_MAX; i++)
        assert_memory_equal(&texts[i], &zero, sizeof zero);
}

static void literals(void **state)
{
    char max[SECRET_BYTES_MAX + 2];

    (void)state;
    gives("plain text", "plain text");
    gives("hex:00", "hex:00");
    gives("x", "x");
    gives("é", "é");
    refuses("", "empty", "openssl rand -hex 64");
    refuses("two\nlines", "line break", "one line");
    refuses("tab\tinside", "control character", "one line");
    refuses("bad\xff", "UTF-8", "one line");
    refuses("end\n", "ends in a line break", "printf");
    memset(max, 'a', sizeof max);
    max[SECRET_BYTES_MAX] = '\0';
    gives(max, max);
    max[SECRET_BYTES_MAX] = 'a';
    max[SECRET_BYTES_MAX + 1] = '\0';
    refuses(max, "longer than 1024", "");
}

static void environment(void **state)
{
    (void)state;
    gives("env:NAME", "first");
    refuses("env:EMPTY", "EMPTY is empty", "openssl rand");
    refuses("env:MISSING", "MISSING is not set", "file:");
    refuses("env:NAM", "NAM is not set", "file:");
    refuses("env:", "name of an environment variable", "");
    refuses("env:NAME=first", "name of an environment variable", "");
    refuses("env:BROKEN", "line break", "one line");
    assert_null(strstr(why.text, "a\nb"));
    assert_int_equal(secret_read("env:NAME", ORIGIN, NULL, texts, 1, &why), -1);
}

static void files(void **state)
{
    char big[SECRET_BYTES_MAX + 2];

    (void)state;
    put("plain", "secret", 6, 0600);
    gives(at("file:", "plain"), "secret");
    put("newline", "secret\n", 7, 0400);
    gives(at("file:", "newline"), "secret");
    put("two", "secret\n\n", 8, 0600);
    refuses(at("file:", "two"), "ends in a line break", "printf");
    put("crlf", "secret\r\n", 8, 0600);
    refuses(at("file:", "crlf"), "ends in a line break", "printf");
    put("nul", "sec\0ret", 7, 0600);
    refuses(at("file:", "nul"), "control character", "one line");
    put("empty", "", 0, 0600);
    refuses(at("file:", "empty"), "is empty", "openssl rand");
    put("only-newline", "\n", 1, 0600);
    refuses(at("file:", "only-newline"), "is empty", "openssl rand");
    memset(big, 'a', sizeof big);
    big[SECRET_BYTES_MAX] = '\n';
    put("max", big, SECRET_BYTES_MAX + 1, 0600);
    assert_int_equal(read_spec(at("file:", "max")), 1);
    assert_int_equal(texts[0].n, SECRET_BYTES_MAX);
    big[SECRET_BYTES_MAX] = 'a';
    put("big", big, SECRET_BYTES_MAX + 1, 0600);
    refuses(at("file:", "big"), "longer than 1024", "alone");
    refuses(at("file:", "absent"), "cannot open", "readable by the user");
    refuses(at("file:", "."), "not a regular file", "dir:");
    refuses("file:relative", "absolute path", "");
    refuses("file:", "absolute path", "");
}

/* Who else may read it: the file's group is ours (or root's), so its reading is allowed, no more. */
static void file_modes(void **state)
{
    static const mode_t good[] = {0400, 0600, 0640, 0440, 0700};
    static const mode_t bad[] = {0644, 0604, 0660, 0620, 0602, 0601, 0666, 0642};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        put("mode", "secret", 6, good[i]);
        gives(at("file:", "mode"), "secret");
        assert_int_equal(unlink(at("", "mode")), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("mode", "secret", 6, bad[i]);
        refuses(at("file:", "mode"), "others can read or change", "chmod 640");
        assert_int_equal(unlink(at("", "mode")), 0);
    }
    put("mode", "secret", 6, 0640);
    if (chown(at("", "mode"), (uid_t)-1, 65534) == 0) /* root's, for the group of a service */
        gives(at("file:", "mode"), "secret");
    assert_int_equal(chmod(at("", "mode"), 0600), 0);
    gives(at("file:", "mode"), "secret");
}

static void fifo_does_not_hang(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(at("", "fifo"), 0600), 0);
    refuses(at("file:", "fifo"), "not a regular file", "");
}

static void folders(void **state)
{
    char name[32];

    (void)state;
    assert_int_equal(mkdir(at("", "d"), 0700), 0);
    refuses(at("dir:", "d"), "holds no secret", "airtable setup");
    put("d/20-new", "new\n", 4, 0600);
    put("d/10-old", "old\n", 4, 0600);
    put("d/.hidden", "hidden", 6, 0644);
    assert_int_equal(mkdir(at("", "d/sub"), 0700), 0);
    assert_int_equal(symlink("absent", at("", "d/dangling")), 0);
    assert_int_equal(symlink("10-old", at("", "d/30-link")), 0);
    assert_int_equal(read_spec(at("dir:", "d")), 3);
    assert_string_equal(texts[0].text, "old");
    assert_string_equal(texts[1].text, "new");
    assert_string_equal(texts[2].text, "old");
    put("d/15-open", "open", 4, 0644);
    refuses(at("dir:", "d"), "15-open", "chmod 600");
    assert_int_equal(chmod(at("", "d/15-open"), 0600), 0);
    assert_int_equal(read_spec(at("dir:", "d")), 4);
    assert_int_equal(chmod(at("", "d"), 0720), 0);
    refuses(at("dir:", "d"), "others can put secrets", "chmod go-w");
    assert_int_equal(chmod(at("", "d"), 0755), 0);
    for (int i = 4; i < SECRETS_LIVE_MAX; i++) {
        (void)snprintf(name, sizeof name, "d/x%02d", i);
        put(name, "x", 1, 0600);
    }
    assert_int_equal(read_spec(at("dir:", "d")), SECRETS_LIVE_MAX);
    assert_int_equal(secret_read(at("dir:", "d"), ORIGIN, NULL, texts, 31, &why), -1);
    put("d/y", "y", 1, 0600);
    refuses(at("dir:", "d"), "too many files", "at most 32");
    refuses(at("dir:", "plain"), "cannot open the folder", "");
    refuses(at("dir:", "absent"), "cannot open the folder", "");
    refuses("dir:relative", "absolute path", "");
}

struct key_case {
    enum scheme_encoding encoding;
    const char *text;
    int n; /* -1: refused */
};

static void keys(void **state)
{
    static const struct key_case cases[] = {
        {ENCODING_TEXT, "a", 1},
        {ENCODING_TEXT, K64, 64}, /* digits are not decoded */
        {ENCODING_TEXT, "whsec_AAAA", 10},
        {ENCODING_TEXT, "hex:00", 6},
        {ENCODING_TEXT, "", -1},
        {ENCODING_TEXT, "a\nb", -1},
        {ENCODING_TEXT, "a\n", -1},
        {ENCODING_HEX64_OR_NAMED, K64, 32},
        {ENCODING_HEX64_OR_NAMED, "0123456789ABCDEF" K16 K16 K16, 32},
        {ENCODING_HEX64_OR_NAMED, K16 K16 K16, -1},
        {ENCODING_HEX64_OR_NAMED, K64 "00", -1},
        {ENCODING_HEX64_OR_NAMED, K16 K16 K16 "0123456789abcdeg", -1},
        {ENCODING_HEX64_OR_NAMED, "hex:00", 1},
        {ENCODING_HEX64_OR_NAMED, "hex:", -1},
        {ENCODING_HEX64_OR_NAMED, "hex:0", -1},
        {ENCODING_HEX64_OR_NAMED, "HEX:00", -1},
        {ENCODING_HEX64_OR_NAMED, "base64:c2VjcmV0LWtleQ==", 10},
        {ENCODING_HEX64_OR_NAMED, "base64:c2VjcmV0LWtleQ", 10},
        {ENCODING_HEX64_OR_NAMED, "c2VjcmV0LWtleQ==", -1},
        {ENCODING_HEX64_OR_NAMED, "base64:", -1},
        {ENCODING_HEX64_OR_NAMED, "base64:c2Vj cmV0", -1},
        {ENCODING_HEX64_OR_NAMED, "", -1},
        {ENCODING_WHSEC, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24},
        {ENCODING_WHSEC, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24},
        {ENCODING_WHSEC, "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", -1},
        {ENCODING_WHSEC, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ", -1}, /* 23 bytes */
        {ENCODING_WHSEC, "whsec_" K64 K16 "01234", -1},  /* 85 digits: no whole number of bytes */
        {ENCODING_WHSEC, "whsec_" K64 K16 "012340", -1}, /* bits left over */
        {ENCODING_WHSEC, "whsec_" K64 K16 "01234w", 64},
        {ENCODING_WHSEC, "whsec_" K64 K16 "012345y", -1},
        {ENCODING_WHSEC, "whsec_" K64 K16 "01234567", -1}, /* 66 bytes */
        {ENCODING_WHSEC, "whsec_", -1},
        {ENCODING_HEX, K64, -1},
        {ENCODING_BASE64, "AAAA", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t key[SECRET_BYTES_MAX];
        struct secret_text t = {.n = strlen(cases[i].text)};
        int n;

        memcpy(t.text, cases[i].text, t.n + 1);
        why.text[0] = '\0';
        n = secret_decode(cases[i].encoding, &t, key, &why);
        if (n != cases[i].n || (n < 0) != (why.text[0] != '\0'))
            fail_msg("%d %s: %d %s", (int)cases[i].encoding, t.text, n, why.text);
        if (n < 0 && t.n > 8 && strstr(why.text, t.text) != NULL)
            fail_msg("the message tells the secret: %s", why.text);
    }
}

/* The three forms of an Airtable secret are told when none of them is there. */
static void key_messages(void **state)
{
    uint8_t key[SECRET_BYTES_MAX];
    struct secret_text t = {.text = "nonsense", .n = 8};

    (void)state;
    assert_int_equal(secret_decode(ENCODING_HEX64_OR_NAMED, &t, key, &why), -1);
    assert_non_null(strstr(why.text, "64 hex digits"));
    assert_non_null(strstr(why.text, "`hex:`"));
    assert_non_null(strstr(why.text, "`base64:`"));
    assert_int_equal(secret_decode(ENCODING_WHSEC, &t, key, &why), -1);
    assert_non_null(strstr(why.text, "`whsec_`"));
}

static void decoded_bytes(void **state)
{
    uint8_t key[SECRET_BYTES_MAX];
    struct secret_text hex = {.text = "hex:c0FFee", .n = 10};
    struct secret_text base64 = {.text = "base64:wP/u", .n = 11};

    (void)state;
    assert_int_equal(secret_decode(ENCODING_HEX64_OR_NAMED, &hex, key, &why), 3);
    assert_memory_equal(key, "\xc0\xff\xee", 3);
    assert_int_equal(secret_decode(ENCODING_HEX64_OR_NAMED, &base64, key, &why), 3);
    assert_memory_equal(key, "\xc0\xff\xee", 3);
}

static void fingerprints(void **state)
{
    struct secret_text a = {.text = "a", .n = 1}, b = {.text = "b", .n = 1}, c = a;

    (void)state;
    assert_true(secret_fingerprint(&a) != 0);
    assert_true(secret_fingerprint(&a) == secret_fingerprint(&c));
    assert_true(secret_fingerprint(&a) != secret_fingerprint(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),      cmocka_unit_test(environment),
        cmocka_unit_test(files),         cmocka_unit_test(file_modes),
        cmocka_unit_test(folders),       cmocka_unit_test(fifo_does_not_hang),
        cmocka_unit_test(keys),          cmocka_unit_test(key_messages),
        cmocka_unit_test(decoded_bytes), cmocka_unit_test(fingerprints),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
