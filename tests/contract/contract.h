/* What the suites of the ports share. A suite is written once and runs on every adapter of its
 * table:
 *
 *     struct clock_case { ... };                        what a test gets
 *     static void open_posix(struct clock_case *subject) ...
 *     CONTRACT_ADAPTERS(clock, {"posix", open_posix}, ...)    and static void clock_close(subject)
 *     CONTRACT(clock, time_does_not_go_back) { ... subject ... }
 *
 * Each test gets a fresh adapter, and runs in a process of its own. */
#ifndef SPIRA_TESTS_CONTRACT_CONTRACT_H
#define SPIRA_TESTS_CONTRACT_CONTRACT_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"

#define CONTRACT_ADAPTERS(port, ...)                                                               \
    static const struct {                                                                          \
        const char *name;                                                                          \
        void (*open)(struct port##_case *);                                                        \
    } port##_adapters[] = {__VA_ARGS__};                                                           \
    static struct criterion_test_params port##_indexes(void)                                       \
    {                                                                                              \
        static int indexes[sizeof port##_adapters / sizeof *port##_adapters];                      \
        for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++)                              \
            indexes[i] = (int)i;                                                                   \
        return cr_make_param_array(int, indexes, sizeof indexes / sizeof *indexes);                \
    }                                                                                              \
    static void port##_run(int index, void (*test)(struct port##_case *))                          \
    {                                                                                              \
        struct port##_case subject = {0};                                                          \
        fprintf(stderr, "on %s:\n", port##_adapters[index].name);                                  \
        port##_adapters[index].open(&subject);                                                     \
        test(&subject);                                                                            \
        port##_close(&subject);                                                                    \
    }

#define CONTRACT(port, name)                                                                       \
    static void port##_##name(struct port##_case *subject);                                        \
    ParameterizedTestParameters(port, name)                                                        \
    {                                                                                              \
        return port##_indexes();                                                                   \
    }                                                                                              \
    ParameterizedTest(int *index, port, name)                                                      \
    {                                                                                              \
        port##_run(*index, port##_##name);                                                         \
    }                                                                                              \
    static void port##_##name(struct port##_case *subject)

/* A call that must succeed, with &err (the macro's own) as its last argument; its message is shown
 * when it does not. */
#define must(call)                                                                                 \
    do {                                                                                           \
        struct spira_error err = {0};                                                              \
        enum spira_code must_code = (call);                                                        \
        cr_assert(must_code == SPIRA_OK, "%s: %s %s", #call, spira_code_name(must_code),           \
                  err.message);                                                                    \
    } while (0)

/* A call that must fail with the code given, and say why. */
#define must_fail(call, wanted)                                                                    \
    do {                                                                                           \
        struct spira_error err = {0};                                                              \
        enum spira_code must_code = (call);                                                        \
        cr_assert(must_code == (wanted), "%s: %s %s", #call, spira_code_name(must_code),           \
                  err.message);                                                                    \
        cr_assert(err.code == (wanted) && err.message[0]);                                         \
    } while (0)

#endif
