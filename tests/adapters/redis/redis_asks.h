/* What the tests of the state in Redis ask of it, in one line each. */
#ifndef SPIRA_TESTS_ADAPTERS_REDIS_REDIS_ASKS_H
#define SPIRA_TESTS_ADAPTERS_REDIS_REDIS_ASKS_H

#include "tests/adapters/redis/own_redis.h"

static inline struct spira_run_state open_state(const char *url, const char *prefix)
{
    struct spira_run_state state = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_run_state_redis(url, prefix, &state, &err), SPIRA_OK, "%s", err.message);
    return state;
}

/* Applies an event that adds one to the counter "events" and a member to r1's "shards". */
static inline enum spira_code try_event(struct spira_run_state state, int64_t offset,
                                        bool *ret_applied, struct spira_error *err)
{
    char member[24];
    snprintf(member, sizeof member, "%06lld", (long long)offset);
    const struct spira_state_operation operations[] = {
        {SPIRA_STATE_COUNT, NULL, "events", NULL, NULL},
        {SPIRA_STATE_ADD, "r1", "shards", member, "x"}};
    struct spira_state_change change = {
        .topic = "topic", .offset = offset, .operations = operations, .count = 2};
    return spira_state_apply(state, &change, ret_applied, err);
}

static inline bool apply_event(struct spira_run_state state, int64_t offset)
{
    bool applied = false;
    struct spira_error err = {0};
    cr_assert_eq(try_event(state, offset, &applied, &err), SPIRA_OK, "%s", err.message);
    return applied;
}

static inline int64_t applied_offset(struct spira_run_state state)
{
    int64_t offset = -1;
    struct spira_error err = {0};
    cr_assert_eq(spira_state_applied(state, "topic", 0, &offset, &err), SPIRA_OK, "%s",
                 err.message);
    return offset;
}

static inline int64_t count_of(struct spira_run_state state, const char *name)
{
    int64_t count = -1;
    struct spira_error err = {0};
    cr_assert_eq(spira_state_counter(state, name, &count, &err), SPIRA_OK, "%s", err.message);
    return count;
}

/* A failure with the code given, whose message begins with the server's address. */
#define expect_failure(call, wanted, address)                                                      \
    do {                                                                                           \
        struct spira_error err = {0};                                                              \
        enum spira_code failure = (call);                                                          \
        cr_assert(failure == (wanted), "%s: %s %s", #call, spira_code_name(failure), err.message); \
        cr_assert(strncmp(err.message, address, strlen(address)) == 0, "%s", err.message);         \
    } while (0)

#endif
