/* spiractl topics: the topics that the fleet's events go through. */
#include "cli/commands.h"
#include "cli/fleet_connection.h"
#include "cli/output.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/run/topics.h"

enum { SHARED_PARTITIONS = 8, PARTITIONS_MAX = 1000 };

/* Topics on their way into a list of {"topic", "partitions", "status"}. */
struct ensuring {
    const struct spira_worker *worker;
    struct spira_value *list;
    bool differs;
};

static enum spira_code ensure(void *context, const char *topic, int32_t partitions,
                              struct spira_error *err)
{
    struct ensuring *ensuring = context;
    struct spira_event_bus bus = ensuring->worker->bus;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    struct spira_error why;
    const char *status = "there";
    enum spira_code code = spira_bus_ranges(bus, topic, &ranges, &count, &why);
    if (code == SPIRA_ENOTFOUND) {
        code = spira_bus_ensure_topic(bus, topic, partitions, &why);
        count = (size_t)partitions;
        status = "made";
    }
    if (code != SPIRA_OK) {
        *err = why;
        return code;
    }
    struct spira_value *row = spira_value_append(ensuring->list, spira_value_map());
    spira_value_set_text(row, "topic", topic);
    spira_value_set_int(row, "partitions", (int64_t)count);
    if (count != (size_t)partitions) {
        fprintf(stderr, "spiractl: %s: has %zu partitions, not %d; it is left as it is\n", topic,
                count, (int)partitions);
        status = "differs";
        ensuring->differs = true;
    }
    spira_value_set_text(row, "status", status);
    return SPIRA_OK;
}

static void print_topics(const struct spira_value *list)
{
    static const char *const headings[] = {"TOPIC", "PARTITIONS", "STATUS"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (size_t i = 0; i < spira_value_count(list); i++) {
        const struct spira_value *row = spira_value_at(list, i);
        spira_table_add(&table, spira_copy_text(spira_value_get_text(row, "topic", "")));
        spira_table_add(&table, spira_number_text(spira_value_get(row, "partitions"), 0));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(row, "status", "")));
    }
    spira_table_print(stdout, &table);
}

static int run_ensure(const struct spira_arguments *arguments)
{
    bool json = false;
    int64_t shared = SHARED_PARTITIONS;
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    if (spira_output_is_json(arguments, &json, &err) != SPIRA_OK ||
        spira_argument_number(arguments, "partitions", 1, PARTITIONS_MAX, SHARED_PARTITIONS,
                              &shared, &err) != SPIRA_OK ||
        spira_fleet_connect(arguments, &connection, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    struct ensuring ensuring = {.worker = &connection.worker, .list = list};
    enum spira_code code = spira_fleet_probe(&connection.worker, SPIRA_NEED_BUS, &err);
    if (code == SPIRA_OK)
        code =
            spira_topics_visit(&connection.worker, true, (int32_t)shared, ensure, &ensuring, &err);
    if (code != SPIRA_OK)
        return spira_report(&err);
    if (json)
        spira_output_json(stdout, list);
    else
        print_topics(list);
    return ensuring.differs ? SPIRA_EXIT_FAILED : SPIRA_EXIT_SUCCESS;
}

static const struct spira_option options[] = {
    {"partitions", "N", "of the topics that many workers share; the default is 8", 0, false, false},
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTION_OUTPUT,
    {0},
};

static const struct spira_verb ensure_verb = {
    .noun = "topics",
    .name = "ensure",
    .sentence = "Makes the topics that are not there yet, and those for their dead letters.",
    .options = options,
    .details =
        "The topics whose messages many workers share (audio.*, features.requested) get N\n"
        "partitions: at least 4 for each worker of a step. The others get 4, those for dead\n"
        "letters 1. A topic that is there with another number is left as it is, for a key must\n"
        "stay in its partition; exit code 1 says so.\n",
    .example = "spiractl topics ensure --partitions 16",
    .run = run_ensure,
};

const struct spira_noun spira_topics_noun = {
    .name = "topics",
    .sentence = "The topics that the fleet's events go through.",
    .verbs = (const struct spira_verb *const[]){&ensure_verb, NULL},
};
