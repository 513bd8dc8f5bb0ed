/* A redis-server of a test's own, in a folder of its own, on a Unix socket and, where a test asks
 * for it, on a free port. It ends with the test's process, however that ends. */
#ifndef SPIRA_TESTS_ADAPTERS_REDIS_OWN_REDIS_H
#define SPIRA_TESTS_ADAPTERS_REDIS_OWN_REDIS_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/redis/run_state_redis.h"
#include "core/base/file.h"

struct own_redis {
    char folder[64];
    char socket[96];
    char url[128];
    int port;             /* 0: the socket only */
    const char *password; /* NULL: none */
    pid_t pid;            /* 0: not running */
};

/* A port nobody listens on. */
static inline int own_redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* A command of the test's own; the answer's text is shown when it is an error. */
static inline void own_redis_do(const struct own_redis *server, size_t count, const char **texts)
{
    redisContext *context = redisConnectUnix(server->socket);
    cr_assert(context && !context->err);
    redisReply *reply = redisCommandArgv(context, (int)count, texts, NULL);
    cr_assert(reply && reply->type != REDIS_REPLY_ERROR, "%s: %s", texts[0],
              reply ? reply->str : context->errstr);
    freeReplyObject(reply);
    redisFree(context);
}

#define own_redis_command(server, ...)                                                             \
    own_redis_do(server, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *),             \
                 (const char *[]){__VA_ARGS__})

/* Whether it takes commands, or at least asks for the password. */
static inline bool own_redis_ready(const struct own_redis *server)
{
    redisContext *context = redisConnectUnix(server->socket);
    redisReply *reply = context && !context->err ? redisCommand(context, "PING") : NULL;
    bool ready =
        reply && (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "NOAUTH", 6) == 0);
    if (reply)
        freeReplyObject(reply);
    if (context)
        redisFree(context);
    return ready;
}

/* Starts the server on what its folder holds, and waits for it. */
static inline void own_redis_run(struct own_redis *server)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    server->pid = fork();
    cr_assert_geq(server->pid, 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", port, "--unixsocket", server->socket,
               "--dir", server->folder, "--logfile", "redis.log", "--save", "", "--appendonly",
               "yes", "--appendfsync", "always", "--bind", "127.0.0.1", "--requirepass",
               server->password ? server->password : "", (char *)NULL);
        _exit(127);
    }
    for (int tries = 0; !own_redis_ready(server); tries++) {
        cr_assert_lt(tries, 500, "redis-server in %s does not come up", server->folder);
        cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "redis-server ended");
        usleep(20000);
    }
}

static inline void own_redis_kill(struct own_redis *server)
{
    if (server->pid) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

/* A new one. Where redis-server is not installed the test is skipped, and ctest says so. */
static inline struct own_redis own_redis_start(void)
{
    if (system("command -v redis-server >/dev/null") != 0) {
        fputs("redis-server is not installed\n", stderr);
        cr_skip("redis-server is not installed");
    }
    struct own_redis server = {.folder = "/tmp/spira-test-redis-XXXXXX"};
    cr_assert(mkdtemp(server.folder));
    snprintf(server.socket, sizeof server.socket, "%s/socket", server.folder);
    snprintf(server.url, sizeof server.url, "unix:%s", server.socket);
    own_redis_run(&server);
    return server;
}

static inline void own_redis_end(struct own_redis *server)
{
    struct spira_error err;
    own_redis_kill(server);
    cr_assert_eq(spira_tree_remove(server->folder, &err), SPIRA_OK);
}

#endif
