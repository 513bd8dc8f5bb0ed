/* Where a Redis is: the parts of its URL,
 *     redis://[[user]:password@]host[:port][/database]    port 6379 and database 0 unless told
 *     unix:/path/of/its/socket
 * A host is a name, an IPv4 address or an IPv6 address in brackets. User and password may be
 * percent-encoded (RFC 3986); a '%' that is meant is written %25. */
#ifndef SPIRA_ADAPTERS_REDIS_REDIS_URL_H
#define SPIRA_ADAPTERS_REDIS_REDIS_URL_H

#include "core/base/memory.h"

struct redis_address {
    char *host; /* NULL for a socket */
    int port;
    char *path; /* of the socket, else NULL */
    int database;
    char *user;     /* NULL: the server's default user */
    char *password; /* NULL: there is none */
    char *name;     /* the URL without user and password, for messages */
};

/* Gives the address, to be freed with spira_redis_url_done. SPIRA_EINVALID names the part that is
 * wrong and its value, and never the password. */
SPIRA_MUST_USE enum spira_code
spira_redis_url_parse(const char *url, struct redis_address *ret_address, struct spira_error *err);
/* A zeroed address is fine. */
void spira_redis_url_done(struct redis_address *address);

#endif
