/* The kinds of golden vectors, one check each. A file's kind is its name up to the first dot:
 * "model.v2.small.safetensors" is a model. Shapes, rates and configurations are the file's. */
#ifndef SPIRA_TESTS_GOLDEN_GOLDEN_KINDS_H
#define SPIRA_TESTS_GOLDEN_GOLDEN_KINDS_H

#include "tests/golden/golden_file.h"

/* Every kind there is: golden_check_<kind>, in check_<kind>.c. */
#define GOLDEN_KINDS(X) X(features) X(metrics) X(model) X(resample)

#define X(kind) void golden_check_##kind(struct golden_file *file);
GOLDEN_KINDS(X)
#undef X

#endif
