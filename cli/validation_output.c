#include "cli/validation_output.h"

#include "cli/output.h"
#include "core/dataset/splitter.h"

enum { MOST_LEFT_OUT = 20 }; /* lines; -o json has them all */

static void print_roles(FILE *out, const struct spira_value *roles)
{
    static const char *const headings[] = {"ROLE",     "RECORDINGS", "CONTROL", "PATIENT",
                                           "PATIENTS", "WINDOWS",    "SECONDS"};
    static const char *const columns[] = {"recordings", "control", "patient", "patients",
                                          "windows"};
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    for (int role = 0; role < SPIRA_ROLES; role++) {
        const char *name = spira_role_name((enum spira_role)role);
        const struct spira_value *totals = spira_value_get(roles, name);
        spira_table_add(&table, spira_copy_text(name));
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            spira_table_add(&table, spira_number_text(spira_value_get(totals, columns[i]), 0));
        spira_table_add(&table, spira_number_text(spira_value_get(totals, "seconds"), 1));
    }
    spira_table_print(out, &table);
}

static void print_range(FILE *out, const char *name, const struct spira_value *range)
{
    if (spira_value_count(range) == 0)
        return;
    SPIRA_CLEANUP(spira_free_at)
    char *least = spira_number_text(spira_value_get(range, "least"), 1);
    SPIRA_CLEANUP(spira_free_at)
    char *most = spira_number_text(spira_value_get(range, "most"), 1);
    SPIRA_CLEANUP(spira_free_at)
    char *mean = spira_number_text(spira_value_get(range, "mean"), 1);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%s to %s, mean %s", least, most, mean);
    spira_print_line(out, name, text);
}

static void print_share(FILE *out, const struct spira_value *validation)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text =
        spira_format("%zu, %.1f %%", spira_value_count(spira_value_get(validation, "quarantined")),
                     100 * spira_value_get_real(validation, "quarantined_share", 0));
    spira_print_line(out, "quarantined", text);
}

/* Adds notes to the table, as far as there is room. */
static void add_notes(struct spira_table *table, const struct spira_value *notes)
{
    static const char *const fields[] = {"recording_id", "reason", "message"};
    const size_t most = (MOST_LEFT_OUT + 1) * table->columns;
    for (size_t i = 0; i < spira_value_count(notes) && table->count < most; i++)
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            spira_table_add(table, spira_copy_text(spira_value_get_text(spira_value_at(notes, i),
                                                                        fields[f], "")));
}

static void print_left_out(FILE *out, const struct spira_value *validation)
{
    static const char *const headings[] = {"LEFT OUT", "REASON", "WHY"};
    const struct spira_value *quarantined = spira_value_get(validation, "quarantined");
    const struct spira_value *duplicates = spira_value_get(validation, "duplicates");
    const size_t count = spira_value_count(quarantined) + spira_value_count(duplicates);
    if (count == 0)
        return;
    SPIRA_CLEANUP(spira_table_done)
    struct spira_table table;
    spira_table_init(&table, headings, sizeof headings / sizeof *headings);
    add_notes(&table, quarantined);
    add_notes(&table, duplicates);
    fprintf(out, "\n");
    spira_table_print(out, &table);
    if (count > MOST_LEFT_OUT)
        fprintf(out, "and %zu more; -o json has all\n", count - MOST_LEFT_OUT);
}

void spira_validation_print(FILE *out, const struct spira_value *validation)
{
    if (!spira_value_get(validation, "roles"))
        return;
    print_roles(out, spira_value_get(validation, "roles"));
    fprintf(out, "\n");
    print_range(out, "seconds", spira_value_get(validation, "seconds_range"));
    print_range(out, "level, dBFS", spira_value_get(validation, "rms_dbfs_range"));
    print_share(out, validation);
    print_left_out(out, validation);
    fprintf(out, "\n");
}
