#include "cli/dead_letter_output.h"

#include "cli/output.h"
#include "core/base/text.h"

enum { HEX_MAX = 256, HEX_LINE = 32 };

void spira_dead_letters_print(FILE *out, const struct spira_value *letters)
{
    static const char *const headings[] = {"ID",        "REASON", "ATTEMPTS",
                                           "FAILED AT", "ABOUT",  "ERROR"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    table.width = spira_output_columns(out);
    for (size_t i = 0; i < spira_value_count(letters); i++) {
        const struct spira_value *letter = spira_value_at(letters, i);
        const char *failed_at = spira_value_get_text(letter, "last_failed_at", "");
        spira_table_add(&table, spira_copy_text(spira_value_get_text(letter, "id", "")));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(letter, "reason", "")));
        spira_table_add(&table, spira_number_text(spira_value_get(letter, "attempts"), 0));
        spira_table_add(&table, spira_format("%.10s %.8s", failed_at,
                                             strlen(failed_at) > 19 ? failed_at + 11 : ""));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(letter, "subject", "")));
        spira_table_add(&table, spira_copy_text(spira_value_get_text(letter, "error", "")));
    }
    spira_table_print(out, &table);
}

static char *hex_of(const unsigned char *bytes, size_t size)
{
    size_t count = size < HEX_MAX ? size : HEX_MAX;
    char *hex = spira_alloc(2 * count + 1, 1);
    for (size_t i = 0; i < count; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

static void set_repaired(struct spira_value *map, const char *name, const char *text)
{
    SPIRA_CLEANUP(spira_free_at)
    char *repaired = text ? spira_utf8_repair(text) : NULL;
    spira_value_set_text(map, name, repaired);
}

struct spira_value *spira_dead_letter_object(const struct spira_worker *worker,
                                             const struct spira_value *letter,
                                             const struct spira_message *message)
{
    struct spira_value *object = spira_value_copy(letter);
    spira_value_remove(object, "place");
    set_repaired(object, "key", message->key);
    struct spira_value *headers = spira_value_set(object, "headers", spira_value_list());
    for (size_t i = 0; i < message->header_count; i++) {
        struct spira_value *header = spira_value_append(headers, spira_value_map());
        set_repaired(header, "name", message->headers[i].name);
        set_repaired(header, "value", message->headers[i].value);
    }
    int64_t left = spira_value_get_int(letter, "left", -1);
    spira_value_set_int(object, "bytes", left < 0 ? (int64_t)message->size : left);
    if (left >= 0)
        return object;
    struct spira_value *value = NULL;
    struct spira_error err;
    if (spira_event_decode(worker->codec, message->value, message->size, &value, &err) ==
        SPIRA_OK) {
        spira_value_set(object, "value", value);
        return object;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *hex = hex_of(message->value, message->size);
    spira_value_set_text(object, "value_hex", hex);
    return object;
}

/* Prints text (taken) with an end of line; control characters become '?'. */
static void print_tamed(FILE *out, char *text, const char *spared)
{
    spira_text_tame(text, spared);
    fprintf(out, "%s\n", text);
    free(text);
}

static void print_facts(FILE *out, const struct spira_value *object)
{
    static const char *const names[] = {
        "id",       "reason", "error",     "subject",         "attempts",       "signal",
        "redrives", "group",  "worker",    "worker_version",  "topic",          "partition",
        "offset",   "key",    "timestamp", "first_failed_at", "last_failed_at",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct spira_value *value = spira_value_get(object, names[i]);
        if (spira_value_type(value) == SPIRA_INT)
            fprintf(out, "%-15s  %jd\n", names[i], (intmax_t)spira_value_as_int(value, 0));
        else if (spira_value_type(value) == SPIRA_TEXT)
            print_tamed(out, spira_format("%-15s  %s", names[i], spira_value_as_text(value, "")),
                        "");
    }
}

static void print_hex(FILE *out, const char *hex)
{
    for (; *hex; hex += strnlen(hex, HEX_LINE)) {
        for (int i = 0; i < HEX_LINE && hex[i]; i += 2)
            fprintf(out, "%s%.2s", i == 0 ? "  " : " ", hex + i);
        fprintf(out, "\n");
    }
}

void spira_dead_letter_print(FILE *out, const struct spira_value *object)
{
    print_facts(out, object);
    fprintf(out, "\nheaders\n");
    const struct spira_value *headers = spira_value_get(object, "headers");
    for (size_t i = 0; i < spira_value_count(headers); i++) {
        const struct spira_value *header = spira_value_at(headers, i);
        print_tamed(out,
                    spira_format("  %s: %s", spira_value_get_text(header, "name", ""),
                                 spira_value_get_text(header, "value", "")),
                    "");
    }
    int64_t bytes = spira_value_get_int(object, "bytes", 0);
    const struct spira_value *value = spira_value_get(object, "value");
    if (spira_value_get(object, "left")) {
        fprintf(out, "\nvalue, %jd bytes, too many for a letter: it is where it was\n",
                (intmax_t)bytes);
    } else if (value) {
        fprintf(out, "\nvalue, %jd bytes\n", (intmax_t)bytes);
        print_tamed(out, spira_value_to_text(value, SPIRA_PRETTY), "\n");
    } else {
        fprintf(out, "\nvalue, %jd bytes that are no event%s\n", (intmax_t)bytes,
                bytes > HEX_MAX ? "; it begins with" : "");
        print_hex(out, spira_value_get_text(object, "value_hex", ""));
    }
}
