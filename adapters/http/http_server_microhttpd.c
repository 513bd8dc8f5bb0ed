#include "adapters/http/http_server_microhttpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "core/base/thread.h"

enum {
    CONNECTIONS_MAX = 64,
    HEADERS_MAX = 8 * 1024,
    CONNECTION_MEMORY = 2 * HEADERS_MAX, /* the request's headers and the answer's */
    DEADLINE_MS = 5000,
    WAIT_MS = 250 /* how late a deadline or the end may be noticed */
};

/* libmicrohttpd's own timeout begins anew with every byte, so that a client who dribbles would keep
 * its place for hours: deadlines are ours. */
struct connection {
    struct connection *older, *newer;
    int socket;
    int64_t began_ms;
};

/* The list belongs to the server's thread. */
struct server {
    spira_http_handler *handler;
    void *context;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    atomic_bool stopping;
    struct connection *oldest, *newest;
    uint16_t port;
};

static int64_t monotonic_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void began(struct server *server, struct MHD_Connection *mhd, void **ret_connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *connection = spira_alloc(1, sizeof *connection);
    *connection = (struct connection){
        .older = server->newest, .socket = info->connect_fd, .began_ms = monotonic_ms()};
    *(server->newest ? &server->newest->newer : &server->oldest) = connection;
    server->newest = connection;
    *ret_connection = connection;
}

static void ended(struct server *server, struct connection *connection)
{
    *(connection->older ? &connection->older->newer : &server->oldest) = connection->newer;
    *(connection->newer ? &connection->newer->older : &server->newest) = connection->older;
    free(connection);
}

static void notice(void *self, struct MHD_Connection *mhd, void **connection,
                   enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        began(self, mhd, connection);
    else
        ended(self, *connection);
}

/* libmicrohttpd finds these closed and clears them away. */
static void close_overdue(struct server *server)
{
    int64_t limit = monotonic_ms() - DEADLINE_MS;
    for (struct connection *c = server->oldest; c && c->began_ms <= limit; c = c->newer)
        shutdown(c->socket, SHUT_RDWR);
}

static void *serve(void *self)
{
    struct server *server = self;
    while (!atomic_load(&server->stopping)) {
        if (MHD_run_wait(server->daemon, WAIT_MS) != MHD_YES)
            nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
        close_overdue(server);
    }
    return NULL;
}

static struct spira_http_answer plain(int status, const char *text)
{
    return (struct spira_http_answer){.status = status,
                                      .content_type = "text/plain; charset=utf-8",
                                      .body = spira_copy_text(text)};
}

static struct spira_http_answer answer_to(const struct server *server, struct MHD_Connection *mhd,
                                          const char *method, const char *path)
{
    if (MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size >
        HEADERS_MAX)
        return plain(MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are above 8 KiB\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return plain(MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    struct spira_http_answer answer;
    if (server->handler(server->context, path, &answer))
        return answer;
    return plain(MHD_HTTP_NOT_FOUND, "no such path\n");
}

/* Called when the headers are there; a body, if one comes, is not waited for. */
static enum MHD_Result answer_request(void *self, struct MHD_Connection *mhd, const char *path,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_size, void **request)
{
    (void)version, (void)upload, (void)upload_size, (void)request;
    struct spira_http_answer answer = answer_to(self, mhd, method, path);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer.body), answer.body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(answer.body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(mhd, (unsigned)answer.status, response);
    MHD_destroy_response(response);
    return result;
}

static void free_addresses(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
}

/* Gives a socket that listens, and its port. */
static enum spira_code listen_on(const char *address, uint16_t port, int *ret_socket,
                                 uint16_t *ret_port, struct spira_error *err)
{
    SPIRA_CLEANUP(free_addresses)
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int failure = getaddrinfo(address, NULL, &hints, &found);
    if (failure)
        return spira_fail(err, SPIRA_EINVALID, "HTTP address %s: %s", address,
                          gai_strerror(failure));
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name;
    socklen_t size = found->ai_addrlen;
    memcpy(&name, found->ai_addr, size);
    bool is_v6 = name.any.sa_family == AF_INET6;
    *(is_v6 ? &name.v6.sin6_port : &name.v4.sin_port) = htons(port);
    SPIRA_CLEANUP(spira_close_at)
    int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        bind(fd, &name.any, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, &name.any, &size) < 0)
        return spira_fail_errno(err, errno, "HTTP server: cannot listen on %s%s%s:%u",
                                is_v6 ? "[" : "", address, is_v6 ? "]" : "", (unsigned)port);
    *ret_port = ntohs(is_v6 ? name.v6.sin6_port : name.v4.sin_port);
    *ret_socket = fd;
    fd = -1;
    return SPIRA_OK;
}

static uint16_t port_of(void *self)
{
    const struct server *server = self;
    return server->port;
}

static void close_server(void *self)
{
    struct server *server = self;
    atomic_store(&server->stopping, true);
    pthread_join(server->thread, NULL);
    MHD_stop_daemon(server->daemon); /* closes the sockets too, and says so to notice() */
    free(server);
}

enum spira_code spira_http_server_microhttpd(const char *address, uint16_t port,
                                             spira_http_handler *handler, void *context,
                                             struct spira_http_server *ret_server,
                                             struct spira_error *err)
{
    static const struct spira_http_server_ops ops = {.port = port_of, .close = close_server};
    SPIRA_CLEANUP(spira_close_at)
    int fd = -1;
    SPIRA_CLEANUP(spira_free_at)
    struct server *server = spira_alloc(1, sizeof *server);
    enum spira_code code =
        listen_on(address ? address : "127.0.0.1", port, &fd, &server->port, err);
    if (code != SPIRA_OK)
        return code;
    server->handler = handler;
    server->context = context;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_NOTIFY_CONNECTION, notice, server, MHD_OPTION_END);
    if (!server->daemon)
        return spira_fail(err, SPIRA_EIO, "HTTP server on port %u: libmicrohttpd does not start",
                          (unsigned)server->port);
    fd = -1; /* the daemon's now */
    code = spira_thread_start(serve, server, "HTTP server", &server->thread, err);
    if (code != SPIRA_OK) {
        MHD_stop_daemon(server->daemon);
        return code;
    }
    *ret_server = (struct spira_http_server){.ops = &ops, .self = server};
    server = NULL;
    return SPIRA_OK;
}
