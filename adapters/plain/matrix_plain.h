/* The matrix port in plain C, with no library. */
#ifndef SPIRA_ADAPTERS_PLAIN_MATRIX_PLAIN_H
#define SPIRA_ADAPTERS_PLAIN_MATRIX_PLAIN_H

#include "core/ports/matrix.h"

/* Stateless: nothing to close. Any thread. Each element of C is summed over k from 0 up, in float:
 * its bits do not depend on transposition, leading dimensions or the other elements. */
struct spira_matrix spira_matrix_plain(void);

#endif
