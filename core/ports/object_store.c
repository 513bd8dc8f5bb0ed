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
        if (length == 0 || (length == 1 && key[0] == '.') ||
            (length == 2 && key[0] == '.' && key[1] == '.'))
            return false;
        key += length;
        if (*key == '\0')
            return true;
        if (*key++ != '/')
            return false;
    }
}
