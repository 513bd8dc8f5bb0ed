/* A worker over memory adapters, for the tests of the steps: one partition a topic. */
#ifndef SPIRA_TESTS_WORKERS_FIXTURE_H
#define SPIRA_TESTS_WORKERS_FIXTURE_H

#include "adapters/memory/clock_memory.h"
#include "workers/common/step/step_runner.h"

#define RUN_ID "01890a5d-ac96-774b-bcce-b302099a8057"

struct fixture {
    struct spira_worker worker;
    struct spira_clock_memory clock;
    char folder[64];
    char *inbox, *scratch;
};

/* Fills worker; the store and the bus may be replaced by the test. */
void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture);

/* Makes the topics of every event in bus. */
void fixture_topics(const struct fixture *fixture, struct spira_event_bus bus);

/* Emits an event (value taken) and returns its message, valid as long as the bus. */
const struct spira_message *fixture_emit(const struct fixture *fixture, const char *event,
                                         struct spira_value *value);

/* Messages on an event's topic; the one at index (NULL: there is none); what it says (freed by the
 * caller). */
size_t fixture_count(const struct fixture *fixture, const char *event);
const struct spira_message *fixture_message(const struct fixture *fixture, const char *event,
                                            size_t index);
struct spira_value *fixture_event(const struct fixture *fixture, const char *event, size_t index);

/* JSON with ' for ", parsed; freed by the caller. */
struct spira_value *fixture_value(const char *json);

/* Puts text under key, in place of what is there, and gives its reference. */
struct spira_value *fixture_put(const struct fixture *fixture, const char *key, const char *text);
/* The document that a reference names; freed by the caller. */
struct spira_value *fixture_document(const struct fixture *fixture,
                                     const struct spira_value *reference);
bool fixture_has(const struct fixture *fixture, const char *key);
/* Keys that begin with prefix. */
size_t fixture_keys(const struct fixture *fixture, const char *prefix);

/* Writes the manifest of RUN_ID from a configuration (JSON with ' for "), over all audio events. */
struct spira_value *fixture_manifest(const struct fixture *fixture, const char *configuration);

/* Whether the scratch folder is empty or not there. */
bool fixture_is_clean(const struct fixture *fixture);

#endif
