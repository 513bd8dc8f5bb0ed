/* The http_server port over libmicrohttpd. */
#ifndef SPIRA_ADAPTERS_HTTP_HTTP_SERVER_MICROHTTPD_H
#define SPIRA_ADAPTERS_HTTP_HTTP_SERVER_MICROHTTPD_H

#include "core/ports/http_server.h"

/* Listens on address (NULL: "127.0.0.1") and port (0: any free one) and answers GET and HEAD with
 * what handler gives, in a thread of its own, until it is ended. Keeps context. Anything else is
 * 405, a path without an answer 404, headers beyond 8 KiB 431. A connection serves one request and
 * has 5 seconds for it; of more than 64 at once the others wait. SPIRA_EINVALID: no such address.
 * SPIRA_EIO: it cannot listen there; the message names address and port. */
SPIRA_MUST_USE enum spira_code spira_http_server_microhttpd(const char *address, uint16_t port,
                                                            spira_http_handler *handler,
                                                            void *context,
                                                            struct spira_http_server *ret_server,
                                                            struct spira_error *err);

#endif
