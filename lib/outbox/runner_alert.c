/* Whom the runner tells when an event failed for good. The entry's state remembers that it was not told
 * yet, so that a kill loses no alert; an alert that was cut off is given again. */
#include <stdio.h>
#include <stdlib.h>

#include "outbox/alert.h"
#include "outbox/runner_private.h"
#include "verify/secret.h"

#define ALARMS_FIRST 16

int runner_alert_read_url(struct runner *r, struct fail *why)
{
    struct secret_text text = {.n = 0};

    r->alert.url[0] = '\0';
    if (r->o.alert_url == NULL)
        return 0;
    if (secret_read(r->o.alert_url, "--alert-url", r->o.environment, &text, 1, why) != 1)
        return -1;
    if (post_check_url(text.text, true, why) != 0)
        return fail_prefix(why, "--alert-url");
    (void)snprintf(r->alert.url, sizeof r->alert.url, "%s", text.text);
    return 0;
}

void runner_alert_add(struct runner *r, const struct entry_item *i)
{
    struct outbox_list *l = &r->alarms;

    for (size_t k = r->told; k < l->n; k++)
        if (l->item[k].number == i->number)
            return;
    if (r->told == l->n)
        r->told = l->n = 0;
    if (l->n == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : ALARMS_FIRST;
        struct entry_item *item = realloc(l->item, room * sizeof *item);
        if (item == NULL)
            return; /* its state remembers: the next start tells */
        l->item = item;
        l->room = room;
    }
    l->item[l->n++] = *i;
}

bool runner_alert_waits(const struct runner *r)
{
    return r->alert.active || (r->told < r->alarms.n && runner_alerts(r) && r->alert.due_us == 0);
}

static void end_alert(struct runner *r)
{
    struct runner_alert *a = &r->alert;
    const struct entry_item *i = &r->alarms.item[r->told];
    struct entry_item told = *i;

    a->active = false;
    buf_free(&a->body);
    if (a->failed) {
        r->report.alerts_failed++;
        a->due_us = clock_monotonic_us(r->o.clock) + RUNNER_ALERT_AGAIN_S * US_PER_S;
        return;
    }
    r->report.alerts++;
    a->due_us = 0;
    told.state = ENTRY_FAILED;
    (void)outbox_rename(r->outbox, i, &told);
    r->dirty = true;
    r->told++;
}

static void failed(struct runner *r, const char *how)
{
    r->alert.failed = true;
    log_say(r->o.log, LOG_LEVEL_WARNING, "an alert reached nobody, and is given again in %d s: %s",
            RUNNER_ALERT_AGAIN_S, how);
}

static void begin_command(struct runner *r, const struct alert_event *e)
{
    struct fail why = {""};

    if (r->o.alert_command == NULL)
        return;
    if (alert_run(r->o.alert_command, e, r->o.environment, &r->alert.pid, &why) != 0) {
        r->alert.pid = 0;
        failed(r, why.text);
        return;
    }
    r->alert.kill_us = clock_monotonic_us(&clock_system) + ALERT_COMMAND_MAX_MS * INT64_C(1000);
}

static void begin_post(struct runner *r, const struct alert_event *e)
{
    const struct post_header header = {"Content-Type", "application/json"};
    struct fail why = {"no memory"};

    if (r->alert.url[0] == '\0')
        return;
    r->alert.body = BUF_INIT(ALERT_BODY_MAX);
    if (alert_body(e, &r->alert.body) &&
        post_start(r->post, r->alert.url, &header, 1, buf_slice(&r->alert.body), r, &why) == 0)
        r->alert.posting = true;
    else
        failed(r, why.text);
}

static void begin_alert(struct runner *r)
{
    const struct entry_item *i = &r->alarms.item[r->told];
    char reason[OUTBOX_REASON_MAX], *memory = NULL;
    struct entry_content event;

    if (outbox_read(r->outbox, i, &event, &memory) != OUTBOX_READ) {
        r->told++; /* retried or dropped by hand */
        return;
    }
    outbox_why(r->outbox, i, reason);
    const struct alert_event e = {&event, reason, i->tries, outbox_folder(r->outbox)};
    r->alert.active = true;
    r->alert.failed = false;
    begin_command(r, &e);
    begin_post(r, &e);
    free(memory);
}

static void look_after_command(struct runner *r)
{
    struct runner_alert *a = &r->alert;
    enum alert_state s;

    if (a->pid == 0)
        return;
    s = alert_look(a->pid);
    if (s == ALERT_RUNS && clock_monotonic_us(&clock_system) >= a->kill_us) {
        alert_kill(a->pid);
        failed(r, "the command did not end in time");
    } else if (s == ALERT_FAILED) {
        failed(r, "the command failed");
    } else if (s == ALERT_RUNS) {
        return;
    }
    a->pid = 0;
}

void runner_alert_step(struct runner *r)
{
    struct runner_alert *a = &r->alert;

    if (!a->active && !r->stopping && r->told < r->alarms.n && runner_alerts(r) &&
        clock_monotonic_us(r->o.clock) >= a->due_us)
        begin_alert(r);
    look_after_command(r);
    if (a->active && a->pid == 0 && !a->posting)
        end_alert(r);
}

void runner_alert_posted(struct runner *r, const struct post_result *result)
{
    char reason[OUTBOX_REASON_MAX];

    r->alert.posting = false;
    if (result->end == TRY_DELIVERED)
        return;
    attempt_reason(result, reason, sizeof reason);
    failed(r, reason);
}

void runner_alert_free(struct runner *r)
{
    if (r->alert.pid > 0)
        alert_kill(r->alert.pid);
    buf_free(&r->alert.body);
    outbox_list_free(&r->alarms);
}
