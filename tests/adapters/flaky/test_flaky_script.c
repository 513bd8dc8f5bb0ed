#include <criterion/criterion.h>

#include "adapters/flaky/audio_source_flaky.h"
#include "adapters/flaky/event_bus_flaky.h"
#include "adapters/flaky/object_store_flaky.h"
#include "adapters/flaky/run_state_flaky.h"
#include "adapters/memory/audio_source_memory.h"
#include "adapters/memory/clock_memory.h"
#include "adapters/memory/event_bus_memory.h"
#include "adapters/memory/object_store_memory.h"
#include "adapters/memory/run_state_memory.h"
#include "adapters/openssl/openssl_digest.h"

static const enum spira_code twice[] = {SPIRA_EUNREACHABLE, SPIRA_ETIMEOUT, SPIRA_OK};
static const enum spira_code once[] = {SPIRA_EIO};

static struct spira_object_store flaky_store(struct spira_flaky_script *scripts, size_t count)
{
    return spira_object_store_flaky(spira_object_store_memory(spira_digest_openssl()), scripts,
                                    count);
}

Test(flaky_script, its_codes_come_in_turn_and_then_every_call_goes_through)
{
    struct spira_flaky_script script = {.operation = "put", .codes = twice, .count = 3};
    SPIRA_CLEANUP(spira_object_store_done)
    struct spira_object_store store = flaky_store(&script, 1);
    struct spira_error err;
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_EUNREACHABLE);
    cr_assert_str_eq(err.message, "put: a service did not answer, as the script says");
    cr_assert_eq(spira_store_stat(store, "a", NULL, &err), SPIRA_ENOTFOUND);
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_ETIMEOUT);
    cr_assert_eq(script.played, 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(script.played, 3);
}

Test(flaky_script, without_an_operation_it_meets_every_one)
{
    struct spira_flaky_script script = {.codes = twice, .count = 3};
    SPIRA_CLEANUP(spira_object_store_done)
    struct spira_object_store store = flaky_store(&script, 1);
    struct spira_error err;
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_EUNREACHABLE);
    cr_assert_eq(spira_store_probe(store, &err), SPIRA_ETIMEOUT);
    cr_assert_eq(spira_store_remove(store, "a", &err), SPIRA_OK);
}

Test(flaky_script, afterwards_means_that_a_change_was_made)
{
    struct spira_flaky_script scripts[] = {
        {.operation = "put", .codes = once, .count = 1, .after = true},
        {.operation = "swap", .codes = once, .count = 1, .after = true},
        {.operation = "get", .codes = once, .count = 1, .after = true}};
    SPIRA_CLEANUP(spira_object_store_done)
    struct spira_object_store store = flaky_store(scripts, 3);
    struct spira_error err;
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_EIO);
    cr_assert_eq(spira_store_stat(store, "a", NULL, &err), SPIRA_OK);
    cr_assert_eq(spira_store_put(store, "a", "1", 1, &err), SPIRA_OK);
    cr_assert_eq(spira_store_swap(store, "b", NULL, "2", 1, &err), SPIRA_EIO);
    cr_assert_eq(spira_store_swap(store, "b", NULL, "2", 1, &err), SPIRA_ECONFLICT);
    cr_assert_eq(spira_store_get(store, "b", 9, &bytes, &err), SPIRA_EIO);
    cr_assert_null(bytes.data);
    cr_assert_eq(spira_store_get(store, "b", 9, &bytes, &err), SPIRA_OK);
    cr_assert_str_eq(bytes.data, "2");
    spira_bytes_done(&bytes);
}

Test(flaky_script, a_lost_commit_was_made_all_the_same)
{
    struct spira_clock_memory memory;
    struct spira_flaky_script scripts[] = {
        {.operation = "commit", .codes = once, .count = 1, .after = true},
        {.operation = "poll", .codes = twice, .count = 2}};
    SPIRA_CLEANUP(spira_event_bus_done)
    struct spira_event_bus bus = spira_event_bus_flaky(
        spira_event_bus_memory(spira_clock_memory_init(&memory, 0)), scripts, 2);
    struct spira_error err;
    const char *topics[] = {"t"};
    struct spira_consumer consumer;
    cr_assert_eq(spira_bus_ensure_topic(bus, "t", 1, &err), SPIRA_OK);
    struct spira_message sent = {.topic = "t", .key = "k", .value = "x", .size = 1};
    cr_assert_eq(spira_bus_send(bus, &sent, &err), SPIRA_OK);
    cr_assert_eq(spira_bus_subscribe(bus, "g", topics, 1, &consumer, &err), SPIRA_OK);
    const struct spira_message *message = NULL;
    cr_assert_eq(spira_consumer_poll(consumer, 10, &message, &err), SPIRA_EUNREACHABLE);
    cr_assert_eq(spira_consumer_poll(consumer, 10, &message, &err), SPIRA_ETIMEOUT);
    cr_assert_eq(spira_consumer_poll(consumer, 10, &message, &err), SPIRA_OK);
    cr_assert(message);
    cr_assert_eq(spira_consumer_commit(consumer, message, &err), SPIRA_EIO);
    spira_consumer_release(consumer, message);
    spira_consumer_done(&consumer);
    cr_assert_eq(spira_bus_subscribe(bus, "g", topics, 1, &consumer, &err), SPIRA_OK);
    cr_assert_eq(spira_consumer_poll(consumer, 10, &message, &err), SPIRA_OK);
    cr_assert_null(message);
    spira_consumer_done(&consumer);
}

Test(flaky_script, a_lost_apply_is_met_as_a_redelivery)
{
    struct spira_clock_memory memory;
    struct spira_flaky_script script = {
        .operation = "apply", .codes = once, .count = 1, .after = true};
    SPIRA_CLEANUP(spira_run_state_done)
    struct spira_run_state state = spira_run_state_flaky(
        spira_run_state_memory(spira_clock_memory_init(&memory, 0)), &script, 1);
    struct spira_error err;
    const struct spira_state_operation count = {SPIRA_STATE_COUNT, NULL, "events", NULL, NULL};
    struct spira_state_change change = {.topic = "t", .operations = &count, .count = 1};
    bool applied = false;
    int64_t events = 0;
    cr_assert_eq(spira_state_apply(state, &change, &applied, &err), SPIRA_EIO);
    cr_assert(!applied);
    cr_assert_eq(spira_state_apply(state, &change, &applied, &err), SPIRA_OK);
    cr_assert(applied);
    cr_assert_eq(spira_state_counter(state, "events", &events, &err), SPIRA_OK);
    cr_assert_eq(events, 1);
}

Test(flaky_script, opening_and_reading_audio_fail_as_told)
{
    struct spira_flaky_script scripts[] = {{.operation = "open", .codes = once, .count = 1},
                                           {.operation = "read", .codes = twice, .count = 2}};
    struct spira_audio_source memory = spira_audio_source_memory();
    spira_audio_source_memory_add(memory, "a.wav", (float[]){0.5f}, 1, 16000, 1);
    SPIRA_CLEANUP(spira_audio_source_done)
    struct spira_audio_source source = spira_audio_source_flaky(memory, scripts, 2);
    struct spira_error err;
    struct spira_audio_facts facts;
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader reader = {0};
    cr_assert_eq(spira_audio_open(source, "a.wav", &reader, &facts, &err), SPIRA_EIO);
    cr_assert_null(reader.ops);
    cr_assert_eq(spira_audio_open(source, "a.wav", &reader, &facts, &err), SPIRA_OK);
    float sample = 0;
    size_t count = 0;
    cr_assert_eq(spira_audio_read(reader, &sample, 1, &count, &err), SPIRA_EUNREACHABLE);
    cr_assert_eq(spira_audio_read(reader, &sample, 1, &count, &err), SPIRA_ETIMEOUT);
    cr_assert_eq(spira_audio_read(reader, &sample, 1, &count, &err), SPIRA_OK);
    cr_assert(count == 1 && sample == 0.5f);
}
