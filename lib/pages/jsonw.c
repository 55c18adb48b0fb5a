#include "pages/jsonw.h"

#include <inttypes.h>

#define US 1000000

static void start(struct jsonw *j, const char *key)
{
    if (j->comma)
        buf_adds(j->out, ",");
    j->comma = true;
    if (key == NULL)
        return;
    buf_adds(j->out, "\"");
    buf_add_json(j->out, slice_of(key), JSONW_TEXT_MAX);
    buf_adds(j->out, "\":");
}

static void open_with(struct jsonw *j, const char *key, const char *bracket)
{
    start(j, key);
    buf_adds(j->out, bracket);
    j->comma = false;
}

static void close_with(struct jsonw *j, const char *bracket)
{
    buf_adds(j->out, bracket);
    j->comma = true;
}

void jsonw_open(struct jsonw *j, const char *key)
{
    open_with(j, key, "{");
}

void jsonw_close(struct jsonw *j)
{
    close_with(j, "}");
}

void jsonw_open_list(struct jsonw *j, const char *key)
{
    open_with(j, key, "[");
}

void jsonw_close_list(struct jsonw *j)
{
    close_with(j, "]");
}

void jsonw_slice(struct jsonw *j, const char *key, struct slice text)
{
    start(j, key);
    buf_adds(j->out, "\"");
    buf_add_json(j->out, text, JSONW_TEXT_MAX);
    buf_adds(j->out, "\"");
}

void jsonw_text(struct jsonw *j, const char *key, const char *text)
{
    jsonw_slice(j, key, slice_of(text));
}

void jsonw_number(struct jsonw *j, const char *key, int64_t v)
{
    start(j, key);
    buf_add_i64(j->out, v);
}

void jsonw_bool(struct jsonw *j, const char *key, bool v)
{
    start(j, key);
    buf_adds(j->out, v ? "true" : "false");
}

void jsonw_null(struct jsonw *j, const char *key)
{
    start(j, key);
    buf_adds(j->out, "null");
}

void jsonw_seconds(struct jsonw *j, const char *key, int64_t us)
{
    start(j, key);
    if (us < 0)
        buf_adds(j->out, "null");
    else
        buf_addf(j->out, "%" PRId64 ".%06" PRId64, us / US, us % US);
}

void jsonw_known(struct jsonw *j, const char *key, int64_t v)
{
    if (v < 0)
        jsonw_null(j, key);
    else
        jsonw_number(j, key, v);
}

void jsonw_raw(struct jsonw *j, const char *key, struct slice json)
{
    start(j, key);
    buf_add_slice(j->out, json);
}
