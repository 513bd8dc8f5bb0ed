#include <criterion/criterion.h>
#include <stdlib.h>

#include "cli/output.h"

Test(output, a_table_lines_its_columns_up_and_sets_numbers_to_the_right)
{
    static const char *const headings[] = {"FILE", "SECONDS", "WHY"};
    struct spira_table table;
    spira_table_init(&table, headings, 3);
    spira_table_add(&table, spira_format("coração.wav"));
    spira_table_add(&table, spira_format("1.5"));
    spira_table_add(&table, NULL);
    spira_table_add(&table, spira_format("b\x1b[2J.wav"));
    spira_table_add(&table, spira_format("120.25"));
    spira_table_add(&table, spira_format("too short"));
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    spira_table_print(out, &table);
    fclose(out);
    cr_assert_str_eq(text, "FILE         SECONDS  WHY\n"
                           "coração.wav      1.5  \n"
                           "b?[2J.wav     120.25  too short\n");
    free(text);
    spira_table_done(&table);
}

Test(output, an_undefined_number_is_called_so)
{
    struct spira_value *values[] = {spira_value_real(0.12345), spira_value_int(7),
                                    spira_value_null()};
    static const char *const texts[] = {"0.123", "7", "undefined"};
    for (size_t i = 0; i < 3; i++) {
        char *text = spira_number_text(values[i], 3);
        cr_assert_str_eq(text, texts[i]);
        free(text);
        spira_value_free(values[i]);
    }
}
