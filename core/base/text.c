#include "core/base/text.h"

#include "core/base/memory.h"

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

/* Bytes of the character that text begins with; 0: it begins with none. */
static size_t character_size(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    int rest = followers(bytes[0]);
    if (rest < 0 || (size_t)rest >= size || (rest > 0 && !second_fits(bytes[0], bytes[1])))
        return 0;
    for (int i = 1; i <= rest; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return (size_t)rest + 1;
}

bool spira_utf8_valid(const char *text, size_t size)
{
    for (size_t i = 0, step; i < size; i += step)
        if ((step = character_size(text + i, size - i)) == 0)
            return false;
    return true;
}

char *spira_utf8_repair(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t size = strlen(text), used = 0;
    char *repaired = spira_alloc(3 * size + 1, 1);
    for (size_t i = 0; i < size;) {
        size_t step = character_size(text + i, size - i);
        memcpy(repaired + used, step > 0 ? text + i : replacement, step > 0 ? step : 3);
        used += step > 0 ? step : 3;
        i += step > 0 ? step : 1;
    }
    return repaired;
}

void spira_text_tame(char *text, const char *spared)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if ((*at < 0x20 || *at == 0x7f) && !strchr(spared, *at))
            *at = '?';
        else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* C1, U+0080 to U+009F */
            at[0] = at[1] = '?';
    }
}
