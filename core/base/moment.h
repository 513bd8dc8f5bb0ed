/* Times and run ids. Times are milliseconds since the epoch, UTC; what the time is, the clock port
 * says. */
#ifndef SPIRA_CORE_BASE_MOMENT_H
#define SPIRA_CORE_BASE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 3339 in UTC with milliseconds: "2026-03-01T12:00:00.000Z". */
struct spira_moment_text {
    char text[32];
};
struct spira_moment_text spira_moment_format(int64_t milliseconds);

/* Reads RFC 3339: a date, or a date, time and offset from UTC ("Z", "-03:00"). Of a second's
 * fraction the milliseconds count; a date alone is its midnight in UTC. False: it is none. */
bool spira_moment_parse(const char *text, int64_t *ret_milliseconds);

/* UUID version 7 (RFC 9562): time-ordered, 74 bits from the system's random source. */
struct spira_uuid {
    char text[37];
};
struct spira_uuid spira_uuid7(int64_t milliseconds);
/* The milliseconds in a valid UUID of version 7. */
int64_t spira_uuid7_time(const char *text);
bool spira_uuid_valid(const char *text); /* 8-4-4-4-12 lower-case hex digits */

#endif
