#include "pages/status_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "pages/html.h"

/* The drawing: so many units a column and high. It is stretched to the page's width, so nothing in it
 * is text. */
#define COLUMN_UNITS 10
#define BAR_UNITS    8
#define HEIGHT_UNITS 200
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

/* The next of 1, 2, 5, 10, 20, 50 ...: what the axis ends with. */
static uint64_t round_up(uint64_t n)
{
    for (uint64_t ten = 1; ten < UINT64_MAX / 100; ten *= 10)
        for (uint64_t step = 1; step <= 5; step += step == 1 ? 1 : 3)
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

static int64_t column_start(const struct status_day *day, size_t i)
{
    return day->first_us + (int64_t)i * STATUS_COLUMN_MINUTES * 60 * US_PER_S;
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
static void put_tip(const struct status_day *day, size_t i, struct buf *out)
{
    char from[8], to[8], number[HTML_NUMBER_ROOM];
    const char *between = ": ";

    clock_text(column_start(day, i), from);
    clock_text(column_start(day, i + 1), to);
    html_put(out, "<title>$ to $ UTC", from, to);
    for (size_t g = 0; g < STATUS_GROUPS; g++) {
        uint64_t n = status_of_group(&day->column[i], g);
        if (n == 0)
            continue;
        html_put(out, "$$ $", between, html_number(n, number), status_group[g].css_class);
        between = ", ";
    }
    buf_adds(out, "</title>");
}

static void put_column(const struct status_day *day, size_t i, uint64_t most, struct buf *out)
{
    size_t x = i * COLUMN_UNITS;
    unsigned y = HEIGHT_UNITS;

    buf_addf(out, "<g>");
    put_tip(day, i, out);
    buf_addf(out, "<rect class=\"slot\" x=\"%zu\" y=\"0\" width=\"%d\" height=\"%d\"/>", x,
             COLUMN_UNITS, HEIGHT_UNITS);
    for (size_t g = 0; g < STATUS_GROUPS; g++) {
        uint64_t n = status_of_group(&day->column[i], g);
        unsigned height = (unsigned)((double)n / (double)most * HEIGHT_UNITS + 0.5);
        if (n > 0 && height < LEAST_UNITS)
            height = LEAST_UNITS;
        if (height > y)
            height = y;
        if (height == 0)
            continue;
        y -= height;
        buf_addf(out, "<rect class=\"%s\" x=\"%zu\" y=\"%u\" width=\"%d\" height=\"%u\"/>",
                 status_group[g].css_class, x + (COLUMN_UNITS - BAR_UNITS) / 2, y, BAR_UNITS,
                 height);
    }
    buf_adds(out, "</g>\n");
}

static void put_drawing(const struct status_day *day, struct buf *out)
{
    char number[HTML_NUMBER_ROOM], at[8];
    uint64_t most = 1;

    for (size_t i = 0; i < STATUS_COLUMNS; i++) {
        uint64_t n = status_total(&day->column[i]);
        most = n > most ? n : most;
    }
    most = round_up(most);
    html_put(out,
             "<div class=\"chart\"><p class=\"most\" aria-hidden=\"true\">$ in half an hour</p>\n",
             html_number(most, number));
    buf_addf(out,
             "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
             "aria-label=\"Webhooks in each half hour of the day, by outcome; the table below has "
             "the numbers\">\n",
             STATUS_COLUMNS * COLUMN_UNITS, HEIGHT_UNITS);
    for (int i = 0; i <= 4; i++)
        buf_addf(out, "<path class=\"grid\" d=\"M0 %dH%d\"/>", i * HEIGHT_UNITS / 4,
                 STATUS_COLUMNS * COLUMN_UNITS);
    buf_adds(out, "\n");
    for (size_t i = 0; i < STATUS_COLUMNS; i++)
        put_column(day, i, most, out);
    buf_adds(out, "</svg>\n<p class=\"axis\" aria-hidden=\"true\">");
    for (size_t i = 0; i < STATUS_COLUMNS; i += STATUS_COLUMNS / 4) {
        clock_text(column_start(day, i), at);
        html_put(out, "<span>$$</span>", at, i == 0 ? " UTC" : "");
    }
    buf_adds(out, "<span>now</span></p></div>\n");
}

static void put_table(const struct status_day *day, struct buf *out)
{
    char at[8], number[HTML_NUMBER_ROOM];

    buf_adds(out, "<details><summary>The same as a table</summary>\n");
    html_table(out, "", "Webhooks in each half hour", NULL, "From (UTC)", "#Accepted", "#Repeated",
               "#Refused", "#Failed");
    for (size_t i = STATUS_COLUMNS; i-- > 0;) {
        if (status_total(&day->column[i]) == 0)
            continue;
        clock_text(column_start(day, i), at);
        html_put(out, "<tr><th scope=\"row\">$</th>", at);
        for (size_t g = 0; g < STATUS_GROUPS; g++)
            html_put(out, "<td class=\"n\">$</td>",
                     html_number(status_of_group(&day->column[i], g), number));
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
        buf_adds(out, "<p class=\"soft\">No webhook came.</p>\n");
    buf_adds(out, "</div>\n");
}
