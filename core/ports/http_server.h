/* Port: answers over HTTP, for people and monitors to look at. Adapter: adapters/http. */
#ifndef SPIRA_CORE_PORTS_HTTP_SERVER_H
#define SPIRA_CORE_PORTS_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/memory.h"

/* What a path shows. */
struct spira_http_answer {
    int status;               /* 200, 503 */
    const char *content_type; /* static text */
    char *body;               /* from malloc; the server frees it */
};

/* Fills answer with what path ("/metrics", without the query) shows; false: there is no such path,
 * and answer is as it was. Runs in the server's thread, one call at a time, and holds up every
 * other client meanwhile. */
typedef bool spira_http_handler(void *context, const char *path, struct spira_http_answer *answer);

struct spira_http_server_ops {
    /* The TCP port it listens on: what "any" turned out to be. */
    uint16_t (*port)(void *self);
    /* Ends every connection; the handler is not called any more. */
    void (*close)(void *self);
};

struct spira_http_server {
    const struct spira_http_server_ops *ops;
    void *self;
};

static inline uint16_t spira_http_server_port(struct spira_http_server server)
{
    return server.ops->port(server.self);
}

/* For SPIRA_CLEANUP; a zeroed server is fine. */
static inline void spira_http_server_done(struct spira_http_server *server)
{
    if (server->ops)
        server->ops->close(server->self);
    server->ops = NULL;
}

#endif
