#include "core/ports/object_store.h"

#include <string.h>

bool spira_key_valid(const char *key)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    if (strlen(key) > SPIRA_KEY_MAX)
        return false;
    for (;;) {
        size_t length = strspn(key, allowed);
        if (length == 0 || length > SPIRA_KEY_PART_MAX || key[0] == '.')
            return false;
        key += length;
        if (*key == '\0')
            return true;
        if (*key++ != '/')
            return false;
    }
}

bool spira_key_prefix_valid(const char *prefix)
{
    size_t length = strlen(prefix);
    char key[SPIRA_KEY_MAX + 1];
    if (length == 0)
        return true;
    if (length >= SPIRA_KEY_MAX)
        return length == SPIRA_KEY_MAX && spira_key_valid(prefix);
    memcpy(key, prefix, length + 1);
    if (key[length - 1] == '/')
        memcpy(key + length, "x", 2);
    return spira_key_valid(key);
}
