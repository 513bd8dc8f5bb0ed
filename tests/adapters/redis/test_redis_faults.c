/* Servers that die, freeze, turn away and answer nonsense. */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

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

TestSuite(redis_faults, .init = start, .fini = end);

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

Test(redis_faults, a_server_that_dies_is_unreachable_until_it_is_back)
{
    struct spira_run_state state = open_state(server.url, "p:");
    cr_assert(apply_event(state, 0));
    own_redis_kill(&server);
    bool applied = false;
    expect_failure(try_event(state, 1, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    expect_failure(spira_state_probe(state, &err), SPIRA_EUNREACHABLE, server.url);
    cr_assert(!applied);
    own_redis_run(&server);
    cr_assert_eq(applied_offset(state), 1, "what was answered is on its disk");
    cr_assert(apply_event(state, 1));
    own_redis_kill(&server);
    own_redis_run(&server);
    cr_assert(apply_event(state, 2), "nobody asked while it was away");
    cr_assert_eq(count_of(state, "events"), 3);
    spira_run_state_done(&state);
}

Test(redis_faults, a_late_reply_of_a_frozen_server_is_not_taken_for_another)
{
    struct spira_run_state state = open_state(server.url, "p:");
    own_redis_command(&server, "HSET", "p:counters", "one", "1", "two", "2");
    cr_assert_eq(count_of(state, "one"), 1);
    cr_assert(apply_event(state, 0));
    int64_t count = 7;
    bool applied = false;
    kill(server.pid, SIGSTOP);
    double begin = seconds();
    expect_failure(spira_state_counter(state, "one", &count, &err), SPIRA_EUNREACHABLE, server.url);
    double old_connection = seconds() - begin;
    expect_failure(try_event(state, 1, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    double new_connection = seconds() - begin - old_connection;
    kill(server.pid, SIGCONT);
    cr_assert_eq(count, 7);
    cr_assert(old_connection > 1.5 && old_connection < 3.5, "%f s", old_connection);
    cr_assert(new_connection > 1.5 && new_connection < 3.5, "%f s", new_connection);
    cr_assert_eq(count_of(state, "two"), 2);
    cr_assert(apply_event(state, 1));
    cr_assert_eq(count_of(state, "events"), 2, "whether or not the first try arrived");
    spira_run_state_done(&state);
}

static void *probe_in_vain(void *state)
{
    struct spira_error why;
    cr_assert_eq(spira_state_probe(*(struct spira_run_state *)state, &why), SPIRA_EUNREACHABLE);
    return NULL;
}

Test(redis_faults, threads_that_wait_for_a_frozen_server_do_not_add_up)
{
    enum { THREADS = 5 };
    struct spira_run_state state = open_state(server.url, "p:");
    pthread_t threads[THREADS];
    kill(server.pid, SIGSTOP);
    double begin = seconds();
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, probe_in_vain, &state), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    double took = seconds() - begin;
    kill(server.pid, SIGCONT);
    cr_assert(took > 1.5 && took < 5, "%f s", took);
    cr_assert(apply_event(state, 0));
    spira_run_state_done(&state);
}

static void *kill_soon(void *nothing)
{
    usleep(300000);
    kill(server.pid, SIGKILL);
    return nothing;
}

/* SIGPIPE has its default action here, and a socket is full when its other end is closed. */
Test(redis_faults, a_server_that_dies_while_it_is_written_to_kills_nobody)
{
    struct spira_run_state state = open_state(server.url, "p:");
    cr_assert(apply_event(state, 0));
    SPIRA_CLEANUP(spira_free_at)
    char *huge = spira_alloc((32 << 20) + 1, 1);
    memset(huge, 'h', 32 << 20);
    const struct spira_state_operation operation = {SPIRA_STATE_SET, "r1", "huge", NULL, huge};
    struct spira_state_change change = {
        .topic = "topic", .offset = 1, .operations = &operation, .count = 1};
    pthread_t killer;
    bool applied = false;
    kill(server.pid, SIGSTOP);
    cr_assert_eq(pthread_create(&killer, NULL, kill_soon, NULL), 0);
    double begin = seconds();
    expect_failure(spira_state_apply(state, &change, &applied, &err), SPIRA_EUNREACHABLE,
                   server.url);
    cr_assert_lt(seconds() - begin, 1.5, "its end is seen, not waited for");
    pthread_join(killer, NULL);
    own_redis_kill(&server);
    own_redis_run(&server);
    cr_assert_eq(applied_offset(state), 1);
    spira_run_state_done(&state);
}

Test(redis_faults, a_password_is_asked_for_and_never_told)
{
    own_redis_kill(&server);
    server.port = own_redis_free_port();
    server.password = "right horse";
    own_redis_run(&server);
    char address[64];
    snprintf(address, sizeof address, "redis://127.0.0.1:%d/0: ", server.port);
    static const struct {
        const char *credentials, *word;
    } cases[] = {{"", "NOAUTH"},
                 {":wrong%20horse@", "WRONGPASS"},
                 {"ana:right%20horse@", "WRONGPASS"},
                 {":right%20horse@", NULL},
                 {"default:right%20horse@", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[96];
        snprintf(url, sizeof url, "redis://%s127.0.0.1:%d", cases[i].credentials, server.port);
        struct spira_run_state state = open_state(url, "p:");
        struct spira_error err = {0};
        enum spira_code code = spira_state_probe(state, &err);
        cr_expect_eq(code, cases[i].word ? SPIRA_EUNREACHABLE : SPIRA_OK, "%s: %s", url,
                     err.message);
        if (cases[i].word) {
            cr_expect(strstr(err.message, cases[i].word), "%s", err.message);
            cr_expect_eq(strncmp(err.message, address, strlen(address)), 0, "%s", err.message);
            cr_expect(!strstr(err.message, "horse"), "%s", err.message);
        }
        spira_run_state_done(&state);
    }
}

Test(redis_faults, where_nobody_listens_the_address_is_named)
{
    char nobody[32], address[96], url[96], path[128];
    snprintf(nobody, sizeof nobody, "127.0.0.1:%d", own_redis_free_port());
    snprintf(url, sizeof url, "redis://:secret@%s/3", nobody);
    snprintf(address, sizeof address, "redis://%s/3: Connection refused", nobody);
    struct spira_run_state state = open_state(url, "p:");
    expect_failure(spira_state_probe(state, &err), SPIRA_EUNREACHABLE, address);
    bool applied = false;
    expect_failure(try_event(state, 0, &applied, &err), SPIRA_EUNREACHABLE, address);
    spira_run_state_done(&state);
    snprintf(path, sizeof path, "unix:%s/none", server.folder);
    state = open_state(path, "p:");
    expect_failure(spira_state_probe(state, &err), SPIRA_EUNREACHABLE, path);
    spira_run_state_done(&state);
}

Test(redis_faults, a_child_of_this_process_gets_no_connection)
{
    enum { DESCRIPTORS = 64 };
    bool open_before[DESCRIPTORS];
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        open_before[fd] = fcntl(fd, F_GETFD) >= 0;
    struct spira_run_state state = open_state(server.url, "p:");
    cr_assert(apply_event(state, 0));
    int found = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !open_before[fd] && ++found)
            cr_assert(flags & FD_CLOEXEC);
    }
    cr_assert_eq(found, 1);
    spira_run_state_done(&state);
}

/* Errors that come out of a script are not bugs when the server only cannot do it now. */
Test(redis_faults, a_server_that_may_not_write_is_tried_again)
{
    struct spira_run_state state = open_state(server.url, "p:");
    bool applied = false;
    own_redis_command(&server, "CONFIG", "SET", "maxmemory", "1");
    expect_failure(try_event(state, 0, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    own_redis_command(&server, "CONFIG", "SET", "maxmemory", "0");
    own_redis_command(&server, "REPLICAOF", "127.0.0.1", "1");
    expect_failure(try_event(state, 0, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    own_redis_command(&server, "REPLICAOF", "NO", "ONE");
    own_redis_command(&server, "ACL", "SETUSER", "default", "-evalsha", "-eval");
    expect_failure(try_event(state, 0, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    own_redis_command(&server, "ACL", "SETUSER", "default", "+evalsha", "+eval");
    cr_assert_eq(applied_offset(state), 0);
    cr_assert(apply_event(state, 0));
    cr_assert_eq(count_of(state, "events"), 1);
    spira_run_state_done(&state);
}

Test(redis_faults, a_server_busy_with_a_script_is_tried_again)
{
    struct spira_run_state state = open_state(server.url, "p:");
    cr_assert(apply_event(state, 0));
    own_redis_command(&server, "CONFIG", "SET", "busy-reply-threshold", "50");
    redisContext *other = redisConnectUnix(server.socket);
    int done = 0;
    redisAppendCommand(other, "EVAL %s 0", "while true do end");
    while (!done)
        cr_assert_eq(redisBufferWrite(other, &done), REDIS_OK);
    usleep(200000);
    bool applied = false;
    expect_failure(try_event(state, 1, &applied, &err), SPIRA_EUNREACHABLE, server.url);
    own_redis_command(&server, "SCRIPT", "KILL");
    enum spira_code code = SPIRA_EUNREACHABLE;
    for (int tries = 0; tries < 100 && code == SPIRA_EUNREACHABLE; tries++) {
        struct spira_error err;
        usleep(20000); /* the answer to KILL comes before the script's end */
        code = try_event(state, 1, &applied, &err);
    }
    cr_assert(code == SPIRA_OK && applied);
    cr_assert_eq(count_of(state, "events"), 2);
    redisFree(other);
    spira_run_state_done(&state);
}

/* A server that answers the first command of a connection with OK and each later one with the
 * script's text, in pieces of a byte each interval_us when that is not 0. */
struct fake {
    const char *reply;
    useconds_t interval_us;
    int listener;
    char url[128];
    pthread_t thread;
};

static void answer(const struct fake *fake, int fd)
{
    static const char ok[] = "+OK\r\n";
    char request[1024];
    for (int n = 0; recv(fd, request, sizeof request, 0) > 0; n++) {
        const char *reply = n == 0 ? ok : fake->reply;
        size_t piece = n > 0 && fake->interval_us ? 1 : strlen(reply);
        for (size_t at = 0; at < strlen(reply); at += piece) {
            if (send(fd, reply + at, piece, MSG_NOSIGNAL) < 0)
                return;
            usleep(fake->interval_us);
        }
    }
}

static void *serve(void *context)
{
    const struct fake *fake = context;
    for (;;) {
        int fd = accept(fake->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer(fake, fd);
        close(fd);
    }
}

static void fake_start(struct fake *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/fake", server.folder);
    snprintf(fake->url, sizeof fake->url, "unix:%s", address.sun_path);
    unlink(address.sun_path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fake->listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fake->listener, 8), 0);
    cr_assert_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

static void fake_end(struct fake *fake)
{
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
}

Test(redis_faults, what_a_server_answers_decides_what_is_done_about_it)
{
    static const struct {
        const char *reply;
        enum spira_code code;
    } cases[] = {{"-LOADING Redis is loading the dataset in memory\r\n", SPIRA_EUNREACHABLE},
                 {"-BUSY Redis is busy running a script.\r\n", SPIRA_EUNREACHABLE},
                 {"-MISCONF Redis cannot persist to disk\r\n", SPIRA_EUNREACHABLE},
                 {"-MASTERDOWN Link with MASTER is down\r\n", SPIRA_EUNREACHABLE},
                 {"-ERROR\r\n", SPIRA_EUNREACHABLE},
                 {"-NOSCRIPT No matching script.\r\n", SPIRA_EUNREACHABLE},
                 {"-ERR unknown command\r\n", SPIRA_EBUG},
                 {"-ERR\r\n", SPIRA_EBUG},
                 {"-WRONGTYPE Operation against a key\r\n", SPIRA_EBUG},
                 {"$3\r\nabc\r\n", SPIRA_EBUG},
                 {":1\r\n", SPIRA_EBUG},
                 {"*0\r\n", SPIRA_EBUG},
                 {"HTTP/1.1 400 Bad Request\r\n", SPIRA_EUNREACHABLE},
                 {"$-7\r\n", SPIRA_EUNREACHABLE},
                 {"$2\r\n12\r\n", SPIRA_OK},
                 {"$-1\r\n", SPIRA_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake fake = {.reply = cases[i].reply};
        fake_start(&fake);
        struct spira_run_state state = open_state(fake.url, "p:");
        int64_t count = 0;
        struct spira_error err = {0};
        enum spira_code code = spira_state_counter(state, "c", &count, &err);
        cr_expect_eq(code, cases[i].code, "%s: %s %s", cases[i].reply, spira_code_name(code),
                     err.message);
        spira_run_state_done(&state);
        fake_end(&fake);
    }
}

Test(redis_faults, a_reply_that_comes_in_drops_does_not_hold_a_caller)
{
    struct fake fake = {.reply = "$60\r\n123456789012345678901234567890123456789012345678901234567"
                                 "890\r\n",
                        .interval_us = 100000};
    fake_start(&fake);
    struct spira_run_state state = open_state(fake.url, "p:");
    int64_t count = 0;
    double begin = seconds();
    expect_failure(spira_state_counter(state, "c", &count, &err), SPIRA_EUNREACHABLE, fake.url);
    cr_assert_lt(seconds() - begin, 3.5);
    spira_run_state_done(&state);
    fake_end(&fake);
}

Test(redis_faults, a_reply_nobody_waits_for_ends_the_connection)
{
    struct fake fake = {.reply = "$1\r\n5\r\n$1\r\n6\r\n"};
    fake_start(&fake);
    struct spira_run_state state = open_state(fake.url, "p:");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(count_of(state, "c"), 5, "the 6 is of no command");
    spira_run_state_done(&state);
    fake_end(&fake);
}
