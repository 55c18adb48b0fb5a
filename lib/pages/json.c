#include "pages/json.h"

#include <inttypes.h>

#define US 1000000

static void start(struct json *j, const char *key)
{
    if (j->comma)
        buf_adds(j->out, ",");
    j->comma = true;
    if (key == NULL)
        return;
    buf_adds(j->out, "\"");
    buf_add_json(j->out, slice_of(key), JSON_TEXT_MAX);
    buf_adds(j->out, "\":");
}

static void open_with(struct json *j, const char *key, const char *bracket)
{
    start(j, key);
    buf_adds(j->out, bracket);
    j->comma = false;
}

static void close_with(struct json *j, const char *bracket)
{
    buf_adds(j->out, bracket);
    j->comma = true;
}

void json_open(struct json *j, const char *key)
{
    open_with(j, key, "{");
}

void json_close(struct json *j)
{
    close_with(j, "}");
}

void json_open_list(struct json *j, const char *key)
{
    open_with(j, key, "[");
}

void json_close_list(struct json *j)
{
    close_with(j, "]");
}

void json_slice(struct json *j, const char *key, struct slice text)
{
    start(j, key);
    buf_adds(j->out, "\"");
    buf_add_json(j->out, text, JSON_TEXT_MAX);
    buf_adds(j->out, "\"");
}

void json_text(struct json *j, const char *key, const char *text)
{
    json_slice(j, key, slice_of(text));
}

void json_number(struct json *j, const char *key, int64_t v)
{
    start(j, key);
    buf_add_i64(j->out, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
    start(j, key);
    buf_adds(j->out, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    start(j, key);
    buf_adds(j->out, "null");
}

void json_seconds(struct json *j, const char *key, int64_t us)
{
    start(j, key);
    if (us < 0)
        buf_adds(j->out, "null");
    else
        buf_addf(j->out, "%" PRId64 ".%06" PRId64, us / US, us % US);
}

void json_known(struct json *j, const char *key, int64_t v)
{
    if (v < 0)
        json_null(j, key);
    else
        json_number(j, key, v);
}

void json_raw(struct json *j, const char *key, struct slice json)
{
    start(j, key);
    buf_add_slice(j->out, json);
}
