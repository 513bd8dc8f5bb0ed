/* resample.safetensors: signals at several rates, brought to the one the metadata says. */
#include "core/audio/resample.h"
#include "tests/golden/golden_kinds.h"

#define TOLERANCE 5e-6

static void check_rate(struct golden_file *file, int from_hz, int to_hz)
{
    SPIRA_CLEANUP(spira_free_at)
    char *in_name = spira_format("%d.in", from_hz);
    SPIRA_CLEANUP(spira_free_at)
    char *out_name = spira_format("%d.out", from_hz);
    const struct spira_tensor *in = golden_input(file, in_name, SPIRA_F32);
    if (!in)
        return;
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    float *ours = NULL;
    size_t samples = spira_tensor_elements(in);
    size_t count = spira_resampled_count(samples, from_hz, to_hz);
    enum spira_code code = spira_big_alloc(&ours, count, sizeof *ours, out_name, &err);
    if (code == SPIRA_OK)
        code = spira_resample(in->data, samples, from_hz, to_hz, ours, &err);
    if (code != SPIRA_OK) {
        golden_fail(file, "%s: %s", out_name, err.message);
        return;
    }
    golden_compare_floats(file, out_name, ours, count, TOLERANCE, GOLDEN_ABSOLUTE);
}

void golden_check_resample(struct golden_file *file)
{
    const char *target = golden_metadata(file, "target");
    int to_hz = 0;
    if (!target)
        return;
    if (sscanf(target, "%d", &to_hz) != 1 || to_hz < 1) {
        golden_fail(file, "metadata 'target': '%s' is no rate", target);
        return;
    }
    for (size_t i = 0; i < file->content.count; i++) {
        int from_hz = 0, length = 0;
        const char *name = file->content.tensors[i].name;
        if (sscanf(name, "%d.in%n", &from_hz, &length) == 1 && from_hz > 0 &&
            (size_t)length == strlen(name))
            check_rate(file, from_hz, to_hz);
    }
}
