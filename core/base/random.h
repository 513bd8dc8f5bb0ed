/* Counter-based random numbers: a stream is named by (seed, purpose, a, b), not by what was drawn
 * before, so order, threads and restarts change nothing. Philox 4x32-10: Salmon, Moraes, Dror and
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef SPIRA_CORE_BASE_RANDOM_H
#define SPIRA_CORE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for: two purposes never share a number. The values are part of every result's
 * identity; append, never reorder. */
enum spira_purpose {
    SPIRA_FOR_SPLIT = 1,
    SPIRA_FOR_NOISE = 2,
    SPIRA_FOR_WEIGHTS = 3,
    SPIRA_FOR_SHUFFLE = 4,
    SPIRA_FOR_DROPOUT = 5,
    SPIRA_FOR_MIXTURE = 6,
    SPIRA_FOR_BACKOFF = 7,
    SPIRA_FOR_FOLDS = 8
};

struct spira_random {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    unsigned used; /* of block */
};

/* One block of Philox 4x32-10. */
void spira_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_block[4]);

/* The stream (seed, purpose, a, b), at its beginning. */
struct spira_random spira_random_stream(uint64_t seed, enum spira_purpose purpose, uint64_t a,
                                        uint32_t b);

/* The next number of the stream. */
uint32_t spira_random_u32(struct spira_random *random);
double spira_random_unit(struct spira_random *random); /* [0, 1), 53 bits */
uint64_t spira_random_below(struct spira_random *random,
                            uint64_t limit);             /* [0, limit), unbiased; limit > 0 */
double spira_random_normal(struct spira_random *random); /* mean 0, variance 1 */
double spira_random_beta(struct spira_random *random, double alpha, double beta); /* both > 0 */

/* Fills order with a uniform permutation of 0..count-1 (Fisher and Yates). */
void spira_random_permutation(struct spira_random *random, size_t count, size_t *order);

/* 64 bits that depend on every byte of text (FNV-1a, then mixed): the "a" of a stream for a name.
 */
uint64_t spira_hash_text(const char *text);

#endif
