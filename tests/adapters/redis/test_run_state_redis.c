/* What the state in Redis does beyond the contract, on a server that behaves. */
#include <pthread.h>

#include "tests/adapters/redis/redis_asks.h"

static struct own_redis server;

static void start(void)
{
    server = own_redis_start();
}

static void end(void)
{
    own_redis_end(&server);
}

TestSuite(run_state_redis, .init = start, .fini = end);

Test(run_state_redis, a_prefix_is_needed_and_has_a_limit)
{
    struct spira_run_state state;
    struct spira_error err = {0};
    char prefix[66];
    memset(prefix, 'p', 65);
    prefix[65] = '\0';
    cr_assert_eq(spira_run_state_redis(server.url, "", &state, &err), SPIRA_EINVALID);
    cr_assert_eq(spira_run_state_redis(server.url, prefix, &state, &err), SPIRA_EINVALID);
    cr_assert_eq(spira_run_state_redis("redis:", prefix + 1, &state, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "scheme"), "%s", err.message);
}

Test(run_state_redis, a_wiped_server_begins_at_zero)
{
    struct spira_run_state state = open_state(server.url, "p:");
    for (int64_t offset = 0; offset < 3; offset++)
        cr_assert(apply_event(state, offset));
    own_redis_command(&server, "FLUSHALL");
    cr_assert_eq(applied_offset(state), 0);
    cr_assert(!apply_event(state, 3), "a gap");
    cr_assert(apply_event(state, 0));
    own_redis_command(&server, "SCRIPT", "FLUSH");
    cr_assert(apply_event(state, 1), "a script the server forgot is brought again");
    own_redis_kill(&server);
    char everything[96];
    struct spira_error err;
    snprintf(everything, sizeof everything, "%s/appendonlydir", server.folder);
    cr_assert_eq(spira_tree_remove(everything, &err), SPIRA_OK);
    own_redis_run(&server);
    cr_assert_eq(applied_offset(state), 0);
    cr_assert(!apply_event(state, 2));
    cr_assert(apply_event(state, 0));
    cr_assert_eq(count_of(state, "events"), 1);
    spira_run_state_done(&state);
}

enum { THREADS = 4, EVENTS = 150 };

static void *apply_all(void *state)
{
    for (int64_t offset = 0; offset < EVENTS; offset++)
        cr_assert(apply_event(*(struct spira_run_state *)state, offset));
    return NULL;
}

Test(run_state_redis, each_event_counts_once_over_threads_and_connections)
{
    struct spira_run_state states[2] = {open_state(server.url, "p:"), open_state(server.url, "p:")};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, apply_all, &states[i % 2]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    size_t size = 0;
    struct spira_error err;
    cr_assert_eq(spira_state_set_size(states[1], "r1", "shards", &size, &err), SPIRA_OK);
    cr_assert_eq(size, EVENTS);
    cr_assert_eq(count_of(states[0], "events"), EVENTS);
    cr_assert_eq(applied_offset(states[1]), EVENTS);
    for (int i = 0; i < 2; i++)
        spira_run_state_done(&states[i]);
}

Test(run_state_redis, clearing_touches_no_key_of_others)
{
    struct spira_run_state mine = open_state(server.url, "p[1]*?:"), others[3];
    static const char *const prefixes[] = {"p1x?:", "p[1]xx:", "p[1]*?"};
    cr_assert(apply_event(mine, 0));
    struct spira_error err;
    cr_assert_eq(spira_state_put_progress(mine, "unknown run", "s", "t", 100000, &err), SPIRA_OK);
    for (int i = 0; i < 3; i++) {
        others[i] = open_state(server.url, prefixes[i]);
        cr_assert(apply_event(others[i], 0));
    }
    own_redis_command(&server, "SET", "p[1]*?:not mine", "x");
    cr_assert_eq(spira_state_clear(mine, &err), SPIRA_OK);
    cr_assert_eq(count_of(mine, "events"), 0);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(applied_offset(others[i]), 1, "%s", prefixes[i]);
        cr_assert_eq(spira_state_clear(others[i], &err), SPIRA_OK);
        spira_run_state_done(&others[i]);
    }
    const char *size_is_one = "if redis.call('DBSIZE') ~= 1 then error('more keys') end return 1";
    own_redis_command(&server, "EVAL", size_is_one, "0");
    spira_run_state_done(&mine);
}

struct listing {
    struct spira_run_state state;
    char last[16];
    int count;
};

static bool check_order(void *context, const char *run_id)
{
    struct listing *listing = context;
    if (listing->count++)
        cr_assert_lt(strcmp(run_id, listing->last), 0, "%s after %s", run_id, listing->last);
    snprintf(listing->last, sizeof listing->last, "%s", run_id);
    if (listing->count % 700 == 0)
        cr_assert_eq(applied_offset(listing->state), 1, "a visit may ask the state");
    return true;
}

Test(run_state_redis, many_runs_are_listed_page_by_page)
{
    enum { RUNS = 2500 };
    static char ids[RUNS][16];
    static struct spira_state_operation operations[RUNS];
    struct spira_run_state state = open_state(server.url, "p:");
    for (int i = 0; i < RUNS; i++) {
        snprintf(ids[i], sizeof ids[i], "run-%05d", i * 7919 % RUNS);
        operations[i] = (struct spira_state_operation){SPIRA_STATE_SET, ids[i], "s", NULL, "x"};
    }
    struct spira_state_change change = {.topic = "topic", .operations = operations, .count = RUNS};
    bool applied = false;
    struct spira_error err = {0};
    cr_assert_eq(spira_state_apply(state, &change, &applied, &err), SPIRA_OK, "%s", err.message);
    struct listing listing = {.state = state};
    cr_assert_eq(spira_state_runs(state, check_order, &listing, &err), SPIRA_OK);
    cr_assert_eq(listing.count, RUNS);
    cr_assert_str_eq(listing.last, "run-00000");
    spira_run_state_done(&state);
}

Test(run_state_redis, a_change_has_a_limit)
{
    static struct spira_state_operation operations[65537];
    struct spira_run_state state = open_state(server.url, "p:");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        operations[i] = (struct spira_state_operation){SPIRA_STATE_COUNT, NULL, "c", NULL, NULL};
    struct spira_state_change change = {.topic = "topic", .operations = operations, .count = 65537};
    bool applied = false;
    expect_failure(spira_state_apply(state, &change, &applied, &err), SPIRA_ETOOBIG, "topic/0");
    change.count = 65536;
    struct spira_error err = {0};
    cr_assert_eq(spira_state_apply(state, &change, &applied, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(count_of(state, "c"), 65536);
    spira_run_state_done(&state);
}

Test(run_state_redis, a_reply_has_a_limit)
{
    struct spira_run_state state = open_state(server.url, "p:");
    cr_assert(apply_event(state, 0));
    own_redis_command(&server, "CONFIG", "SET", "appendonly", "no");
    own_redis_command(&server, "EVAL",
                      "for i = 1, 5 do\n"
                      "  redis.call('HSET', 'p:run:r1', 'field:' .. i, string.rep('x', 14000000))\n"
                      "end\n"
                      "return 1",
                      "0");
    struct spira_value *run = NULL;
    expect_failure(spira_state_run(state, "r1", &run, &err), SPIRA_ETOOBIG, server.url);
    cr_assert_eq(count_of(state, "events"), 1, "the rest of it is not taken for an answer");
    own_redis_command(&server, "HDEL", "p:run:r1", "field:1", "field:2");
    struct spira_error err = {0};
    cr_assert_eq(spira_state_run(state, "r1", &run, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_value_count(spira_value_get(run, "fields")), 3);
    spira_value_free(run);
    spira_run_state_done(&state);
}

/* Whatever another program put under our keys, an event is applied whole or not at all. */
Test(run_state_redis, keys_of_another_type_are_a_bug_and_nothing_is_half_applied)
{
    static const char *const keys[] = {"p:applied", "p:runs", "p:counters", "p:run:r1"};
    struct spira_run_state state = open_state(server.url, "p:");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        own_redis_command(&server, "FLUSHALL");
        own_redis_command(&server, "SET", keys[i], "text");
        bool applied = false;
        expect_failure(try_event(state, 0, &applied, &err), SPIRA_EBUG, server.url);
        cr_assert(!applied);
        own_redis_command(&server, "DEL", keys[i]);
        own_redis_command(&server, "EVAL", "return redis.call('DBSIZE') == 0 or error('half')",
                          "0");
        cr_assert(apply_event(state, 0));
    }
    own_redis_command(&server, "HSET", "p:counters", "events", "many");
    int64_t count = 0;
    expect_failure(spira_state_counter(state, "events", &count, &err), SPIRA_EBUG, server.url);
    own_redis_command(&server, "HSET", "p:run:r1", "set:9:short:x", "y");
    struct spira_value *run = NULL;
    expect_failure(spira_state_run(state, "r1", &run, &err), SPIRA_EBUG, "p:run:r1");
    spira_run_state_done(&state);
}

static void expect_progress(struct spira_run_state state, const char *json)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = NULL;
    struct spira_error err = {0};
    cr_assert_eq(spira_state_progress(state, "r1", &progress, &err), SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(progress, SPIRA_COMPACT);
    cr_assert_str_eq(text, json);
}

Test(run_state_redis, progress_leaves_no_key_behind)
{
    struct spira_run_state state = open_state(server.url, "p:");
    struct spira_error err;
    cr_assert_eq(spira_state_put_progress(state, "r1", "gone", "x", 0, &err), SPIRA_OK);
    cr_assert_eq(spira_state_put_progress(state, "r1", "long gone", "x", INT64_MIN, &err),
                 SPIRA_OK);
    expect_progress(state, "{}");
    cr_assert_eq(spira_state_put_progress(state, "r1", "b", "1:2:3", 300, &err), SPIRA_OK);
    cr_assert_eq(spira_state_put_progress(state, "r1", "a", "", 100, &err), SPIRA_OK);
    expect_progress(state, "{\"a\":\"\",\"b\":\"1:2:3\"}");
    usleep(180000);
    expect_progress(state, "{\"b\":\"1:2:3\"}");
    usleep(200000);
    own_redis_command(&server, "EVAL",
                      "return redis.call('EXISTS', 'p:progress:r1') == 0 or error('is there')",
                      "0");
    cr_assert_eq(spira_state_put_progress(state, "r1", "s", "for ever", INT64_MAX, &err), SPIRA_OK);
    expect_progress(state, "{\"s\":\"for ever\"}");
    spira_run_state_done(&state);
}

Test(run_state_redis, databases_of_one_server_are_apart)
{
    own_redis_kill(&server);
    server.port = own_redis_free_port();
    own_redis_run(&server);
    struct spira_run_state states[2];
    for (int i = 0; i < 2; i++) {
        char url[64];
        snprintf(url, sizeof url, "redis://localhost:%d/%d", server.port, i);
        states[i] = open_state(url, "p:");
    }
    cr_assert(apply_event(states[1], 0));
    cr_assert_eq(applied_offset(states[0]), 0);
    cr_assert_eq(applied_offset(states[1]), 1);
    for (int i = 0; i < 2; i++)
        spira_run_state_done(&states[i]);
}
