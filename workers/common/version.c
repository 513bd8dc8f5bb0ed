#include "workers/common/version.h"

/* SPIRA_VERSION, SPIRA_COMMIT and SPIRA_LIBRARIES come from CMakeLists.txt. */
#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

const char *spira_version(void)
{
    return SPIRA_VERSION;
}

/* "name=version name=version ...", as SPIRA_LIBRARIES is. */
static struct spira_value *libraries(void)
{
    struct spira_value *map = spira_value_map();
    for (const char *at = SPIRA_LIBRARIES; *at;) {
        size_t length = strcspn(at, " "), name = strcspn(at, "=");
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("%.*s", (int)name, at);
        SPIRA_CLEANUP(spira_free_at)
        char *version = spira_format("%.*s", (int)(length - name - 1), at + name + 1);
        spira_value_set_text(map, key, version);
        at += length;
        at += strspn(at, " ");
    }
    return map;
}

struct spira_value *spira_version_facts(void)
{
    struct spira_value *facts = spira_value_map();
    spira_value_set_text(facts, "version", SPIRA_VERSION);
    spira_value_set_text(facts, "commit", SPIRA_COMMIT);
    spira_value_set_text(facts, "compiler", COMPILER);
    spira_value_set(facts, "libraries", libraries());
    return facts;
}
