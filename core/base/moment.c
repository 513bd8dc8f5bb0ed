#include "core/base/moment.h"

#include <ctype.h>
#include <stddef.h>
#include <sys/random.h>

struct spira_moment_text spira_moment_format(int64_t milliseconds)
{
    struct spira_moment_text moment = {""};
    int64_t seconds = milliseconds / 1000;
    int64_t rest = milliseconds % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t since_epoch = (time_t)seconds;
    struct tm parts;
    if (!gmtime_r(&since_epoch, &parts))
        return moment;
    size_t used = strftime(moment.text, sizeof moment.text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(moment.text + used, sizeof moment.text - used, ".%03dZ", (int)rest);
    return moment;
}

/* Exactly count digits; *at moves behind them. -1: they are not there. */
static int digits(const char **at, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return -1;
        number = 10 * number + (**at - '0');
    }
    return number;
}

static bool skip(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool parse_date(const char **at, struct tm *parts)
{
    int year = digits(at, 4);
    if (year < 0 || !skip(at, '-'))
        return false;
    int month = digits(at, 2);
    if (month < 1 || month > 12 || !skip(at, '-'))
        return false;
    int day = digits(at, 2);
    *parts = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return day >= 1 && day <= days_of(year, month);
}

static bool parse_time(const char **at, struct tm *parts, int *ret_fraction_ms)
{
    parts->tm_hour = digits(at, 2);
    if (parts->tm_hour < 0 || parts->tm_hour > 23 || !skip(at, ':'))
        return false;
    parts->tm_min = digits(at, 2);
    if (parts->tm_min < 0 || parts->tm_min > 59 || !skip(at, ':'))
        return false;
    parts->tm_sec = digits(at, 2);
    if (parts->tm_sec < 0 || parts->tm_sec > 60) /* 60: a leap second */
        return false;
    if (!skip(at, '.'))
        return true;
    if (!isdigit((unsigned char)**at))
        return false;
    for (int worth = 100; isdigit((unsigned char)**at); (*at)++, worth /= 10)
        *ret_fraction_ms += worth * (**at - '0');
    return true;
}

/* "Z" or "+hh:mm", in minutes to take away. */
static bool parse_zone(const char **at, int *ret_minutes)
{
    if (skip(at, 'Z') || skip(at, 'z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!skip(at, '+') && !skip(at, '-'))
        return false;
    int hours = digits(at, 2);
    if (hours < 0 || hours > 23 || !skip(at, ':'))
        return false;
    int minutes = digits(at, 2);
    *ret_minutes = sign * (60 * hours + minutes);
    return minutes >= 0 && minutes <= 59;
}

bool spira_moment_parse(const char *text, int64_t *ret_milliseconds)
{
    struct tm parts;
    int fraction_ms = 0, zone_minutes = 0;
    const char *at = text;
    if (!parse_date(&at, &parts))
        return false;
    if (*at) {
        if (!skip(&at, 'T') && !skip(&at, 't') && !skip(&at, ' '))
            return false;
        if (!parse_time(&at, &parts, &fraction_ms) || !parse_zone(&at, &zone_minutes) || *at)
            return false;
    }
    *ret_milliseconds = ((int64_t)timegm(&parts) - (int64_t)60 * zone_minutes) * 1000 + fraction_ms;
    return true;
}

int64_t spira_uuid7_time(const char *text)
{
    int64_t milliseconds = 0;
    for (int i = 0; i < 13; i++)
        if (text[i] != '-')
            milliseconds =
                16 * milliseconds + (text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    return milliseconds;
}

struct spira_uuid spira_uuid7(int64_t milliseconds)
{
    unsigned char bytes[16];
    size_t got = 0;
    while (got < sizeof bytes) {
        ssize_t count = getrandom(bytes + got, sizeof bytes - got, 0);
        if (count > 0)
            got += (size_t)count;
    }
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)((uint64_t)milliseconds >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    struct spira_uuid uuid;
    char *at = uuid.text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        at += snprintf(at, 3, "%02x", bytes[i]);
    }
    return uuid;
}

bool spira_uuid_valid(const char *text)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (strlen(text) != sizeof pattern - 1)
        return false;
    for (size_t i = 0; pattern[i]; i++)
        if (pattern[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return false;
    return true;
}
