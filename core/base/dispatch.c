#include "core/base/dispatch.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[SPIRA_DISPATCH_COUNT] = {"scalar", "avx2", "avx512"};

const char *spira_dispatch_name(enum spira_dispatch level)
{
    return names[level];
}

enum spira_dispatch spira_dispatch_best(void)
{
#ifdef __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    if (avx2)
        return avx512 ? SPIRA_DISPATCH_AVX512 : SPIRA_DISPATCH_AVX2;
#endif
    return SPIRA_DISPATCH_SCALAR;
}

enum spira_code spira_dispatch_level(enum spira_dispatch *ret_level, struct spira_error *err)
{
    const char *name = getenv("SPIRA_DISPATCH");
    enum spira_dispatch best = spira_dispatch_best();
    if (!name || !*name) {
        *ret_level = best;
        return SPIRA_OK;
    }
    for (size_t level = 0; level < SPIRA_DISPATCH_COUNT; level++)
        if (strcmp(name, names[level]) == 0 && level <= (size_t)best) {
            *ret_level = (enum spira_dispatch)level;
            return SPIRA_OK;
        }
    return spira_fail(err, SPIRA_EINVALID,
                      "SPIRA_DISPATCH is \"%s\": this machine has scalar to %s", name, names[best]);
}
