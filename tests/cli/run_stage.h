/* A run in the run state in memory, as the run tracker would keep it. */
#ifndef SPIRA_TESTS_CLI_RUN_STAGE_H
#define SPIRA_TESTS_CLI_RUN_STAGE_H

#include "tests/workers/fixture.h"

/* Gives the run a field; a member of a set, with a text. */
void stage_field(const struct fixture *fixture, const char *run_id, const char *name,
                 const char *value);
void stage_member(const struct fixture *fixture, const char *run_id, const char *set,
                  const char *member, const char *value);

/* Makes a document in the store and a field of the run that refers to it. */
void stage_document(const struct fixture *fixture, const char *run_id, const char *field,
                    const char *json);

/* The run as it is when it has succeeded, with two shards. */
void stage_success(const struct fixture *fixture, const char *run_id);

#endif
