#include "pages/wording.h"

#include "base/clock.h"

const unsigned wording_wait_s[WORDING_TRIES] = {0, 5, 30, 300, 1800};

void wording_signature_form(const struct scheme *s, struct buf *out)
{
    const char *digest = s->digest == ENCODING_BASE64 ? "<base64>" : "<hex>";

    switch (s->syntax) {
    case SYNTAX_PREFIX:
        buf_addf(out, "%s%s", s->prefix[0], digest);
        break;
    case SYNTAX_LIST:
        buf_addf(out, "%s,%s", s->prefix[0], digest);
        break;
    case SYNTAX_FIELDS:
        buf_addf(out, "t=<time>,%s=%s", s->prefix[0], digest);
        break;
    }
}

void wording_signature(const struct scheme *s, struct buf *out)
{
    static const char *const key[] = {
        [ENCODING_TEXT] = "the secret's characters as they stand, not decoded",
        [ENCODING_WHSEC] = "the bytes that the secret's base64 (without whsec_) stands for",
        [ENCODING_HEX64_OR_NAMED] = "the bytes that the secret's hex digits or base64 stand for",
        [ENCODING_HEX] = "the secret",
        [ENCODING_BASE64] = "the secret",
    };

    if (strcmp(s->content, "{body}") == 0)
        buf_adds(out, "HMAC-SHA256 over the very bytes of the body");
    else
        buf_addf(out, "HMAC-SHA256 over %s, where {body} is the very bytes of the body",
                 s->content);
    buf_addf(out, ", in %s; the key is %s.",
             s->digest == ENCODING_BASE64 ? "base64" : "hexadecimal", key[s->key]);
    if (s->syntax == SYNTAX_LIST)
        buf_adds(out, " Several, separated by spaces, may stand side by side.");
    if (s->tolerance_us > 0)
        buf_addf(out, " The signed time is Unix time in seconds and may be %lld s off.",
                 (long long)(s->tolerance_us / US_PER_S));
}

const char *wording_field(enum field_kind kind)
{
    switch (kind) {
    case FIELD_TEXT:
        return "text of 1 to 256 bytes without control characters";
    case FIELD_EMAIL:
        return "text of 1 to 320 bytes with one @";
    case FIELD_INTEGER:
        return "integer from 0 to 9223372036854775807, digits alone";
    case FIELD_END:
        break;
    }
    return "";
}

_Static_assert(EVENT_ID_MAX == 256 && EVENT_EMAIL_MAX == 320, "the words above say so");

/* The value beside a name, or "". */
struct words {
    const char *name, *text;
};

static const char *look_up(const struct words *w, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(w[i].name, name) == 0)
            return w[i].text;
    return "";
}

const char *wording_change(const char *event_type)
{
    static const struct words w[] = {
        {"user.created", "e-mail, created at, profile fields"},
        {"user.updated", "changed at, profile fields (and e-mail, if it is there)"},
        {"lightning.payment_received", "one incoming payment per hash; the received total"},
        {"lightning.payment_sent", "one outgoing payment per hash; the sent total"},
        {"t4g.balance_updated", "the balance"},
        {"gamification.level_up", "level, points, the level history"},
    };

    return look_up(w, sizeof w / sizeof w[0], event_type);
}

const char *wording_header(const char *name)
{
    static const struct words w[] = {
        {"Allow", "The methods that the path has."},
        {"WWW-Authenticate", "What is asked for; the same for every reason."},
        {"Retry-After", "Seconds to wait before sending it again."},
        {"RateLimit-Policy", "How many events in how many seconds."},
        {"RateLimit", "How many are left, and in how many seconds there is room again."},
        {"Idempotent-Replayed", "The event was received before; this is the first answer again."},
        {"Cache-Control", "How long the answer may be kept; most may not be."},
        {"X-Content-Type-Options", "The media type is meant as it stands."},
        {"ETag", "Changes with the content."},
        {"Age", "Seconds since the copy was last known to be right."},
        {"Guichet-Copy", "How fresh the copy is (RFC 8941): its generation; as-of, a time: it is "
                         "the base as it was "
                         "then, or later; pending: a ping came that is not answered yet; "
                         "refreshing: another copy is "
                         "being made; stale: one is due, until which changes may be missing; old: "
                         "there is a newer one "
                         "already."},
        {"Content-Security-Policy", "What the page may load: nothing."},
        {"Referrer-Policy", "Links tell nobody where they were followed."},
    };

    return look_up(w, sizeof w / sizeof w[0], name);
}

int wording_status(const struct config_provider *p, enum problem_id id)
{
    return id == PROBLEM_LIMITED && p != NULL ? p->rate_limit_status : problem_table[id].status;
}

/* What some setting decides. */
static bool is_configured(const struct config *c, enum problem_id id)
{
    switch (id) {
    case PROBLEM_PLAIN_HTTP:
        return c->require_https;
    case PROBLEM_NO_TOKEN:
        return c->metrics_token == NULL;
    case PROBLEM_TOKEN:
        return c->metrics_token != NULL;
    default:
        return true;
    }
}

bool wording_met_at_provider(const struct config *c, const struct config_provider *p,
                             enum problem_id id)
{
    const struct scheme *s = scheme_find(p->scheme);
    unsigned where = s != NULL && s->ping ? PROBLEM_AT_PINGS : PROBLEM_AT_EVENTS;
    bool record =
        s != NULL && (p->unknown_events >= 0 ? p->unknown_events == 1 : s->record_unknown);

    if ((problem_table[id].where & where) == 0 || !is_configured(c, id) || s == NULL)
        return false;
    if (p->retired || id == PROBLEM_RETIRED) /* asked first; nothing else is then */
        return p->retired && id == PROBLEM_RETIRED;
    switch (id) {
    case PROBLEM_UNKNOWN_TYPE:
        return !record;
    case PROBLEM_TOO_OLD:
        return p->max_age_us > 0;
    case PROBLEM_OVERFLOW:
        return s->typed;
    case PROBLEM_LIMITED:
        return p->rate_count > 0;
    default:
        return true;
    }
}

bool wording_has_copies(const struct config_provider *p)
{
    return route_has_copies(p) && p->read_token.n > 0;
}

void wording_copy_path(const struct config_provider *p, const struct copy_endpoint *e,
                       struct buf *out)
{
    buf_adds(out, p->read_path);
    for (size_t i = 0; i < ROUTE_PARTS_MAX && e->part[i] != NULL; i++)
        buf_addf(out, "/{%s}", e->part[i]);
}

bool wording_met_at_copy(const struct config *c, const struct copy_endpoint *e, enum problem_id id)
{
    bool page = e->part[1] != NULL && e->part[2] == NULL;

    if (id == PROBLEM_NO_READING || (id == PROBLEM_CURSOR_GONE && !page))
        return false; /* with a token; a cursor is a page's */
    return (problem_table[id].where & PROBLEM_AT_COPIES) != 0 && is_configured(c, id);
}

bool wording_met_at_endpoint(const struct config *c, const struct endpoint *e, enum problem_id id)
{
    bool status = e->kind == ROUTE_STATUS || e->kind == ROUTE_STATUS_JSON;
    unsigned where = e->kind == ROUTE_METRICS  ? PROBLEM_AT_METRICS
                     : e->kind == ROUTE_HEALTH ? PROBLEM_AT_HEALTH
                                               : PROBLEM_AT_PAGES;

    if (status && route_asks_token(c, e))
        where |= PROBLEM_AT_STATUS;
    return (problem_table[id].where & where) != 0 && is_configured(c, id);
}

void wording_base(const struct config *c, struct buf *out)
{
    buf_addf(out, "%s%s", c->public_url, c->base_path);
}
