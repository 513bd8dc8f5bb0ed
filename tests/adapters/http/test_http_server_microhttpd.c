#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "adapters/http/http_server_microhttpd.h"
#include "tests/adapters/http/http_client.h"

static struct spira_http_server server;
static uint16_t port;

enum { BIG = 8 << 20 };

static bool shows(void *context, const char *path, struct spira_http_answer *answer)
{
    cr_assert_eq(context, &server);
    bool big = strcmp(path, "/big") == 0;
    if (!big && strcmp(path, "/hello") != 0)
        return false;
    answer->status = big ? 503 : 200;
    answer->content_type = "text/x-test";
    answer->body = big ? spira_alloc(BIG + 1, 1) : spira_copy_text("hello\n");
    if (big)
        memset(answer->body, 'x', BIG);
    return true;
}

static void setup(void)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_http_server_microhttpd(NULL, 0, shows, &server, &server, &err), SPIRA_OK,
                 "%s", err.message);
    port = spira_http_server_port(server);
    cr_assert_gt(port, 0);
}

static void teardown(void)
{
    spira_http_server_done(&server);
}

TestSuite(http_server_microhttpd, .init = setup, .fini = teardown);

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check_hello(void)
{
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_get(port, "/hello");
    cr_assert_eq(http_status(answer), 200, "%s", answer);
    cr_assert_str_eq(http_body(answer), "hello\n");
}

Test(http_server_microhttpd, a_path_shows_what_the_handler_gives)
{
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_get(port, "/hello?query=1");
    cr_assert_eq(http_status(answer), 200, "%s", answer);
    cr_assert(strstr(answer, "Content-Type: text/x-test\r\n"), "%s", answer);
    cr_assert(strstr(answer, "Content-Length: 6\r\n"), "%s", answer);
    cr_assert(strstr(answer, "Connection: close\r\n"), "%s", answer);
    cr_assert_str_eq(http_body(answer), "hello\n");
}

Test(http_server_microhttpd, a_large_answer_comes_whole)
{
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_get(port, "/big");
    cr_assert_eq(http_status(answer), 503);
    cr_assert_eq(strlen(http_body(answer)), BIG);
}

Test(http_server_microhttpd, head_gives_the_headers_alone)
{
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_exchange(port, "HEAD /hello HTTP/1.1\r\nHost: test\r\n\r\n");
    cr_assert_eq(http_status(answer), 200, "%s", answer);
    cr_assert(strstr(answer, "Content-Length: 6\r\n"), "%s", answer);
    cr_assert_str_eq(http_body(answer), "");
}

Test(http_server_microhttpd, a_path_nobody_knows_is_404)
{
    static const char *const paths[] = {"/", "/hello/", "/hello/../hello", "/%00hello", "/HELLO"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *answer = http_get(port, paths[i]);
        cr_assert_eq(http_status(answer), 404, "%s: %s", paths[i], answer);
    }
}

Test(http_server_microhttpd, other_methods_are_405_and_name_those_that_are_not)
{
    static const char *const requests[] = {
        "POST /hello HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody",
        "POST /hello HTTP/1.1\r\nHost: test\r\nContent-Length: 4000000000\r\n\r\n",
        "PUT /hello HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n",
        "DELETE /nowhere HTTP/1.1\r\nHost: test\r\n\r\n",
        "OPTIONS /hello HTTP/1.1\r\nHost: test\r\n\r\n",
        "BREW /hello HTTP/1.1\r\nHost: test\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *answer = http_exchange(port, requests[i]);
        cr_assert_eq(http_status(answer), 405, "%s%s", requests[i], answer);
        cr_assert(strstr(answer, "Allow: GET, HEAD\r\n"), "%s", answer);
    }
}

/* A request for /hello whose headers have size bytes in all. */
static char *request_of(size_t size)
{
    static const char start[] = "GET /hello HTTP/1.1\r\nHost: test\r\nX-Fill: ", end[] = "\r\n\r\n";
    size_t fill = size - (sizeof start - 1) - (sizeof end - 1);
    SPIRA_CLEANUP(spira_free_at)
    char *filling = spira_alloc(fill + 1, 1);
    memset(filling, 'x', fill);
    return spira_format("%s%s%s", start, filling, end);
}

Test(http_server_microhttpd, headers_above_8_kib_are_refused)
{
    static const struct {
        size_t size;
        int status;
    } cases[] = {{8000, 200}, {8192, 200}, {8193, 431}, {10000, 431}, {20000, 431}, {1000000, 431}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *request = request_of(cases[i].size);
        SPIRA_CLEANUP(spira_close_at)
        int fd = http_connect(port);
        http_send(fd, request); /* the server may hang up before it has all */
        SPIRA_CLEANUP(spira_free_at)
        char *answer = http_receive(fd);
        /* It may be cut off by the reset that unread bytes cause, when there are many. */
        cr_assert(http_status(answer) == cases[i].status ||
                      (cases[i].size > 16384 && http_status(answer) == 0),
                  "%zu bytes: %.100s", cases[i].size, answer);
    }
    check_hello();
}

Test(http_server_microhttpd, garbage_is_refused_and_harms_nobody)
{
    static const char *const requests[] = {
        "\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n", "GET /hello HTTP/1.1\r\nno colon\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        SPIRA_CLEANUP(spira_close_at)
        int fd = http_connect(port);
        http_send(fd, requests[i]);
        SPIRA_CLEANUP(spira_free_at)
        char *answer = http_receive(fd);
        cr_assert(!strstr(answer, "hello"), "%zu: %s", i, answer);
    }
    check_hello();
}

Test(http_server_microhttpd, who_asks_too_slowly_is_cut_off_and_holds_up_nobody, .timeout = 60)
{
    SPIRA_CLEANUP(spira_close_at)
    int silent = http_connect(port);
    SPIRA_CLEANUP(spira_close_at)
    int slow = http_connect(port);
    double began = seconds_now();
    const char *request =
        "GET /hello HTTP/1.1\r\nHost: as slow as can be, a letter at a time\r\n\r\n";
    for (const char *at = request; *at && seconds_now() - began < 20; at++) {
        if (!http_send(slow, (const char[]){*at, '\0'}))
            break;
        check_hello();
        usleep(250000);
    }
    double took = seconds_now() - began;
    cr_assert(took > 3.5 && took < 9, "%.1f s", took);
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_receive(silent);
    cr_assert_str_eq(answer, "");
}

Test(http_server_microhttpd, more_connections_than_the_limit_wait_and_are_served, .timeout = 60)
{
    enum { IDLE = 150 };
    int idle[IDLE];
    for (size_t i = 0; i < IDLE; i++)
        idle[i] = http_connect(port);
    double began = seconds_now();
    check_hello(); /* behind all of them: each batch of 64 lasts for the deadline */
    cr_assert_lt(seconds_now() - began, 18);
    for (size_t i = 0; i < IDLE; i++)
        close(idle[i]);
}

static void *ask_often(void *failures)
{
    for (size_t i = 0; i < 50; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *answer = http_get(port, "/hello");
        if (http_status(answer) != 200)
            ++*(int *)failures;
    }
    return NULL;
}

Test(http_server_microhttpd, many_clients_at_once_are_all_answered)
{
    enum { CLIENTS = 20 };
    pthread_t clients[CLIENTS];
    int failures[CLIENTS] = {0};
    for (size_t i = 0; i < CLIENTS; i++)
        cr_assert_eq(pthread_create(&clients[i], NULL, ask_often, &failures[i]), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i], NULL);
        cr_assert_eq(failures[i], 0);
    }
}

/* SIGPIPE keeps its default here: it would end the test. */
Test(http_server_microhttpd, a_client_that_hangs_up_in_mid_answer_ends_nothing)
{
    for (size_t i = 0; i < 10; i++) {
        SPIRA_CLEANUP(spira_close_at)
        int fd = http_connect(port);
        cr_assert(http_send(fd, "GET /big HTTP/1.1\r\nHost: test\r\n\r\n"));
        char first;
        cr_assert_eq(recv(fd, &first, 1, 0), 1);
    }
    check_hello();
}

Test(http_server_microhttpd, a_port_in_use_is_named)
{
    struct spira_http_server second = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_http_server_microhttpd("127.0.0.1", port, shows, &server, &second, &err),
                 SPIRA_EIO);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_format("HTTP server: cannot listen on 127.0.0.1:%u: Address already in "
                                  "use",
                                  (unsigned)port);
    cr_assert_str_eq(err.message, expected);
    cr_assert_null(second.ops);
}

Test(http_server_microhttpd, an_address_that_is_none_is_named)
{
    struct spira_http_server second = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_http_server_microhttpd("no address", 0, shows, &server, &second, &err),
                 SPIRA_EINVALID);
    cr_assert(strstr(err.message, "HTTP address no address: "), "%s", err.message);
    cr_assert_eq(spira_http_server_microhttpd("192.0.2.1", 0, shows, &server, &second, &err),
                 SPIRA_EIO);
    cr_assert(strstr(err.message, "192.0.2.1:0"), "%s", err.message);
}

Test(http_server_microhttpd, it_listens_where_it_is_told)
{
    struct spira_http_server second = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_http_server_microhttpd("0.0.0.0", 0, shows, &server, &second, &err),
                 SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_get(spira_http_server_port(second), "/hello");
    cr_assert_eq(http_status(answer), 200);
    spira_http_server_done(&second);
}

Test(http_server_microhttpd, the_end_waits_for_no_client_and_frees_the_port)
{
    SPIRA_CLEANUP(spira_close_at)
    int idle = http_connect(port);
    check_hello(); /* so that the idle one has been taken in */
    double began = seconds_now();
    spira_http_server_done(&server);
    cr_assert_lt(seconds_now() - began, 2);
    SPIRA_CLEANUP(spira_free_at)
    char *answer = http_receive(idle);
    cr_assert_str_eq(answer, "");
    struct spira_error err = {0};
    cr_assert_eq(spira_http_server_microhttpd(NULL, port, shows, &server, &server, &err), SPIRA_OK,
                 "%s", err.message);
    check_hello();
}
