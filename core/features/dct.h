/* Discrete cosine transform, type II, orthonormal: Ahmed, Natarajan and Rao, "Discrete cosine
 * transform", 1974. */
#ifndef SPIRA_CORE_FEATURES_DCT_H
#define SPIRA_CORE_FEATURES_DCT_H

#include <stddef.h>

/* D(m,k) = s(k) cos(pi (m + 1/2) k / M), s(0) = sqrt(1/M), else sqrt(2/M): M inputs, K <= M
 * coefficients. Fills ret_matrix (M,K). */
void spira_dct_matrix(float *ret_matrix, size_t M, size_t K);

/* y(t,k) = sum over m of x(t,m) D(m,k). x (T,M), matrix (M,K) borrows; ret_y (T,K) fills. */
void spira_dct_apply(float *restrict ret_y, const float *restrict x, const float *restrict matrix,
                     size_t T, size_t M, size_t K);

#endif
