#include "airtable/hooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "airtable/known.h"

/* --- at Airtable ----------------------------------------------------------------------------------- */

static void copy_text(char *out, size_t room, const json_t *text)
{
    const char *s = json_string_value(text);

    (void)snprintf(out, room, "%s", s != NULL ? s : "");
}

static void fill(struct airtable_hook *h, const json_t *listed)
{
    const json_t *result = json_object_get(listed, "lastNotificationResult");
    const char *expires = json_string_value(json_object_get(listed, "expirationTime"));

    h->listed = true;
    h->alive = json_is_true(json_object_get(listed, "isHookEnabled"));
    h->notifies = json_is_true(json_object_get(listed, "areNotificationsEnabled"));
    h->next = json_integer_value(json_object_get(listed, "cursorForNextPayload"));
    copy_text(h->url, sizeof h->url, json_object_get(listed, "notificationUrl"));
    if (json_is_false(json_object_get(result, "success")))
        copy_text(h->result, sizeof h->result,
                  json_object_get(json_object_get(result, "error"), "message"));
    if (expires == NULL || !rfc3339_parse(slice_of(expires), &h->expires_us))
        h->expires_us = 0;
}

enum airtable_outcome hooks_read(struct airtable *a,
                                 struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                                 struct fail *why)
{
    json_t *answer, *listed;
    enum api_code code;
    size_t i;

    if (!known_hooks(&a->journal, a->base, out, n, why))
        return AIRTABLE_AWAY;
    code = api_hooks(&a->api, &answer, why);
    if (code != API_OK)
        return base_outcome(code);
    json_array_foreach(json_object_get(answer, "webhooks"), i, listed)
    {
        const char *id = json_string_value(json_object_get(listed, "id"));
        struct airtable_hook *h = id != NULL ? known_find_or_add(out, n, slice_of(id)) : NULL;
        if (h != NULL)
            fill(h, listed);
    }
    json_decref(answer);
    return AIRTABLE_DONE;
}

enum airtable_outcome airtable_hooks(struct airtable *a,
                                     struct airtable_hook out[static AIRTABLE_HOOKS_MAX], size_t *n,
                                     struct fail *why)
{
    arena_reset(a->journal.arena);
    return hooks_read(a, out, n, why);
}

enum airtable_outcome airtable_enable(struct airtable *a, const char *hook, bool on,
                                      struct fail *why)
{
    enum airtable_outcome outcome = base_outcome(api_enable(&a->api, hook, on, why));
    char key[AIRTABLE_KEY_MAX];

    if (outcome != AIRTABLE_DONE)
        return outcome;
    airtable_key(key, "hook", hook, NULL, NULL);
    const struct step_change note = {on ? STEP_UNSET : STEP_SET, slice_of(key),
                                     SLICE_LITERAL("off"), SLICE_LITERAL("1")};
    return step_apply(&a->journal, &note, 1, 0, why) == STEP_DONE ? AIRTABLE_DONE : AIRTABLE_AWAY;
}

enum airtable_outcome airtable_prolong(struct airtable *a, const char *hook, int64_t *expires_us,
                                       struct fail *why)
{
    json_t *answer;
    enum api_code code = api_refresh(&a->api, hook, &answer, why);
    const char *expires = json_string_value(json_object_get(answer, "expirationTime"));

    *expires_us = 0;
    if (expires != NULL)
        (void)rfc3339_parse(slice_of(expires), expires_us);
    json_decref(answer);
    return base_outcome(code);
}

enum airtable_outcome airtable_try_scopes(struct airtable *a, struct airtable_scopes *out,
                                          struct fail *why)
{
    struct fail later = {""}, *to = why;
    json_t *answer = NULL, *records = NULL;
    const char *table;
    enum api_code code = api_hooks(&a->api, &answer, to);

    *out = (struct airtable_scopes){false, false, false};
    json_decref(answer);
    if (code != API_OK && code != API_FORBIDDEN)
        return base_outcome(code);
    out->hooks = code == API_OK;
    to = code == API_OK ? why : &later;
    code = api_tables(&a->api, &answer, to);
    if (code != API_OK && code != API_FORBIDDEN)
        return base_outcome(code);
    out->schema = code == API_OK;
    table = json_string_value(
        json_object_get(json_array_get(json_object_get(answer, "tables"), 0), "id"));
    out->records = out->schema && table == NULL;
    if (table != NULL) {
        code = api_records(&a->api, table, NULL, NULL, &records, out->hooks ? why : &later);
        out->records = code == API_OK;
    }
    json_decref(records);
    json_decref(answer);
    return code == API_OK || code == API_FORBIDDEN ? AIRTABLE_DONE : base_outcome(code);
}

enum airtable_outcome airtable_peek(struct airtable *a, const char *hook, int64_t cursor,
                                    void (*put)(void *ctx, int64_t number, const char *json),
                                    void *ctx, int64_t *next, struct fail *why)
{
    struct airtable_hook h = {.known = false};
    json_t *page = NULL, *payload;
    const json_t *payloads;
    enum api_code code;
    size_t i;

    arena_reset(a->journal.arena);
    (void)snprintf(h.id, sizeof h.id, "%s", hook);
    if (cursor == 0 && !known_read(&a->journal, a->base, &h, why))
        return AIRTABLE_AWAY;
    if (cursor == 0)
        cursor = h.cursor > 0 ? h.cursor : 1;
    code = api_payloads(&a->api, hook, cursor, &page, why);
    payloads = json_object_get(page, "payloads");
    *next = json_integer_value(json_object_get(page, "cursor"));
    json_array_foreach(payloads, i, payload)
    {
        char *text = json_dumps(payload, JSON_COMPACT);
        if (text != NULL)
            put(ctx, *next - (int64_t)json_array_size(payloads) + (int64_t)i, text);
        free(text);
    }
    json_decref(page);
    return base_outcome(code);
}

enum airtable_outcome airtable_delete(struct airtable *a, const char *hook, struct fail *why)
{
    enum api_code code = api_delete(&a->api, hook, why);
    char key[AIRTABLE_KEY_MAX];

    if (code != API_OK && code != API_NOT_FOUND)
        return base_outcome(code);
    airtable_key(key, "hook", hook, NULL, NULL);
    const struct step_change change[] = {
        {STEP_DROP, slice_of(key), SLICE_NONE, SLICE_NONE},
        {STEP_UNSET, SLICE_LITERAL("hooks"), slice_of(hook), SLICE_NONE},
        {STEP_UNSET, SLICE_LITERAL("dirty"), slice_of(hook), SLICE_NONE}};
    if (step_apply(&a->journal, change, 3, 0, why) != STEP_DONE)
        return AIRTABLE_AWAY;
    return base_outcome(code);
}

bool hooks_note_expiry(struct airtable *a, const struct airtable_hook *hook, size_t n,
                       struct fail *why)
{
    size_t known = 0, alive = 0;
    int64_t first_us = 0;
    char text[24];

    for (size_t i = 0; i < n; i++) {
        const struct airtable_hook *h = &hook[i];
        if (!h->known)
            continue;
        known++;
        if (!h->listed || !h->alive || h->error[0] != '\0')
            continue;
        alive++;
        if (h->expires_us > 0 && (first_us == 0 || h->expires_us < first_us))
            first_us = h->expires_us;
    }
    if (first_us == 0 && alive == 0 && known > 0)
        return true;
    (void)snprintf(text, sizeof text, "%" PRId64, first_us);
    const struct step_change note = {first_us != 0 ? STEP_SET : STEP_UNSET, SLICE_LITERAL("expiry"),
                                     slice_of(a->base), slice_of(text)};
    return step_apply(&a->journal, &note, 1, 0, why) == STEP_DONE;
}

enum airtable_outcome airtable_keep_alive(struct airtable *a, int64_t margin_us,
                                          struct airtable_report *report, struct fail *why)
{
    struct airtable_hook hook[AIRTABLE_HOOKS_MAX];
    int64_t now_us = clock_now_us(&clock_system), expires_us, requests = a->api.requests;
    enum airtable_outcome outcome;
    size_t n = 0;

    *report = (struct airtable_report){0};
    a->report = report;
    outcome = airtable_hooks(a, hook, &n, why);
    for (size_t i = 0; i < n && outcome == AIRTABLE_DONE; i++) {
        struct airtable_hook *h = &hook[i];
        if (!h->known || !h->listed || !h->alive)
            continue;
        report->hooks++;
        if (h->expires_us != 0 && h->expires_us - now_us < margin_us) {
            outcome = airtable_prolong(a, h->id, &expires_us, why);
            if (outcome == AIRTABLE_DONE)
                h->expires_us = expires_us;
        }
        if (outcome == AIRTABLE_DONE && !h->notifies && !h->off && h->url[0] != '\0')
            outcome = airtable_enable(a, h->id, true, why);
    }
    if (n > 0 && !hooks_note_expiry(a, hook, n, why) && outcome == AIRTABLE_DONE)
        outcome = AIRTABLE_AWAY;
    report->requests = a->api.requests - requests;
    return outcome;
}

/* --- a new one --------------------------------------------------------------------------------------- */

/* All that changes records, fields and tables. */
static json_t *wish_for(const char *url)
{
    return json_pack("{s:s, s:{s:{s:{s:[s,s,s]}}}}", "notificationUrl", url, "specification",
                     "options", "filters", "dataTypes", "tableData", "tableFields",
                     "tableMetadata");
}

/* A ping can come before this: its mark waits in `dirty`. A hook that is known already stays as it is. */
enum airtable_outcome airtable_adopt(struct airtable *a, const char *hook, struct fail *why)
{
    char key[AIRTABLE_KEY_MAX], base[AIRTABLE_KEY_MAX];

    airtable_key(key, "hook", hook, NULL, NULL);
    airtable_key(base, "base", a->base, NULL, NULL);
    const struct step_change change[] = {
        {STEP_REQUIRE_ABSENT, slice_of(key), SLICE_LITERAL("cursor"), SLICE_NONE},
        {STEP_SET, slice_of(key), SLICE_LITERAL("base"), slice_of(a->base)},
        {STEP_SET, slice_of(key), SLICE_LITERAL("cursor"), SLICE_LITERAL("1")},
        {STEP_SET, SLICE_LITERAL("hooks"), slice_of(hook), slice_of(a->base)},
        {STEP_SET, slice_of(base), SLICE_LITERAL("stale"), SLICE_LITERAL(AIRTABLE_NEW_HOOK)}};
    enum step_outcome outcome = step_apply(&a->journal, change, 5, 0, why);

    return outcome == STEP_DONE || outcome == STEP_UNMET ? AIRTABLE_DONE : AIRTABLE_AWAY;
}

enum airtable_outcome airtable_create(struct airtable *a, const char *url,
                                      bool (*keep)(void *ctx, const char *hook, const char *secret,
                                                   struct fail *why),
                                      void *ctx, struct airtable_hook *out, struct fail *why)
{
    json_t *wish = wish_for(url), *answer = NULL;
    enum api_code code = wish != NULL ? api_create(&a->api, wish, &answer, why) : API_AWAY;
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *mac = json_string_value(json_object_get(answer, "macSecretBase64"));
    char secret[AIRTABLE_TEXT_MAX];
    enum airtable_outcome outcome = base_outcome(code);
    struct fail ignored;

    *out = (struct airtable_hook){.listed = true, .known = true, .alive = true, .notifies = true};
    if (code != API_OK)
        goto done;
    if (id == NULL || mac == NULL || !airtable_id_is(slice_of(id), "ach") ||
        strlen(mac) > sizeof secret - 8) {
        fail_set(why, "the API made a hook without a usable id or secret");
        outcome = AIRTABLE_REFUSED;
        goto done;
    }
    fill(out, answer);
    (void)snprintf(out->id, sizeof out->id, "%s", id);
    (void)snprintf(out->url, sizeof out->url, "%s", url);
    out->alive = out->notifies = true;
    (void)snprintf(secret, sizeof secret, "base64:%s", mac);
    if (keep(ctx, id, secret, why))
        outcome = airtable_adopt(a, id, why);
    else if (api_delete(&a->api, id, &ignored) == API_OK)
        outcome = AIRTABLE_REFUSED; /* nobody could verify its pings */
    explicit_bzero(secret, sizeof secret);

done:
    json_decref(wish);
    json_decref(answer);
    return outcome;
}
