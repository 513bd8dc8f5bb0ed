/* How a run is one hash of Redis. Its fields are
 *
 *     field:<name>                      the run's field name
 *     set:<bytes of name>:<name>:<member>   a member of the set name; the count makes it
 * unambiguous size:<name>                       how many members the set name has
 *
 * so that one HGETALL is one consistent view of the run. */
#ifndef SPIRA_ADAPTERS_REDIS_REDIS_RUN_H
#define SPIRA_ADAPTERS_REDIS_REDIS_RUN_H

#include <hiredis/hiredis.h>

#include "core/base/value.h"

/* Names of the hash's fields; to be freed with free(). */
char *spira_redis_run_field(const char *name);
char *spira_redis_run_member(const char *set, const char *member);
char *spira_redis_run_size(const char *set);

/* Gives {"fields": {name: value}, "sets": {name: {member: value}}}, in the order of bytes, from the
 * reply to HGETALL, whose texts it cuts up. SPIRA_EBUG names key and the field that is none of the
 * above. */
SPIRA_MUST_USE enum spira_code spira_redis_run_value(redisReply *reply, const char *key,
                                                     struct spira_value **ret_run,
                                                     struct spira_error *err);

/* Gives {name: value}, in the order of bytes, from a reply of names and values in turn. SPIRA_EBUG
 * when it is none. */
SPIRA_MUST_USE enum spira_code spira_redis_map_value(const redisReply *reply, const char *key,
                                                     struct spira_value **ret_map,
                                                     struct spira_error *err);

#endif
