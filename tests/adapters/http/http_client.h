/* A client over a bare socket: it can be as wrong and as slow as a test wants. */
#ifndef SPIRA_TESTS_ADAPTERS_HTTP_HTTP_CLIENT_H
#define SPIRA_TESTS_ADAPTERS_HTTP_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/memory.h"

/* A connection to the port; reading gives up after 20 seconds. */
static inline int http_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whether all of text could be sent. */
static inline bool http_send(int fd, const char *text)
{
    size_t size = strlen(text);
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* All that comes until the server hangs up, which it must; freed by the caller. */
static inline char *http_receive(int fd)
{
    size_t used = 0, room = 1 << 16;
    char *text = spira_alloc(room + 1, 1);
    for (ssize_t count; (count = recv(fd, text + used, room - used, 0)) != 0;) {
        if (count < 0) {
            cr_assert_eq(errno, ECONNRESET, "the server neither answers nor hangs up");
            break;
        }
        used += (size_t)count;
        if (used == room)
            text = spira_realloc(text, (room *= 2) + 1, 1);
    }
    text[used] = '\0';
    return text;
}

/* Sends a request and gives the answer, freed by the caller. */
static inline char *http_exchange(uint16_t port, const char *request)
{
    SPIRA_CLEANUP(spira_close_at)
    int fd = http_connect(port);
    cr_assert(http_send(fd, request));
    return http_receive(fd);
}

/* The same for GET path. */
static inline char *http_get(uint16_t port, const char *path)
{
    SPIRA_CLEANUP(spira_free_at)
    char *request = spira_format("GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    return http_exchange(port, request);
}

/* 200, 404; 0 when the answer is none. */
static inline int http_status(const char *answer)
{
    int status = 0;
    return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

/* What follows the headers. */
static inline const char *http_body(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    cr_assert(end, "no end of headers: %s", answer);
    return end + 4;
}

#endif
