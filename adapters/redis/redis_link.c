#include "adapters/redis/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

struct redis_link {
    pthread_mutex_t lock; /* guards what follows, and the link's scripts */
    struct redis_address address;
    redisContext *context; /* NULL: not connected */
    int64_t deadline_ms;   /* of the call under way, by the monotonic clock */
    int64_t failed_ms;     /* when a connection was last tried in vain, and why */
    struct spira_error failure;
};

void spira_redis_args_add(struct redis_args *args, char *text)
{
    if ((args->count & (args->count - 1)) == 0) /* full: capacities are powers of two */
        args->items =
            spira_realloc(args->items, args->count ? 2 * args->count : 1, sizeof *args->items);
    args->items[args->count++] = text;
}

void spira_redis_args_done(struct redis_args *args)
{
    for (size_t i = 0; i < args->count; i++)
        free(args->items[i]);
    free(args->items);
    *args = (struct redis_args){0};
}

struct redis_link *spira_redis_link_new(const struct redis_address *address)
{
    struct redis_link *link = spira_alloc(1, sizeof *link);
    link->address = *address;
    pthread_mutex_init(&link->lock, NULL);
    return link;
}

static void disconnect(struct redis_link *link)
{
    if (link->context)
        redisFree(link->context);
    link->context = NULL;
}

void spira_redis_link_free(struct redis_link *link)
{
    disconnect(link);
    spira_redis_url_done(&link->address);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

const char *spira_redis_link_name(const struct redis_link *link)
{
    return link->address.name;
}

void spira_redis_reply_done(redisReply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
    *reply = NULL;
}

static enum spira_code unreachable(const struct redis_link *link, const char *why,
                                   struct spira_error *err)
{
    return spira_fail(err, SPIRA_EUNREACHABLE, "%s: %s", link->address.name, why);
}

static enum spira_code unreachable_errno(const struct redis_link *link, struct spira_error *err)
{
    char text[128];
    return unreachable(link, strerror_r(errno, text, sizeof text), err);
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the socket has one of events, at most until the call's deadline. */
static enum spira_code wait_for(const struct redis_link *link, short events,
                                struct spira_error *err)
{
    struct pollfd socket = {.fd = link->context->fd, .events = events};
    for (;;) {
        int64_t left_ms = link->deadline_ms - monotonic_ms();
        int ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0)
            return SPIRA_OK;
        if (ready == 0)
            return spira_fail(err, SPIRA_EUNREACHABLE, "%s: no answer in %d ms", link->address.name,
                              SPIRA_REDIS_COMMAND_MS);
        if (errno != EINTR)
            return unreachable_errno(link, err);
    }
}

static enum spira_code send_all(const struct redis_link *link, const char *bytes, size_t size,
                                struct spira_error *err)
{
    for (size_t sent = 0; sent < size;) {
        enum spira_code code = wait_for(link, POLLOUT, err);
        if (code != SPIRA_OK)
            return code;
        ssize_t now =
            send(link->context->fd, bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now >= 0)
            sent += (size_t)now;
        else if (errno != EAGAIN && errno != EINTR)
            return unreachable_errno(link, err);
    }
    return SPIRA_OK;
}

/* Feeds the reader with what has come; adds its size to received. */
static enum spira_code receive_some(const struct redis_link *link, size_t *received,
                                    struct spira_error *err)
{
    char bytes[16384];
    enum spira_code code = wait_for(link, POLLIN, err);
    if (code != SPIRA_OK)
        return code;
    ssize_t now = recv(link->context->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (now == 0)
        return unreachable(link, "the connection was closed", err);
    if (now < 0)
        return errno == EAGAIN || errno == EINTR ? SPIRA_OK : unreachable_errno(link, err);
    *received += (size_t)now;
    if (*received > SPIRA_REDIS_REPLY_MAX)
        return spira_fail(err, SPIRA_ETOOBIG, "%s: a reply of more than %zu bytes",
                          link->address.name, SPIRA_REDIS_REPLY_MAX);
    if (redisReaderFeed(link->context->reader, bytes, (size_t)now) != REDIS_OK)
        return unreachable(link, link->context->reader->errstr, err);
    return SPIRA_OK;
}

static enum spira_code receive(const struct redis_link *link, redisReply **ret_reply,
                               struct spira_error *err)
{
    size_t received = 0;
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(link->context->reader, &reply) != REDIS_OK)
            return unreachable(link, link->context->reader->errstr, err);
        if (reply) {
            *ret_reply = reply;
            return SPIRA_OK;
        }
        enum spira_code code = receive_some(link, &received, err);
        if (code != SPIRA_OK)
            return code;
    }
}

/* Sends one command over the connection and gives its reply, an error reply too. */
static enum spira_code exchange(struct redis_link *link, size_t count, const char *const *texts,
                                redisReply **ret_reply, struct spira_error *err)
{
    sds command = NULL;
    /* hiredis wants the texts without const, and only reads them. */
    int size =
        redisFormatSdsCommandArgv(&command, (int)count, (const char **)(uintptr_t)texts, NULL);
    if (size < 0)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for a command of %zu texts",
                          link->address.name, count);
    enum spira_code code = send_all(link, command, (size_t)size, err);
    redisFreeSdsCommand(command);
    return code == SPIRA_OK ? receive(link, ret_reply, err) : code;
}

static bool is_error(const redisReply *reply, const char *kind)
{
    size_t size = strlen(kind);
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, kind, size) == 0 &&
           (reply->str[size] == ' ' || reply->str[size] == '\0');
}

/* The code of a reply to a command of ours. */
static enum spira_code check_reply(const struct redis_link *link, const redisReply *reply,
                                   struct spira_error *err)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return SPIRA_OK;
    if (is_error(reply, "ERR") || is_error(reply, "WRONGTYPE"))
        return spira_fail(err, SPIRA_EBUG, "%s: %s", link->address.name, reply->str);
    return unreachable(link, reply->str, err);
}

static enum spira_code authenticate(struct redis_link *link, struct spira_error *err)
{
    const struct redis_address *address = &link->address;
    const char *texts[3] = {"AUTH", address->user, address->password};
    if (!address->user)
        texts[1] = address->password;
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = exchange(link, address->user ? 3 : 2, texts, &reply, err);
    if (code != SPIRA_OK || reply->type != REDIS_REPLY_ERROR)
        return code;
    /* Only the kind of the error: what follows may repeat the command with its password. */
    return spira_fail(err, SPIRA_EUNREACHABLE, "%s: the password was refused: %.*s", address->name,
                      (int)strcspn(reply->str, " "), reply->str);
}

/* Each connection begins with a command, so that a server that turns clients away is found out
 * here, whatever it says. */
static enum spira_code select_database(struct redis_link *link, struct spira_error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", link->address.database);
    const char *texts[] = {"SELECT", number};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = exchange(link, 2, texts, &reply, err);
    if (code == SPIRA_OK && reply->type == REDIS_REPLY_ERROR)
        return unreachable(link, reply->str, err);
    return code;
}

static enum spira_code connect_to(struct redis_link *link, struct spira_error *err)
{
    const struct redis_address *address = &link->address;
    struct timeval timeout = {.tv_sec = SPIRA_REDIS_CONNECT_MS / 1000,
                              .tv_usec = SPIRA_REDIS_CONNECT_MS % 1000 * 1000};
    link->context = address->path ? redisConnectUnixWithTimeout(address->path, timeout)
                                  : redisConnectWithTimeout(address->host, address->port, timeout);
    if (!link->context)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for a connection", address->name);
    if (link->context->err)
        return unreachable(link, link->context->errstr, err);
    /* A child of this process has no business with Redis. */
    if (fcntl(link->context->fd, F_SETFD, FD_CLOEXEC) != 0)
        return unreachable_errno(link, err);
    link->deadline_ms = monotonic_ms() + SPIRA_REDIS_COMMAND_MS;
    enum spira_code code = address->password ? authenticate(link, err) : SPIRA_OK;
    return code == SPIRA_OK ? select_database(link, err) : code;
}

/* Before a command nothing may be there to read: it would be the end of the connection, or a reply
 * nobody waits for. */
static bool in_step(const struct redis_link *link)
{
    struct pollfd socket = {.fd = link->context->fd, .events = POLLIN};
    return link->context->reader->pos == link->context->reader->len && poll(&socket, 1, 0) == 0;
}

/* Begins a call: locks the link, and connects it where it is not. Who waited while another thread
 * tried that in vain does not try again at once: their times would add up. */
static enum spira_code begin(struct redis_link *link, struct spira_error *err)
{
    const int64_t called_ms = monotonic_ms();
    pthread_mutex_lock(&link->lock);
    if (link->context && !in_step(link))
        disconnect(link);
    if (!link->context && link->failed_ms > called_ms) {
        *err = link->failure;
        return err->code = SPIRA_EUNREACHABLE;
    }
    if (!link->context) {
        enum spira_code code = connect_to(link, err);
        if (code != SPIRA_OK) {
            link->failure = *err;
            link->failed_ms = monotonic_ms();
        }
        return code;
    }
    link->deadline_ms = monotonic_ms() + SPIRA_REDIS_COMMAND_MS;
    return SPIRA_OK;
}

/* Ends a call that came to code: gives its reply, or gives the connection up. */
static enum spira_code finish(struct redis_link *link, enum spira_code code, redisReply **reply,
                              redisReply **ret_reply, struct spira_error *err)
{
    if (code == SPIRA_OK)
        code = check_reply(link, *reply, err);
    if (code == SPIRA_OK) {
        *ret_reply = *reply;
        *reply = NULL;
    } else {
        disconnect(link);
    }
    pthread_mutex_unlock(&link->lock);
    return code;
}

enum spira_code spira_redis_call(struct redis_link *link, size_t count, const char *const *texts,
                                 redisReply **ret_reply, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = begin(link, err);
    if (code == SPIRA_OK)
        code = exchange(link, count, texts, &reply, err);
    return finish(link, code, &reply, ret_reply, err);
}

/* Asks the server for the script's digest. */
static enum spira_code load(struct redis_link *link, struct redis_script *script,
                            struct spira_error *err)
{
    const char *texts[] = {"SCRIPT", "LOAD", script->text};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = exchange(link, 3, texts, &reply, err);
    if (code == SPIRA_OK)
        code = check_reply(link, reply, err);
    if (code != SPIRA_OK)
        return code;
    if (reply->type != REDIS_REPLY_STRING || reply->len != sizeof script->sha1 - 1)
        return spira_fail(err, SPIRA_EBUG, "%s: SCRIPT LOAD gave no digest", link->address.name);
    memcpy(script->sha1, reply->str, sizeof script->sha1);
    return SPIRA_OK;
}

/* A server that was started anew does not know the script; EVAL brings it along. */
static enum spira_code evaluate(struct redis_link *link, const struct redis_script *script,
                                const char **texts, size_t count, redisReply **ret_reply,
                                struct spira_error *err)
{
    texts[0] = "EVALSHA";
    texts[1] = script->sha1;
    enum spira_code code = exchange(link, count, texts, ret_reply, err);
    if (code != SPIRA_OK || !is_error(*ret_reply, "NOSCRIPT"))
        return code;
    spira_redis_reply_done(ret_reply);
    texts[0] = "EVAL";
    texts[1] = script->text;
    return exchange(link, count, texts, ret_reply, err);
}

enum spira_code spira_redis_run_script(struct redis_link *link, struct redis_script *script,
                                       size_t key_count, const struct redis_args *args,
                                       redisReply **ret_reply, struct spira_error *err)
{
    char keys[24];
    snprintf(keys, sizeof keys, "%zu", key_count);
    SPIRA_CLEANUP(spira_free_at)
    const char **texts = spira_alloc(3 + args->count, sizeof *texts);
    texts[2] = keys;
    for (size_t i = 0; i < args->count; i++)
        texts[3 + i] = args->items[i];
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = begin(link, err);
    if (code == SPIRA_OK && !script->sha1[0])
        code = load(link, script, err);
    if (code == SPIRA_OK)
        code = evaluate(link, script, texts, 3 + args->count, &reply, err);
    return finish(link, code, &reply, ret_reply, err);
}
