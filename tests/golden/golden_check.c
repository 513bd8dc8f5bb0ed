/* golden-check DIR: compares the library with every golden vector of a folder.
 * Exit code 0: every tensor of every file was compared and is within its tolerance; 1: anything
 * else, an empty folder and whatever is of an unknown kind included; 2: usage. */
#include <dirent.h>
#include <errno.h>

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/json/json_config.h"
#include "adapters/openblas/matrix_openblas.h"
#include "adapters/safetensors/safetensors.h"
#include "tests/golden/golden_kinds.h"

struct kind {
    const char *name;
    void (*check)(struct golden_file *file);
};

static const struct kind kinds[] = {
#define X(kind) {#kind, golden_check_##kind},
    GOLDEN_KINDS(X)
#undef X
};

struct totals {
    size_t files, tensors, inputs, compared, failures;
    double worst_share;
    char worst[512]; /* file and tensor */
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const struct kind *find_kind(const char *file_name)
{
    size_t length = strcspn(file_name, ".");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, file_name, length) == 0)
            return &kinds[i];
    return NULL;
}

static void add_to_totals(const struct golden_file *file, struct totals *totals)
{
    totals->files++;
    totals->tensors += file->content.count;
    totals->inputs += file->inputs;
    totals->compared += file->compared;
    totals->failures += file->failures;
    if (file->compared > 0 && (file->worst_share > totals->worst_share || !totals->worst[0])) {
        totals->worst_share = file->worst_share;
        snprintf(totals->worst, sizeof totals->worst, "%s: %s", file->name, file->worst);
    }
}

static void check_file(const char *folder, const char *name, struct totals *totals)
{
    struct golden_file file = {.name = name,
                               .fourier = spira_fourier_fftw(),
                               .matrix = spira_matrix_openblas(),
                               .json = spira_config_source_json()};
    struct spira_error err;
    const struct kind *kind = find_kind(name);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, name);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file content = {0};
    if (!kind || !ends_with(name, ".safetensors")) {
        golden_fail(&file, "a file of unknown kind");
    } else if (spira_tensors_open(spira_tensors_safetensors(), path, &content, &err) != SPIRA_OK) {
        golden_fail(&file, "%s", err.message);
    } else {
        file.content = content;
        golden_start(&file);
        kind->check(&file);
        golden_finish(&file);
        if (file.compared == 0)
            golden_fail(&file, "nothing to compare");
        golden_done(&file);
    }
    add_to_totals(&file, totals);
}

/* Everything in the folder is a vector but what explains them. */
static int is_vector(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
           !ends_with(entry->d_name, ".md");
}

static bool check_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_vector, alphasort);
    struct totals totals = {0};
    if (count <= 0) {
        printf("%s: %s: FAILED\n", folder, count < 0 ? strerror(errno) : "no golden vectors");
        totals.failures++;
    }
    for (int i = 0; i < count; i++) {
        check_file(folder, entries[i]->d_name, &totals);
        free(entries[i]);
    }
    free(entries);
    printf("%zu files, %zu tensors (%zu inputs, %zu compared), %zu failures, "
           "worst error %.2g of its tolerance%s%s%s\n",
           totals.files, totals.tensors, totals.inputs, totals.compared, totals.failures,
           totals.worst_share, totals.worst[0] ? " (" : "", totals.worst,
           totals.worst[0] ? ")" : "");
    return totals.failures == 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: golden-check DIR\n");
        return 2;
    }
    return check_folder(argv[1]) ? 0 : 1;
}
