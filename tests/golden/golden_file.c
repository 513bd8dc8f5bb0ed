#include "tests/golden/golden_file.h"

#include <math.h>

void golden_start(struct golden_file *file)
{
    file->seen = spira_alloc(file->content.count, sizeof *file->seen);
}

void golden_done(struct golden_file *file)
{
    free(file->seen);
    file->seen = NULL;
}

void golden_fail(struct golden_file *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s: ", file->name);
    vprintf(format, args);
    puts(": FAILED");
    va_end(args);
    file->failures++;
}

/* The tensor of that name, ticked off, or NULL after a line of failure. *counter counts it once. */
static const struct spira_tensor *take(struct golden_file *file, const char *name, size_t *counter)
{
    const struct spira_tensor *tensor = spira_tensor_find(&file->content, name);
    if (!tensor) {
        golden_fail(file, "%s: missing", name);
        return NULL;
    }
    size_t index = (size_t)(tensor - file->content.tensors);
    if (!file->seen[index])
        ++*counter;
    file->seen[index] = true;
    return tensor;
}

const struct spira_tensor *golden_input(struct golden_file *file, const char *name,
                                        enum spira_dtype dtype)
{
    size_t before = file->inputs;
    const struct spira_tensor *tensor = take(file, name, &file->inputs);
    if (!tensor)
        return NULL;
    if (tensor->dtype != dtype) {
        golden_fail(file, "%s: an input of another element type", name);
        return NULL;
    }
    if (file->inputs > before)
        printf("%s: %s: input\n", file->name, name);
    return tensor;
}

const char *golden_metadata(struct golden_file *file, const char *key)
{
    const char *text = spira_value_get_text(file->content.metadata, key, NULL);
    if (!text)
        golden_fail(file, "metadata '%s': missing", key);
    return text;
}

double golden_element(const struct spira_tensor *tensor, size_t index)
{
    switch (tensor->dtype) {
    case SPIRA_F32:
        return (double)((const float *)tensor->data)[index];
    case SPIRA_F64:
        return ((const double *)tensor->data)[index];
    case SPIRA_I64:
        return (double)((const int64_t *)tensor->data)[index];
    case SPIRA_I32:
        return (double)((const int32_t *)tensor->data)[index];
    case SPIRA_U8:
        return (double)((const uint8_t *)tensor->data)[index];
    }
    return NAN;
}

static void judge(struct golden_file *file, const char *name, double error, double tolerance)
{
    double share = error == 0 ? 0 : isnan(error) ? HUGE_VAL : error / tolerance;
    bool good = share <= 1;
    printf("%s: %s: error %.2e, tolerance %.0e%s\n", file->name, name, error, tolerance,
           good ? "" : ": FAILED");
    file->failures += !good;
    if (share > file->worst_share || file->worst[0] == '\0') {
        file->worst_share = share;
        snprintf(file->worst, sizeof file->worst, "%s", name);
    }
}

void golden_report(struct golden_file *file, const char *name, double error, double tolerance)
{
    if (take(file, name, &file->compared))
        judge(file, name, error, tolerance);
}

/* Largest of |ours - reference|; NaN when one of them is not a number. */
static double largest_error(const struct spira_tensor *reference, const float *floats,
                            const double *doubles, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double expected = golden_element(reference, i);
        double ours = floats ? (double)floats[i] : doubles[i];
        double error = ours == expected ? 0 : fabs(ours - expected);
        if (isnan(error))
            return NAN;
        largest = fmax(largest, error);
    }
    return largest;
}

static double largest_value(const struct spira_tensor *reference, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(golden_element(reference, i)));
    return largest;
}

static void compare(struct golden_file *file, const char *name, const float *floats,
                    const double *doubles, size_t count, double tolerance, enum golden_scale scale)
{
    const struct spira_tensor *reference = take(file, name, &file->compared);
    if (!reference)
        return;
    size_t elements = spira_tensor_elements(reference);
    if (elements != count || count == 0) {
        golden_fail(file, "%s: %zu values, ours are %zu", name, elements, count);
        return;
    }
    double error = largest_error(reference, floats, doubles, count);
    if (scale == GOLDEN_OF_LARGEST && error != 0)
        error /= largest_value(reference, count);
    judge(file, name, error, tolerance);
}

void golden_compare_floats(struct golden_file *file, const char *name, const float *ours,
                           size_t count, double tolerance, enum golden_scale scale)
{
    compare(file, name, ours, NULL, count, tolerance, scale);
}

void golden_compare_doubles(struct golden_file *file, const char *name, const double *ours,
                            size_t count, double tolerance, enum golden_scale scale)
{
    compare(file, name, NULL, ours, count, tolerance, scale);
}

void golden_finish(struct golden_file *file)
{
    for (size_t i = 0; i < file->content.count; i++)
        if (!file->seen[i])
            golden_fail(file, "%s: a tensor of unknown kind", file->content.tensors[i].name);
}
