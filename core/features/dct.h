/* Discrete cosine transform, type II, orthonormal: Ahmed, Natarajan and Rao, "Discrete cosine
 * transform", 1974. */
#ifndef SPIRA_CORE_FEATURES_DCT_H
#define SPIRA_CORE_FEATURES_DCT_H

#include <stddef.h>

/* D(m,k) = s(k) cos(pi (m + 1/2) k / M), s(0) = sqrt(1/M), else sqrt(2/M): M inputs, K <= M
 * coefficients. Fills ret_matrix (M,K). */
void spira_dct_matrix(float *ret_matrix, size_t M, size_t K);

#endif
