#include "adapters/flaky/flaky_script.h"

#include <string.h>

struct spira_flaky_turn spira_flaky_next(const struct spira_flaky_play *play, const char *operation)
{
    for (size_t i = 0; i < play->count; i++) {
        struct spira_flaky_script *script = &play->scripts[i];
        if (script->operation && strcmp(script->operation, operation) != 0)
            continue;
        size_t turn = atomic_fetch_add(&script->played, 1);
        if (turn >= script->count) {
            atomic_store(&script->played, script->count);
            continue;
        }
        enum spira_code code = script->codes[turn];
        return script->after ? (struct spira_flaky_turn){.after = code}
                             : (struct spira_flaky_turn){.before = code};
    }
    return (struct spira_flaky_turn){0};
}

enum spira_code spira_flaky_fail(enum spira_code code, const char *operation,
                                 struct spira_error *err)
{
    return spira_fail(err, code, "%s: %s, as the script says", operation, spira_code_text(code));
}
