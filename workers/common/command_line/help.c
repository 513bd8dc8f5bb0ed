#include "workers/common/command_line/help.h"

enum { COMMAND_WIDTH = 16, OPTION_WIDTH = 22, LINE_WIDTH = 96 };

static void print_verb_line(FILE *out, const struct spira_verb *verb)
{
    SPIRA_CLEANUP(spira_free_at)
    char *title = spira_verb_title(verb);
    fprintf(out, "  %-*s %s\n", COMMAND_WIDTH, title, verb->sentence);
}

void spira_help_program(FILE *out, const struct spira_noun *const *nouns)
{
    fprintf(out, "Usage: spiractl COMMAND [OPTION]...\n\n"
                 "Trains, inspects and uses classifiers of respiratory insufficiency from speech.\n"
                 "No medical device: nothing it says is a diagnosis.\n\n"
                 "Commands:\n");
    for (; *nouns; nouns++)
        for (const struct spira_verb *const *verb = (*nouns)->verbs; *verb; verb++)
            print_verb_line(out, *verb);
    fprintf(out, "\n'spiractl COMMAND --help' explains one of them.\n\n"
                 "Exit codes: 0 success, 1 failed, 2 usage, 3 not found, 4 rejected by the gate,\n"
                 "5 canceled, 6 a service is unreachable, 124 what was waited for did not come in\n"
                 "time, 130 and 143 ended by a signal.\n");
}

void spira_help_noun(FILE *out, const struct spira_noun *noun)
{
    fprintf(out, "Usage: spiractl %s VERB [OPTION]...\n\n%s\n\nCommands:\n", noun->name,
            noun->sentence);
    for (const struct spira_verb *const *verb = noun->verbs; *verb; verb++)
        print_verb_line(out, *verb);
    fprintf(out, "\n'spiractl %s VERB --help' explains one of them.\n", noun->name);
}

/* Text from column onwards, wrapped at LINE_WIDTH; the cursor is at the column already. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > LINE_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct spira_option *option)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    SPIRA_CLEANUP(spira_free_at)
    char *left = spira_format("  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
                              option->argument ? option->argument : "");
    const char *need = option->required && option->repeats ? " (required, repeatable)"
                       : option->required                  ? " (required)"
                       : option->repeats                   ? " (repeatable)"
                                                           : "";
    SPIRA_CLEANUP(spira_free_at)
    char *right = spira_format("%s%s", option->sentence, need);
    int column = OPTION_WIDTH + 6;
    if (fprintf(out, "%s", left) >= column)
        fprintf(out, "\n%*s", column, "");
    else
        fprintf(out, "%*s", column - (int)strlen(left), "");
    print_wrapped(out, right, column);
}

void spira_help_verb(FILE *out, const struct spira_verb *verb)
{
    SPIRA_CLEANUP(spira_free_at)
    char *command = spira_verb_command(verb);
    fprintf(out, "Usage: %s", command);
    bool optional = false;
    for (const struct spira_option *option = verb->options; option->name; option++) {
        if (option->required)
            fprintf(out, " --%s %s", option->name, option->argument);
        optional |= !option->required;
    }
    fprintf(out, "%s", optional ? " [OPTION]..." : "");
    if (verb->operand)
        fprintf(out, verb->operands_least ? " %s%s" : " [%s%s]", verb->operand,
                verb->operands_most > 1 ? "..." : "");
    fprintf(out, "\n\n%s\n", verb->sentence);
    if (verb->details)
        fprintf(out, "\n%s", verb->details);
    fprintf(out, "\nOptions:\n");
    for (const struct spira_option *option = verb->options; option->name; option++)
        print_option(out, option);
    print_option(out,
                 &(struct spira_option){.name = "help", .letter = 'h', .sentence = "this text"});
    fprintf(out, "\nExample:\n  %s\n", verb->example);
}
