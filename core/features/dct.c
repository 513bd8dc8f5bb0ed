#include "core/features/dct.h"

#include <math.h>

void spira_dct_matrix(float *ret_matrix, size_t M, size_t K)
{
    for (size_t m = 0; m < M; m++)
        for (size_t k = 0; k < K; k++) {
            double scale = sqrt((k == 0 ? 1.0 : 2.0) / (double)M);
            double angle = M_PI * ((double)m + 0.5) * (double)k / (double)M;
            ret_matrix[m * K + k] = (float)(scale * cos(angle));
        }
}
