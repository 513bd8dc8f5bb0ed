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

/* UUID version 7 (RFC 9562): time-ordered, 74 bits from the system's random source. */
struct spira_uuid {
    char text[37];
};
struct spira_uuid spira_uuid7(int64_t milliseconds);
bool spira_uuid_valid(const char *text); /* 8-4-4-4-12 lower-case hex digits */

#endif
