#include "tool/keygen.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "tool/host.h"
#include "tool/keys.h"
#include "tool/secret_file.h"
#include "verify/mac.h"

/* Of Dazno: what its documentation asks for, and what the files of it are called here. */
static const struct {
    const char *variable, *file;
    size_t bytes;
} pair[2] = {
    {"T4G_API_KEY", "dazno.key", KEYGEN_API_KEY_BYTES},
    {"T4G_WEBHOOK_SECRET", "dazno.secret", KEYGEN_SECRET_BYTES},
};

bool keygen_hex(size_t n, char out[static KEYGEN_TEXT_ROOM])
{
    uint8_t bytes[KEYGEN_SECRET_BYTES];
    bool ok = n <= sizeof bytes && random_bytes(bytes, n);

    out[0] = '\0';
    if (ok)
        hex_encode(bytes, n, out);
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

bool keygen_secret(enum scheme_encoding encoding, char out[static KEYGEN_TEXT_ROOM])
{
    uint8_t bytes[32];
    bool ok;

    if (encoding == ENCODING_HEX64_OR_NAMED)
        return keygen_hex(32, out);
    if (encoding != ENCODING_WHSEC)
        return keygen_hex(KEYGEN_SECRET_BYTES, out);
    ok = random_bytes(bytes, sizeof bytes);
    memcpy(out, "whsec_", 7);
    if (ok)
        base64_encode(bytes, sizeof bytes, out + 6);
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

static enum verdict print(struct call *c, char text[2][KEYGEN_TEXT_ROOM])
{
    for (size_t i = 0; i < 2; i++) {
        if (out_is_json(c->out))
            out_text(c->out, pair[i].variable, slice_of(text[i]));
        else
            printf("%s=%s\n", pair[i].variable, text[i]);
    }
    if (out_is_json(c->out))
        out_end(c->out);
    return VERDICT_DONE;
}

static void tell_file(struct call *c, const char *file, const char *holds)
{
    out_text(c->out, "file", slice_of(file));
    out_text(c->out, "holds", slice_of(holds));
    out_end(c->out);
}

/* Whose they are, where that matters. */
static void tell_owner(struct call *c)
{
    if (geteuid() == 0)
        out_say(c->out,
                "They are root's alone; give them to the service's group: chgrp GROUP FILE, "
                "chmod 640 FILE.");
}

static enum verdict write_one(struct call *c, const char *file, char text[2][KEYGEN_TEXT_ROOM])
{
    struct buf lines = BUF_INIT(1024);
    struct fail why = {""};
    int rc;

    for (size_t i = 0; i < 2; i++)
        buf_addf(&lines, "%s=%s\n", pair[i].variable, text[i]);
    rc = secret_file_make(file, buf_slice(&lines), secret_file_private(), &why);
    if (lines.p != NULL)
        explicit_bzero(lines.p, lines.n);
    buf_free(&lines);
    if (rc != 0)
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    tell_file(c, file, "T4G_API_KEY and T4G_WEBHOOK_SECRET");
    tell_owner(c);
    return VERDICT_DONE;
}

/* Both or none. */
static enum verdict write_two(struct call *c, const char *dir, char text[2][KEYGEN_TEXT_ROOM])
{
    char path[2][PATH_MAX];
    struct fail why = {""};

    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return call_end(c, VERDICT_AWAY, "cannot make the folder %s: %s", dir, strerror(errno));
    for (size_t i = 0; i < 2; i++) {
        char line[KEYGEN_TEXT_ROOM + 1];
        int rc, n = snprintf(line, sizeof line, "%s\n", text[i]);
        if (snprintf(path[i], sizeof path[i], "%s/%s", dir, pair[i].file) >= PATH_MAX)
            return call_end(c, VERDICT_USAGE, "the name of the folder is too long");
        rc =
            secret_file_make(path[i], (struct slice){line, (size_t)n}, secret_file_private(), &why);
        explicit_bzero(line, sizeof line);
        if (rc == 0)
            continue;
        if (i == 1)
            (void)unlink(path[0]);
        return call_end(c, VERDICT_AWAY, "%s", why.text);
    }
    for (size_t i = 0; i < 2; i++)
        tell_file(c, path[i], pair[i].variable);
    out_say(c->out, "Name them in [provider dazno]: api_key = file:PATH, secret = file:PATH "
                    "(absolute). Share both with the sender.");
    tell_owner(c);
    return VERDICT_DONE;
}

static enum verdict keygen(struct call *c)
{
    const char *file = call_option(c, "out"), *dir = call_option(c, "dir");
    char text[2][KEYGEN_TEXT_ROOM];
    enum verdict v;

    if (call_option(c, "rotate") != NULL) {
        if (file != NULL || dir != NULL)
            return call_end(c, VERDICT_USAGE,
                            "--rotate puts the new secret where the old one is; leave out --out "
                            "and --dir");
        return keygen_rotate(c);
    }
    if (call_option(c, "provider") != NULL || call_option(c, "key") != NULL)
        return call_end(c, VERDICT_USAGE, "--provider and --key belong to --rotate");
    if (file != NULL && dir != NULL)
        return call_end(c, VERDICT_USAGE, "give --out or --dir, not both");
    for (size_t i = 0; i < 2; i++)
        if (!keygen_hex(pair[i].bytes, text[i]))
            return call_end(c, VERDICT_AWAY, "the system gives no random bytes");
    v = file != NULL  ? write_one(c, file, text)
        : dir != NULL ? write_two(c, dir, text)
                      : print(c, text);
    explicit_bzero(text, sizeof text);
    return v;
}

static const struct option_row options[] = {
    {"out", "FILE", "write both as lines of variables to this file, 0600, never over another",
     false},
    {"dir", "DIR", "write each to a file of its own in this folder", false},
    {"rotate", NULL, "add a second secret beside the first, which stays live", false},
    {"key", NULL, "with --rotate: the API key instead", false},
    HOST_PROVIDER_OPTION,
    {NULL, NULL, NULL, false},
};

const struct verb verb_keygen = {
    "keygen", "",    "makes an API key and a webhook secret, or a second secret", options, 0,
    0,        keygen};
