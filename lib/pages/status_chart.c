#include "pages/status_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "pages/html.h"

#define MINUTE_US (60 * US_PER_S)
#define MARK_US   (6 * 3600 * US_PER_S) /* where the axis of time has a mark */
/* So near to its end "now" stands in the place of a mark. */
#define NOW_US (3 * 3600 * US_PER_S)

/* The drawing: a unit a minute, and so many high. It is stretched to the page's width, so nothing in it is
 * text. */
#define WIDTH_UNITS  STATE_DAY_MINUTES
#define HEIGHT_UNITS 200
#define GAP_UNITS    6
/* What came at all is seen. */
#define LEAST_UNITS 2

#define BIT(o) (1U << (o))

const struct status_group status_group[STATUS_GROUPS] = {
    {"Accepted", "accepted", BIT(OUTCOME_ACCEPTED) | BIT(OUTCOME_SPOOLED)},
    {"Repeated", "repeated", BIT(OUTCOME_DUPLICATE)},
    {"Refused", "refused",
     BIT(OUTCOME_CONFLICT) | BIT(OUTCOME_LIMITED) | BIT(OUTCOME_INVALID) |
         BIT(OUTCOME_UNAUTHORIZED) | BIT(OUTCOME_REJECTED)},
    {"Failed", "failed", BIT(OUTCOME_UNAVAILABLE) | BIT(OUTCOME_ERROR)},
};

uint64_t status_of_group(const struct state_day_sum *sum, size_t group)
{
    uint64_t n = 0;

    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        if ((status_group[group].outcomes & BIT(o)) != 0)
            n += sum->webhooks[o];
    return n;
}

/* The next of 2, 4, 6, 8, 10, 20, 40 ...: what the axis ends with, so that its half is a number too. */
static uint64_t round_up(uint64_t n)
{
    for (uint64_t ten = 1; ten < UINT64_MAX / 100; ten *= 10)
        for (uint64_t step = 2; step <= 8; step += 2)
            if (step * ten >= n)
                return step * ten;
    return n;
}

static void clock_text(int64_t us, char out[static 8])
{
    char text[RFC3339_ROOM];

    rfc3339_format(us, text);
    (void)snprintf(out, 8, "%.5s", text + 11);
}

static void put_legend(const struct status_day *day, struct buf *out)
{
    char number[HTML_NUMBER_ROOM];

    buf_adds(out, "<ul class=\"legend\">");
    for (size_t g = 0; g < STATUS_GROUPS; g++)
        html_put(out, "<li><span class=\"key $\"></span>$ <b>$</b></li>", status_group[g].css_class,
                 status_group[g].name, html_number(status_of_group(&day->whole, g), number));
    buf_adds(out, "</ul>\n");
}

/* "10:30 to 11:00 UTC: 12 accepted, 1 refused" */
static void put_tip(const struct status_column *c, struct buf *out)
{
    char from[8], to[8], number[HTML_NUMBER_ROOM];
    const char *between = ": ";

    clock_text(c->from_us, from);
    clock_text(c->to_us, to);
    html_put(out, "<title>$ to $ UTC", from, to);
    for (size_t g = 0; g < STATUS_GROUPS; g++) {
        uint64_t n = status_of_group(&c->sum, g);
        if (n == 0)
            continue;
        html_put(out, "$$ $", between, html_number(n, number), status_group[g].css_class);
        between = ", ";
    }
    buf_adds(out, "</title>");
}

/* A rectangle, in fewer bytes than <rect> takes. */
static void put_bar(struct buf *out, const char *css, unsigned x, unsigned y, unsigned width,
                    unsigned height)
{
    buf_addf(out, "<path class=\"%s\" d=\"M%u %uh%uv%uH%uz\"/>", css, x, y, width, height, x);
}

static void put_column(const struct status_column *c, unsigned x, uint64_t most, struct buf *out)
{
    unsigned width = (unsigned)((c->to_us - c->from_us) / MINUTE_US), y = HEIGHT_UNITS;
    unsigned gap = width > GAP_UNITS ? GAP_UNITS : 0;

    buf_adds(out, "<g>");
    put_tip(c, out);
    put_bar(out, "slot", x, 0, width, HEIGHT_UNITS);
    for (size_t g = 0; g < STATUS_GROUPS; g++) {
        uint64_t n = status_of_group(&c->sum, g);
        unsigned height = (unsigned)((double)n / (double)most * HEIGHT_UNITS + 0.5);
        if (n > 0 && height < LEAST_UNITS)
            height = LEAST_UNITS;
        if (height > y)
            height = y;
        if (height == 0)
            continue;
        y -= height;
        put_bar(out, status_group[g].css_class, x + gap / 2, y, width - gap, height);
    }
    buf_adds(out, "</g>\n");
}

static int64_t first_mark(const struct status_day *day)
{
    return (day->column[0].from_us + MARK_US - 1) / MARK_US * MARK_US;
}

/* What the axis of numbers ends with. */
static uint64_t most_of(const struct status_day *day)
{
    uint64_t most = 1;

    for (size_t i = 0; i < day->ncolumns; i++) {
        uint64_t n = status_total(&day->column[i].sum);
        most = n > most ? n : most;
    }
    return round_up(most);
}

/* Beside and below the drawing, which would stretch them. */
static void put_numbers(uint64_t most, struct buf *out)
{
    char whole[HTML_NUMBER_ROOM], half[HTML_NUMBER_ROOM];

    html_put(out,
             "<div class=\"ys\" aria-hidden=\"true\"><span>$</span><span>$</span><span>0</span>"
             "</div>\n",
             html_number(most, whole), html_number(most / 2, half));
}

static void put_times(const struct status_day *day, struct buf *out)
{
    int64_t from = day->column[0].from_us, to = day->column[day->ncolumns - 1].to_us;
    char at[8];

    buf_adds(out, "<svg class=\"xs\" aria-hidden=\"true\">");
    for (int64_t mark = first_mark(day); mark <= to - NOW_US; mark += MARK_US) {
        clock_text(mark, at);
        buf_addf(out, "<text x=\"%.2f%%\" y=\"1em\">%s</text>",
                 (double)(mark - from) * 100 / (double)(to - from), at);
    }
    buf_adds(out, "<text class=\"end\" x=\"100%\" y=\"1em\">now</text></svg>\n");
}

static void put_drawing(const struct status_day *day, struct buf *out)
{
    int64_t from = day->column[0].from_us, to = day->column[day->ncolumns - 1].to_us;
    uint64_t most = most_of(day);

    buf_adds(out, "<div class=\"chart\"><p class=\"soft\">Webhooks in each half hour; times in "
                  "UTC</p>\n");
    put_numbers(most, out);
    buf_addf(out,
             "<svg class=\"plot\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
             "aria-label=\"Webhooks in each half hour of the day, by outcome; the table below has "
             "the numbers\">\n",
             WIDTH_UNITS, HEIGHT_UNITS);
    for (int i = 0; i <= 2; i++)
        buf_addf(out, "<path class=\"grid\" d=\"M0 %dH%d\"/>", i * HEIGHT_UNITS / 2, WIDTH_UNITS);
    for (int64_t mark = first_mark(day); mark < to; mark += MARK_US)
        buf_addf(out, "<path class=\"grid\" d=\"M%lld 0V%d\"/>",
                 (long long)((mark - from) / MINUTE_US), HEIGHT_UNITS);
    buf_adds(out, "\n");
    for (size_t i = 0; i < day->ncolumns; i++)
        put_column(&day->column[i], (unsigned)((day->column[i].from_us - from) / MINUTE_US), most,
                   out);
    buf_adds(out, "</svg>\n");
    put_times(day, out);
    buf_adds(out, "</div>\n");
}

static void put_table(const struct status_day *day, struct buf *out)
{
    char at[8], number[HTML_NUMBER_ROOM];

    buf_adds(out, "<details><summary>The same as a table</summary>\n");
    html_table(out, "", "Webhooks in each half hour", NULL, "From (UTC)", "#Accepted", "#Repeated",
               "#Refused", "#Failed");
    for (size_t i = day->ncolumns; i-- > 0;) {
        if (status_total(&day->column[i].sum) == 0)
            continue;
        clock_text(day->column[i].from_us, at);
        html_put(out, "<tr><th scope=\"row\">$</th>", at);
        for (size_t g = 0; g < STATUS_GROUPS; g++)
            html_put(out, "<td class=\"n\">$</td>",
                     html_number(status_of_group(&day->column[i].sum, g), number));
        buf_adds(out, "</tr>\n");
    }
    html_table_end(out);
    buf_adds(out, "<p class=\"soft\">Half hours in which nothing came are "
                  "left out.</p></details>\n");
}

void status_chart(const struct status_day *day, struct buf *out)
{
    buf_adds(out, "<h2>The last 24 hours</h2>\n<div class=\"panel\">\n");
    put_legend(day, out);
    put_drawing(day, out);
    if (status_total(&day->whole) > 0)
        put_table(day, out);
    else
        buf_adds(out, "<p class=\"soft none\">No webhook came in these 24 hours.</p>\n");
    buf_adds(out, "</div>\n");
}
