#include "core/base/moment.h"

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
