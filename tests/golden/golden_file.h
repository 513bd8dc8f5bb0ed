/* One file of golden vectors and what became of each of its tensors.
 *
 * A kind's check takes its inputs with golden_input and says what the library makes of them with
 * golden_compare. Both tick the tensor off; golden_finish fails the file for every tensor nobody
 * ticked off, so a vector of an unknown kind is never passed over. Every function prints its line
 * to stdout. One thread. */
#ifndef SPIRA_TESTS_GOLDEN_GOLDEN_FILE_H
#define SPIRA_TESTS_GOLDEN_GOLDEN_FILE_H

#include <stdbool.h>

#include "core/ports/config_source.h"
#include "core/ports/fourier.h"
#include "core/ports/matrix.h"
#include "core/ports/tensors.h"

struct golden_file {
    const char *name;                 /* without the folder; borrowed */
    struct spira_tensor_file content; /* tensors and metadata; borrowed */
    struct spira_fourier fourier;     /* the ports a check may compute with */
    struct spira_matrix matrix;
    struct spira_config_source json;   /* for metadata that is a document */
    bool *seen;                        /* of each tensor; ours */
    size_t inputs, compared;           /* tensors ticked off */
    size_t failures;                   /* lines that say FAILED */
    double worst_share;                /* largest error / tolerance; infinite for NaN */
    char worst[SPIRA_TENSOR_MAX_NAME]; /* the tensor it belongs to */
};

/* What an error is measured in. */
enum golden_scale {
    GOLDEN_ABSOLUTE,
    GOLDEN_OF_LARGEST /* as a share of the reference tensor's largest absolute value */
};

/* Prepares file for its check; name, content and the ports are set by the caller. Free with
 * golden_done. */
void golden_start(struct golden_file *file);
void golden_done(struct golden_file *file);

/* A line of failure about the file: whatever makes a comparison impossible. */
void golden_fail(struct golden_file *file, const char *format, ...) SPIRA_PRINTF(2, 3);

/* The tensor of that name, of that type, as an input of the computation; NULL after a line of
 * failure when it is missing or of another type. Borrowed from the file. Asking again is fine. */
const struct spira_tensor *golden_input(struct golden_file *file, const char *name,
                                        enum spira_dtype dtype);

/* A text of the file's metadata; NULL after a line of failure when it is missing. */
const char *golden_metadata(struct golden_file *file, const char *key);

/* Element index of a tensor of any type, in row-major order. */
double golden_element(const struct spira_tensor *tensor, size_t index);

/* Compares our count values (floats, doubles) with the tensor of that name. Fails when the tensor
 * is missing, has another number of elements, when a value of ours is not a number or is further
 * off than the tolerance. Infinite references are equal only to themselves. */
void golden_compare_floats(struct golden_file *file, const char *name, const float *ours,
                           size_t count, double tolerance, enum golden_scale scale);
void golden_compare_doubles(struct golden_file *file, const char *name, const double *ours,
                            size_t count, double tolerance, enum golden_scale scale);

/* Reports the tensor of that name by an error the check measured itself (a norm). Tolerance 0: the
 * error must be exactly 0. */
void golden_report(struct golden_file *file, const char *name, double error, double tolerance);

/* Fails the file for each tensor that was neither input nor compared. */
void golden_finish(struct golden_file *file);

#endif
