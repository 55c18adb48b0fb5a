#include "tool/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "tool/host.h"

#define TEXT_MAX 1024

static const char *const level_word[] = {
    [CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail"};
static const enum out_mood level_mood[] = {
    [CHECK_OK] = OUT_GOOD, [CHECK_WARN] = OUT_DOUBT, [CHECK_FAIL] = OUT_BAD};

void check_line(struct check *k, enum check_level level, const char *matter, const char *about,
                const char *remedy, const char *format, ...)
{
    struct out *out = k->c->out;
    char text[TEXT_MAX], whole[2 * TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    k->count[level]++;
    out_word(out, "level", level_word[level], level_mood[level]);
    out_text(out, "matter", slice_of(matter));
    if (out_is_json(out)) {
        if (about[0] != '\0')
            out_text(out, "provider", slice_of(about));
        else
            out_none(out, "provider");
        out_text(out, "text", slice_of(text));
        if (remedy[0] != '\0')
            out_text(out, "remedy", slice_of(remedy));
        else
            out_none(out, "remedy");
    } else {
        (void)snprintf(whole, sizeof whole, "%s%s%s%s%s", about, about[0] != '\0' ? ": " : "", text,
                       remedy[0] != '\0' ? "; " : "", remedy);
        out_text(out, "finding", slice_of(whole));
    }
    out_end(out);
}

static void check_receiver(struct check *k)
{
    static struct program p;
    struct fail why = {""};
    struct config *config;

    program_locate(&p);
    config = config_load(
        &(struct config_options){
            .file = k->c->config_file,
            .program_dir = p.dir[0] != '\0' ? p.dir : NULL,
            .environment = environ,
        },
        &why);
    if (config == NULL) {
        check_line(k, CHECK_FAIL, "configuration", "", "", "%s", why.text);
        return;
    }
    k->config = config;
    check_settings(k);
    check_keys(k);
    check_host(k);
    check_store(k);
    k->config = NULL;
    config_free(config);
}

static enum verdict check(struct call *c)
{
    struct check k = {.c = c, .only_5xx = call_option(c, "retries-only-5xx") != NULL};
    enum verdict v = host_become(c, call_option(c, "user"));

    if (v != VERDICT_DONE)
        return v;
    if (call_option(c, "sender") != NULL)
        check_sender(&k);
    else
        check_receiver(&k);
    out_flush(c->out);
    out_say(c->out, "%u ok, %u to look at, %u wrong", k.count[CHECK_OK], k.count[CHECK_WARN],
            k.count[CHECK_FAIL]);
    if (k.count[CHECK_FAIL] > 0 || (call_option(c, "strict") != NULL && k.count[CHECK_WARN] > 0))
        return VERDICT_NO;
    return VERDICT_DONE;
}

static const struct option_row options[] = {
    {"sender", NULL, "the sender's list instead: T4G_API_KEY, T4G_WEBHOOK_SECRET, T4G_WEBHOOK_URL",
     false},
    {"strict", NULL, "end with 1 for a warning too", false},
    {"user", "NAME", "look as this user, the service's; root only", false},
    {"retries-only-5xx", NULL, "the senders retry nothing but 5xx", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_check = {
    "check", "", "goes through the list for production, a line each", options, 0, 0, check};
