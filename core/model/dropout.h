/* Which activations dropout keeps: a hash of the element under a key of its own for each (seed,
 * step, layer, window), so that order and threads change nothing. Masks are inside of core/model/.
 */
#ifndef SPIRA_CORE_MODEL_DROPOUT_H
#define SPIRA_CORE_MODEL_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/random.h"

/* Names the dropout masks of one pass: each bit is named by (seed, step, layer, window, element),
 * where window counts from first_window. */
struct spira_dropout {
    double share; /* of the activations that become 0; 0: no dropout */
    uint64_t seed;
    uint64_t step;
    size_t first_window;
};

/* The mask of one layer of one window. */
struct spira_mask {
    uint32_t key[2];
    uint32_t least; /* hashes below this (of 2^24) are dropped; 0: nothing is */
    float scale;    /* of what is kept: 1 / (1 - share) */
};

/* layer: 0 to 3 the convolutions, 4 the first linear layer; window as in struct spira_window's
 * batch. dropout NULL: the mask that keeps everything. */
static inline struct spira_mask spira_mask(const struct spira_dropout *dropout, size_t layer,
                                           size_t window)
{
    if (!dropout || dropout->share <= 0)
        return (struct spira_mask){.scale = 1};
    struct spira_random random =
        spira_random_stream(dropout->seed, SPIRA_FOR_DROPOUT, dropout->step,
                            (uint32_t)(layer << 28 | (dropout->first_window + window)));
    return (struct spira_mask){
        .key = {spira_random_u32(&random), spira_random_u32(&random)},
        .least = (uint32_t)(dropout->share * (1 << 24)),
        .scale = (float)(1 / (1 - dropout->share)),
    };
}

/* The constants of the hash: Mueller's "lowbias32", keyed in the middle. */
#define SPIRA_MASK_SPREAD 0x9E3779B9u
#define SPIRA_MASK_FIRST 0x21F0AAADu
#define SPIRA_MASK_SECOND 0x735A2D97u

/* What element of the layer is multiplied with: scale or 0. */
static inline float spira_mask_factor(const struct spira_mask *mask, uint32_t element)
{
    uint32_t x = element * SPIRA_MASK_SPREAD + mask->key[0];
    x = (x ^ x >> 16) * SPIRA_MASK_FIRST;
    x = (x ^ x >> 15) + mask->key[1];
    x *= SPIRA_MASK_SECOND;
    x ^= x >> 15;
    return (int32_t)(x >> 8) >= (int32_t)mask->least ? mask->scale : 0.0f;
}

#endif
