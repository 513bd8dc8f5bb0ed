/* spiractl dlq: messages that a worker could not process. */
#include "cli/commands.h"
#include "cli/dead_letter_output.h"
#include "cli/dead_letters.h"
#include "cli/fleet_connection.h"
#include "cli/output.h"
#include "workers/common/command_line/exit_code.h"

enum { IDS_MAX = 1024 };

/* Connects to a fleet whose Kafka answers. */
static enum spira_code connect_bus(const struct spira_arguments *arguments,
                                   struct spira_fleet_connection *ret_connection,
                                   struct spira_error *err)
{
    enum spira_code code = spira_fleet_connect(arguments, ret_connection, err);
    return code == SPIRA_OK ? spira_fleet_probe(&ret_connection->worker, SPIRA_NEED_BUS, err)
                            : code;
}

static void warn_of_strange(size_t strange)
{
    if (strange)
        fprintf(stderr, "spiractl: %zu messages on these topics are no dead letters: passed over\n",
                strange);
}

static int run_list(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    size_t strange = 0;
    enum spira_code code = spira_output_is_json(arguments, &json, &err);
    if (code == SPIRA_OK)
        code = connect_bus(arguments, &connection, &err);
    if (code == SPIRA_OK)
        code = spira_dead_letters_list(
            &connection.worker, arguments->operand_count ? arguments->operands[0] : NULL,
            spira_argument(arguments, "reason"), &letters, &strange, &err);
    if (code != SPIRA_OK)
        return spira_report_usage(&err);
    warn_of_strange(strange);
    if (json) {
        for (size_t i = 0; i < spira_value_count(letters); i++)
            spira_value_remove(spira_value_at(letters, i), "place");
        spira_output_json(stdout, letters);
    } else if (spira_value_count(letters)) {
        spira_dead_letters_print(stdout, letters);
    } else {
        printf("no dead letters\n");
    }
    return SPIRA_EXIT_SUCCESS;
}

struct showing {
    const struct spira_worker *worker;
    bool json;
};

static enum spira_code show(void *context, const struct spira_value *letter,
                            const struct spira_message *message, struct spira_error *err)
{
    (void)err;
    const struct showing *showing = context;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = spira_dead_letter_object(showing->worker, letter, message);
    if (showing->json)
        spira_output_json(stdout, object);
    else
        spira_dead_letter_print(stdout, object);
    return SPIRA_OK;
}

static int run_show(const struct spira_arguments *arguments)
{
    bool json = false;
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    enum spira_code code = spira_output_is_json(arguments, &json, &err);
    if (code == SPIRA_OK)
        code = connect_bus(arguments, &connection, &err);
    if (code == SPIRA_OK)
        code = spira_dead_letters_find(&connection.worker, arguments->operands, 1, &letters, &err);
    struct showing showing = {.worker = &connection.worker, .json = json};
    if (code == SPIRA_OK)
        code = spira_dead_letters_read(&connection.worker, letters, show, &showing, &err);
    return code == SPIRA_OK ? SPIRA_EXIT_SUCCESS : spira_report_usage(&err);
}

/* Gives the letters that the command line names: ids, or --all, of one reason. */
static enum spira_code choose(const struct spira_arguments *arguments,
                              const struct spira_worker *worker, struct spira_value **ret_letters,
                              struct spira_error *err)
{
    const char *reason = spira_argument(arguments, "reason");
    size_t strange = 0;
    if (!spira_argument(arguments, "all"))
        return spira_dead_letters_find(worker, arguments->operands, arguments->operand_count,
                                       ret_letters, err);
    enum spira_code code =
        spira_dead_letters_list(worker, NULL, reason, ret_letters, &strange, err);
    if (code == SPIRA_OK)
        warn_of_strange(strange);
    return code;
}

/* Either ids or --all; --reason goes with --all. */
static enum spira_code check_choice(const struct spira_arguments *arguments,
                                    struct spira_error *err)
{
    bool all = spira_argument(arguments, "all") != NULL;
    if (all && arguments->operand_count)
        return spira_fail(err, SPIRA_EINVALID, "--all goes with no ID, and there is '%s'",
                          arguments->operands[0]);
    if (!all && !arguments->operand_count)
        return spira_fail(err, SPIRA_EINVALID, "which dead letters: give IDs or --all");
    if (!all && spira_argument(arguments, "reason"))
        return spira_fail(err, SPIRA_EINVALID, "--reason goes with --all");
    return SPIRA_OK;
}

typedef enum spira_code deal_with(const struct spira_worker *worker,
                                  const struct spira_value *letters, struct spira_error *err);

static int run_dealing(const struct spira_arguments *arguments, deal_with *deal, const char *done)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_fleet_disconnect)
    struct spira_fleet_connection connection = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *letters = NULL;
    enum spira_code code = check_choice(arguments, &err);
    if (code == SPIRA_OK)
        code = connect_bus(arguments, &connection, &err);
    if (code == SPIRA_OK)
        code = choose(arguments, &connection.worker, &letters, &err);
    if (code == SPIRA_OK)
        code = deal(&connection.worker, letters, &err);
    if (code != SPIRA_OK)
        return spira_report_usage(&err);
    size_t count = spira_value_count(letters);
    printf("%s %zu dead letter%s\n", done, count, count == 1 ? "" : "s");
    return SPIRA_EXIT_SUCCESS;
}

static int run_retry(const struct spira_arguments *arguments)
{
    return run_dealing(arguments, spira_dead_letters_retry, "retried");
}

static int run_discard(const struct spira_arguments *arguments)
{
    return run_dealing(arguments, spira_dead_letters_discard, "discarded");
}

#define OPTION_REASON(sentence)                                                                    \
    {                                                                                              \
        "reason", "REASON", sentence, 0, false, false                                              \
    }

static const struct spira_option list_options[] = {
    OPTION_REASON("only those put aside for this reason: malformed, crashed, timeout, ..."),
    SPIRA_OPTION_OUTPUT,
    SPIRA_OPTIONS_SERVICES,
    {0}};

static const struct spira_option show_options[] = {
    SPIRA_OPTION_OUTPUT, SPIRA_OPTIONS_SERVICES, {0}};

static const struct spira_option deal_options[] = {
    {"all", NULL, "every open dead letter", 0, false, false},
    OPTION_REASON("with --all: only those put aside for this reason"),
    SPIRA_OPTIONS_SERVICES,
    {0}};

static const struct spira_verb list = {
    .noun = "dlq",
    .name = "list",
    .sentence = "Lists the messages that workers put aside and nobody has dealt with.",
    .operand = "TOPIC",
    .operands_most = 1,
    .options = list_options,
    .details = "An id is TOPIC:PARTITION:OFFSET, where the message was; topics are named without\n"
               "their prefix.\n",
    .example = "spiractl dlq list run.requested --reason malformed",
    .run = run_list,
};

static const struct spira_verb show_verb = {
    .noun = "dlq",
    .name = "show",
    .sentence = "Shows a dead letter: why it was put aside, its headers and its value.",
    .operand = "ID",
    .operands_least = 1,
    .operands_most = 1,
    .options = show_options,
    .example = "spiractl dlq show run.requested:0:17",
    .run = run_show,
};

static const struct spira_verb retry = {
    .noun = "dlq",
    .name = "retry",
    .sentence = "Sends dead letters again, byte for byte, to the topics they came from.",
    .operand = "ID",
    .operands_most = IDS_MAX,
    .options = deal_options,
    .details = "A message that fails again is a new dead letter.\n",
    .example = "spiractl dlq retry --all --reason timeout",
    .run = run_retry,
};

static const struct spira_verb discard = {
    .noun = "dlq",
    .name = "discard",
    .sentence = "Takes dead letters off the list; the messages stay on their topics.",
    .operand = "ID",
    .operands_most = IDS_MAX,
    .options = deal_options,
    .example = "spiractl dlq discard run.requested:0:17",
    .run = run_discard,
};

const struct spira_noun spira_dlq_noun = {
    .name = "dlq",
    .sentence = "Messages that could not be processed.",
    .verbs = (const struct spira_verb *const[]){&list, &show_verb, &retry, &discard, NULL},
};
