/* The matrix port by OpenBLAS. */
#ifndef SPIRA_ADAPTERS_OPENBLAS_MATRIX_OPENBLAS_H
#define SPIRA_ADAPTERS_OPENBLAS_MATRIX_OPENBLAS_H

#include "core/ports/matrix.h"

/* Stateless: nothing to close. Any thread. Sets OpenBLAS, for the whole process, to one thread per
 * call, whatever OPENBLAS_NUM_THREADS and OMP_NUM_THREADS say: how a product is cut decides its
 * bits. Which kernel OpenBLAS takes, and so the bits, depends on the machine's processor. */
struct spira_matrix spira_matrix_openblas(void);

#endif
