#include "core/base/text.h"

/* Bytes after the first byte of a character; -1 when none may begin with it. */
static int followers(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef)
        return 2;
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* The second byte's range is what rules out overlong forms, surrogates and what is beyond U+10FFFF.
 */
static bool second_fits(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

bool spira_utf8_valid(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        unsigned char first = bytes[i++];
        int rest = followers(first);
        if (rest < 0 || (size_t)rest > size - i || (rest > 0 && !second_fits(first, bytes[i])))
            return false;
        for (; rest > 0; rest--, i++)
            if ((bytes[i] & 0xc0) != 0x80)
                return false;
    }
    return true;
}
