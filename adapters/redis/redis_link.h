/* A connection to one Redis that is made when it is needed and given up at the first trouble.
 *
 * hiredis brings the connection up, writes commands and reads replies; sending and receiving are
 * done here, because hiredis bounds neither the time nor the bytes of a whole reply, and dies of
 * SIGPIPE. After a failure of any kind the connection is closed, so that no late reply can be taken
 * for that of a later command; the next call makes a new one. A call takes at most 1 s to connect
 * (for each address that the host's name has) and 2 s after that.
 *
 * Calls give SPIRA_EUNREACHABLE where Redis is not there, does not answer, refuses the password or
 * cannot do it now (LOADING, BUSY, READONLY, OOM, ...); SPIRA_EBUG where the command or what it
 * found is wrong (WRONGTYPE, ERR); SPIRA_ETOOBIG for a reply above the limit. Messages begin with
 * the address. Safe for any number of threads, which take turns. */
#ifndef SPIRA_ADAPTERS_REDIS_REDIS_LINK_H
#define SPIRA_ADAPTERS_REDIS_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "adapters/redis/redis_url.h"

enum { SPIRA_REDIS_CONNECT_MS = 1000, SPIRA_REDIS_COMMAND_MS = 2000 };
/* Of one reply; a run with a hundred thousand members gives some 10 MiB. */
#define SPIRA_REDIS_REPLY_MAX ((size_t)64 << 20)

/* The texts of a command. */
struct redis_args {
    char **items;
    size_t count;
};

/* Adds text at the end; takes it. */
void spira_redis_args_add(struct redis_args *args, char *text);
/* A zeroed list is fine. */
void spira_redis_args_done(struct redis_args *args);

/* A program for the server. One script belongs to one link. */
struct redis_script {
    const char *text;
    char sha1[41]; /* "" until a server told it */
};

struct redis_link;

/* Takes address; connects to nothing yet. End it with spira_redis_link_free. */
struct redis_link *spira_redis_link_new(const struct redis_address *address);
void spira_redis_link_free(struct redis_link *link);

/* For messages; borrowed from the link. */
const char *spira_redis_link_name(const struct redis_link *link);

/* Gives the reply of a command, which is no error reply. Free it with freeReplyObject. */
SPIRA_MUST_USE enum spira_code spira_redis_call(struct redis_link *link, size_t count,
                                                const char *const *texts, redisReply **ret_reply,
                                                struct spira_error *err);
/* The same for a script, run by its digest where the server knows it: in one step, with nobody in
 * between. The first key_count of args are its KEYS, the others its ARGV. */
SPIRA_MUST_USE enum spira_code spira_redis_run_script(struct redis_link *link,
                                                      struct redis_script *script, size_t key_count,
                                                      const struct redis_args *args,
                                                      redisReply **ret_reply,
                                                      struct spira_error *err);

/* For SPIRA_CLEANUP. */
void spira_redis_reply_done(redisReply **reply);

#endif
