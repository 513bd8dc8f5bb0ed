/* spira-config-doc: writes docs/CONFIG.md from the table of keys, or checks that it is fresh. */
#include "core/base/file.h"
#include "core/config/run_config_table.h"

enum { MAX_FILE = 1 << 20 };

static const char head[] =
    "# Run configuration\n"
    "\n"
    "<!-- Written by spira-config-doc from core/config/run_config_table.c: change the table. -->\n"
    "\n"
    "One JSON document says everything about a run but its recordings. `//` and `/* */` comments "
    "are allowed.\n"
    "Every section and key may be left out and takes its default then; an unknown key, a key that "
    "is there twice,\n"
    "a value of another type or beyond its limits, and values that do not go together are refused "
    "before anything\n"
    "starts, with the dotted key and the value. `spiractl config check FILE` does only that; "
    "`--set KEY=VALUE` of\n"
    "`spiractl local run` replaces one value (a JSON value, or a bare word as a text).\n"
    "\n"
    "```json\n"
    "{\n"
    "  \"name\": \"ward-a\",\n"
    "  \"seed\": 42,\n"
    "  \"transform\": {\n"
    "    \"noise\": { \"num_control\": 2, \"num_patient\": 2, \"copies\": 4 },  // both classes, "
    "so that "
    "noise tells nothing\n"
    "    \"overlap\": { \"window_seconds\": 4, \"step_seconds\": 1 }\n"
    "  },\n"
    "  \"train\": { \"epochs\": 100, \"early_stop_epochs\": 10 },\n"
    "  \"publish\": { \"model\": \"ward-a\", \"gate\": [ { \"metric\": \"balanced_accuracy\", "
    "\"at_least\": 0.8 } ] }\n"
    "}\n"
    "```\n"
    "\n"
    "A longer one is `docs/examples/demo.json`. The configuration files of the 2021 experiments "
    "and of the V2\n"
    "prototype are turned into this format by `spiractl config import FILE`, which warns of what "
    "it cannot honour\n"
    "and of what it chose.\n"
    "\n"
    "## How a recording becomes training examples\n"
    "\n"
    "What `transform` holds decides it:\n"
    "\n"
    "| `transform` has | an example is |\n"
    "|---|---|\n"
    "| `overlap` (the default) | a window of `window_seconds`; a recording has several |\n"
    "| `\"padding\": true` | a whole recording, padded to the longest of the train role |\n"
    "| `\"overlap\": null` and no padding | a whole recording; the network answers once for each "
    "time step left and the answers are averaged |\n"
    "| `noise` | as above, with noise recordings mixed in |\n"
    "| `mixture` | as above, mixed with a second example |\n"
    "\n"
    "`\"noise\": {}` switches noise on with the defaults below, `null` switches it off; a key set "
    "inside a section\n"
    "that was left out switches it on too (`--set transform.noise.copies=8`).\n"
    "\n"
    "## What does not go together\n"
    "\n"
    "- `transform.overlap` and `\"padding\": true`; `window_seconds` above `audio.max_seconds`, or "
    "shorter than\n"
    "  n_fft/2+1 samples;\n"
    "- `audio.min_seconds` above `audio.max_seconds`; `noise.min_amp` above `noise.max_amp`;\n"
    "- `features.win_length` above `n_fft`; `mel_fmin` not below `mel_fmax`; `num_mfcc` above "
    "`num_mels` (mfcc only);\n"
    "- shares of `split` that do not add up to 1;\n"
    "- `train.folds` 1; more than 400 trainings, `folds` times `seeds`.\n"
    "\n"
    "## Keys\n";

static const char table_head[] = "\n| key | takes | default | what it is |\n|---|---|---|---|\n";

static bool is_section(const struct spira_config_key *key)
{
    return key->type == SPIRA_CONFIG_SECTION || key->type == SPIRA_CONFIG_SWITCHED;
}

static void write_row(const struct spira_config_key *key, FILE *out)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *fallback = spira_config_key_fallback(key);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(fallback, SPIRA_COMPACT);
    SPIRA_CLEANUP(spira_free_at)
    char *takes = spira_config_key_takes(key);
    if (!fallback)
        fprintf(out, "| `%s` | %s | none: must be there | %s |\n", key->key, takes, key->sentence);
    else
        fprintf(out, "| `%s` | %s | `%s` | %s |\n", key->key, takes, text, key->sentence);
}

/* Top-level sections become headings, the sections in them rows. */
static char *page(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs(head, out);
    fputs(table_head, out);
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        if (is_section(key) && !strchr(key->key, '.'))
            fprintf(out, "\n### %s\n\n%s\n%s", key->key, key->sentence, table_head);
        else
            write_row(key, out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static enum spira_code check_file(const char *path, const char *text, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    enum spira_code code = spira_file_read(path, MAX_FILE, &bytes, err);
    if (code == SPIRA_OK && strcmp(bytes.data, text) != 0)
        code = spira_fail(err, SPIRA_EINVALID,
                          "%s: stale; write it anew with spira-config-doc --write", path);
    return code;
}

int main(int argc, char **argv)
{
    bool writes = argc == 3 && strcmp(argv[1], "--write") == 0;
    bool checks = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (!writes && !checks) {
        fputs("usage: spira-config-doc --write FILE | --check FILE\n", stderr);
        return 2;
    }
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *text = page();
    enum spira_code code;
    if (!text)
        code = spira_fail(&err, SPIRA_ENOMEMORY, "%s: no memory for the page", argv[2]);
    else if (writes)
        code = spira_file_write(argv[2], text, strlen(text), &err);
    else
        code = check_file(argv[2], text, &err);
    if (code != SPIRA_OK)
        fprintf(stderr, "spira-config-doc: %s\n", err.message);
    return code == SPIRA_OK ? 0 : 1;
}
