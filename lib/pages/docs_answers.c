#include "pages/docs_parts.h"

#include <stdio.h>

#include "pages/html.h"
#include "pages/wording.h"

static bool is_met_at_copies(const struct config *c, enum problem_id id)
{
    bool some = false;

    for (size_t i = 0; i < c->nproviders; i++)
        some = some || wording_has_copies(&c->provider[i]);
    for (size_t i = 0; some && i < route_copy_count; i++)
        if (wording_met_at_copy(c, &route_copy[i], id))
            return true;
    return false;
}

/* Whether any path answers so, as it is configured; p gets a provider that does, or NULL. */
static bool is_met(const struct config *c, enum problem_id id, const struct config_provider **p)
{
    *p = NULL;
    for (size_t i = 0; i < c->nproviders; i++)
        if (wording_met_at_provider(c, &c->provider[i], id)) {
            *p = &c->provider[i];
            return true;
        }
    for (size_t i = 0; i < route_endpoint_count; i++)
        if (route_is_served(c, &route_endpoint[i]) &&
            wording_met_at_endpoint(c, &route_endpoint[i], id))
            return true;
    return id == PROBLEM_UNKNOWN_PATH || is_met_at_copies(c, id);
}

static void put_row(struct buf *out, int status, const char *meaning, const char *detail,
                    bool again)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", status);
    html_put(out, "<tr><th scope=\"row\">$</th><td>$", number, meaning);
    if (detail != NULL)
        html_put(out, "<br><span class=\"soft\">“$”</span>", detail);
    html_put(out, "</td><td>$</td></tr>\n", again ? "yes" : "no");
}

void docs_answers(const struct config *c, struct buf *out)
{
    const struct config_provider *p;

    buf_adds(out, "<h2 id=\"answers\">Answers</h2>\n<p>Errors are "
                  "<code>application/problem+json</code> (RFC 9457), in the order in which they "
                  "are looked for:</p>\n");
    html_table(out, "", "Answers", NULL, "Status", "When", "Send again?");
    put_row(out, 200, "It is stored. With Idempotent-Replayed it was stored before.", NULL, false);
    if (c->when_store_down == STORE_DOWN_SPOOL)
        put_row(out, 202, "It is safely on the disk and takes effect later.", NULL, false);
    for (enum problem_id id = 0; id < PROBLEM_COUNT; id++) {
        if (!is_met(c, id, &p))
            continue;
        int status = wording_status(p, id);
        put_row(out, status, problem_table[id].meaning, problem_table[id].detail,
                status == 429 || status >= 500);
    }
    html_table_end(out);
    buf_adds(out, "<p>What is authentic but cannot be taken is kept for "
                  "people to look at. After it was corrected it may be sent under the same id, "
                  "unless the answer was 409.</p>\n");
}

static void wait_text(unsigned seconds, char *out, size_t room)
{
    if (seconds == 0)
        (void)snprintf(out, room, "at once");
    else if (seconds < 60)
        (void)snprintf(out, room, "%u s", seconds);
    else
        (void)snprintf(out, room, "%u min", seconds / 60);
}

void docs_retries(struct buf *out)
{
    char wait[32], number[16];

    buf_adds(out, "<h2 id=\"retries\">Trying again</h2>\n<p>Five tries, after 5xx, 429 and "
                  "whatever breaks the connection (no answer within ten seconds does, too). "
                  "Retry-After may lengthen a wait, never shorten it. Any other 4xx ends "
                  "it.</p>\n");
    html_table(out, "", "Tries", NULL, "Try", "Begins after the end of the one before");
    for (size_t i = 0; i < WORDING_TRIES; i++) {
        (void)snprintf(number, sizeof number, "%zu", i + 1);
        wait_text(wording_wait_s[i], wait, sizeof wait);
        html_put(out, "<tr><th scope=\"row\">$</th><td>$</td></tr>\n", number, wait);
    }
    html_table_end(out);
    buf_adds(out, "<p>After the fifth the sender keeps the event and tells "
                  "somebody; it may be sent hours later all the same.</p>\n");
}
