#include "base/clock.h"

#include <time.h>

#define US_PER_MINUTE   (60 * US_PER_S)
#define MINUTES_PER_DAY 1440
#define US_PER_DAY      (MINUTES_PER_DAY * US_PER_MINUTE)
/* 0000-01-01 and 9999-12-31 in days since 1970-01-01. */
#define DAY_MIN INT64_C(-719528)
#define DAY_MAX INT64_C(2932896)
/* Of 400 years, after which the calendar repeats. */
#define DAYS_OF_ERA 146097

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    /* Cannot fail: both clocks exist on every Linux, and the address is good. */
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static int64_t system_now_us(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_now_us, system_monotonic_us, NULL};

/* A point of the (proleptic) Gregorian calendar. */
struct moment {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
    int us;
};

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days in the month, and days of a common year before it. */
static const struct {
    int length, before;
} month_table[12] = {{31, 0},   {28, 31},  {31, 59},  {30, 90},  {31, 120}, {30, 151},
                     {31, 181}, {31, 212}, {30, 243}, {31, 273}, {30, 304}, {31, 334}};

static int month_length(int year, int month)
{
    return month_table[month - 1].length + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 0000-01-01 to the first day of the year. */
static int64_t days_before_year(int year)
{
    int y = year - 1;

    /* Year 0 is a leap year: the one more day that all later years have before them. */
    return year == 0 ? 0 : 365 * (int64_t)year + y / 4 - y / 100 + y / 400 + 1;
}

static int64_t day_number(const struct moment *m)
{
    int leap_day = m->month > 2 && is_leap(m->year) ? 1 : 0;
    return DAY_MIN + days_before_year(m->year) + month_table[m->month - 1].before + leap_day +
           m->day - 1;
}

/* Takes exactly n digits off the front of *s. */
static bool take_digits(struct slice *s, size_t n, int *out)
{
    int v = 0;

    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *out = v;
    *s = slice_from(*s, n);
    return true;
}

/* Takes one character off the front of *s if it is one of `set`. */
static bool take_one_of(struct slice *s, const char *set, char *out)
{
    if (s->n == 0 || s->p[0] == '\0' || strchr(set, s->p[0]) == NULL)
        return false;
    *out = s->p[0];
    *s = slice_from(*s, 1);
    return true;
}

static bool take_date_and_time(struct slice *s, struct moment *m)
{
    char c;

    return take_digits(s, 4, &m->year) && take_one_of(s, "-", &c) && take_digits(s, 2, &m->month) &&
           take_one_of(s, "-", &c) && take_digits(s, 2, &m->day) && take_one_of(s, "Tt ", &c) &&
           take_digits(s, 2, &m->hour) && take_one_of(s, ":", &c) &&
           take_digits(s, 2, &m->minute) && take_one_of(s, ":", &c) &&
           take_digits(s, 2, &m->second);
}

/* Takes ".digits" if it is there. */
static bool take_fraction(struct slice *s, struct moment *m)
{
    char c;
    int digit;
    int unit = 100000;

    m->us = 0;
    if (!take_one_of(s, ".", &c))
        return true;
    if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
        return false;
    while (take_digits(s, 1, &digit)) {
        m->us += digit * unit;
        unit /= 10;
    }
    return true;
}

static bool take_offset(struct slice *s, int *minutes)
{
    char c;
    int hour, minute;

    if (take_one_of(s, "Zz", &c)) {
        *minutes = 0;
        return true;
    }
    if (!take_one_of(s, "+-", &c) || !take_digits(s, 2, &hour) || s->n == 0 || s->p[0] != ':')
        return false;
    *s = slice_from(*s, 1);
    if (!take_digits(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *minutes = (c == '-' ? -1 : 1) * (hour * 60 + minute);
    return true;
}

static bool in_calendar(const struct moment *m)
{
    return m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= month_length(m->year, m->month) && m->hour <= 23 && m->minute <= 59 &&
           m->second <= 60;
}

bool rfc3339_parse(struct slice s, int64_t *out_us)
{
    struct moment m;
    int offset;

    if (!take_date_and_time(&s, &m) || !take_fraction(&s, &m) || !take_offset(&s, &offset) ||
        s.n != 0 || !in_calendar(&m))
        return false;

    /* Minutes since 1970 in UTC; a leap second is added only at the end of an hour of UTC, and what
     * comes within it is the first moment after it. */
    int64_t minutes = day_number(&m) * MINUTES_PER_DAY + m.hour * 60 + m.minute - offset;
    if (m.second == 60) {
        if ((minutes % 60 + 60) % 60 != 59)
            return false;
        m.us = 0;
    }
    *out_us = minutes * US_PER_MINUTE + m.second * US_PER_S + m.us;
    return true;
}

/* Sets the date of a day, counted from 0000-01-01 on. Years are counted from March here, so that a leap day
 * is the last of its year; 400 of them are DAYS_OF_ERA, and the months from March on have 153 days in
 * five. (Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.) */
static void set_date(struct moment *m, int64_t day)
{
    /* 0000-03-01 is day 60; one era more keeps January and February of the year 0 from below 0. */
    int64_t since_march = day - 60 + DAYS_OF_ERA;
    int era = (int)(since_march / DAYS_OF_ERA), of_era = (int)(since_march % DAYS_OF_ERA);
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153; /* 0: March */

    m->day = of_year - (153 * month + 2) / 5 + 1;
    m->month = month < 10 ? month + 3 : month - 9;
    m->year = (era - 1) * 400 + year + (m->month <= 2 ? 1 : 0);
}

/* The calendar's view of us, held within the years 0000 to 9999. */
static struct moment moment_of(int64_t us)
{
    if (us < DAY_MIN * US_PER_DAY)
        us = DAY_MIN * US_PER_DAY;
    if (us >= (DAY_MAX + 1) * US_PER_DAY)
        us = (DAY_MAX + 1) * US_PER_DAY - 1;

    int64_t since_0000 = us - DAY_MIN * US_PER_DAY; /* not negative, so / and % round down */
    int64_t rest = since_0000 % US_PER_DAY;
    int second = (int)(rest / US_PER_S);
    struct moment m = {
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .us = (int)(rest % US_PER_S),
    };

    set_date(&m, since_0000 / US_PER_DAY);
    return m;
}

/* Writes v, 0 to 99, as two digits. */
static char *put_pair(char *out, int v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
    return out + 2;
}

/* Writes a character and two digits. */
static char *put_part(char *out, char before, int v)
{
    *out = before;
    return put_pair(out + 1, v);
}

/* "2025-10-15T10:30:05" without a NUL: 19 characters. */
static char *put_seconds(char *out, const struct moment *m)
{
    out = put_pair(put_pair(out, m->year / 100), m->year % 100);
    out = put_part(put_part(out, '-', m->month), '-', m->day);
    out = put_part(put_part(out, 'T', m->hour), ':', m->minute);
    return put_part(out, ':', m->second);
}

void rfc3339_format(int64_t us, char out[static RFC3339_ROOM])
{
    struct moment m = moment_of(us);
    char *end = put_seconds(out, &m);

    *end++ = 'Z';
    *end = '\0';
}

void rfc3339_format_us(int64_t us, char out[static RFC3339_US_ROOM])
{
    struct moment m = moment_of(us);
    char *end = put_seconds(out, &m);

    end = put_part(end, '.', m.us / 10000);
    end = put_pair(put_pair(end, m.us / 100 % 100), m.us % 100);
    *end++ = 'Z';
    *end = '\0';
}
