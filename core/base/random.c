#include "core/base/random.h"

#include <assert.h>
#include <math.h>

void spira_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t ret_block[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    ret_block[0] = c0;
    ret_block[1] = c1;
    ret_block[2] = c2;
    ret_block[3] = c3;
}

struct spira_random spira_random_stream(uint64_t seed, enum spira_purpose purpose, uint64_t a,
                                        uint32_t b)
{
    /* Seed and purpose make the key through one Philox block, so that near seeds give unrelated
     * keys. */
    uint32_t seed_key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t named[4] = {(uint32_t)purpose, b, 0, 0};
    uint32_t mixed[4];
    spira_philox(seed_key, named, mixed);
    return (struct spira_random){
        .key = {mixed[0], mixed[1]},
        .counter = {0, 0, (uint32_t)a, (uint32_t)(a >> 32)},
        .used = 4,
    };
}

uint32_t spira_random_u32(struct spira_random *random)
{
    if (random->used == 4) {
        spira_philox(random->key, random->counter, random->block);
        if (++random->counter[0] == 0)
            random->counter[1]++;
        random->used = 0;
    }
    return random->block[random->used++];
}

static uint64_t next_u64(struct spira_random *random)
{
    uint64_t high = spira_random_u32(random);
    return high << 32 | spira_random_u32(random);
}

double spira_random_unit(struct spira_random *random)
{
    return (double)(next_u64(random) >> 11) * 0x1p-53;
}

uint64_t spira_random_below(struct spira_random *random, uint64_t limit)
{
    assert(limit > 0);
    uint64_t reject_from = UINT64_MAX - UINT64_MAX % limit;
    uint64_t drawn;
    do
        drawn = next_u64(random);
    while (drawn >= reject_from);
    return drawn % limit;
}

double spira_random_normal(struct spira_random *random)
{
    /* Box and Muller, one of the pair. 1 - u is never 0. */
    double radius = sqrt(-2 * log(1 - spira_random_unit(random)));
    return radius * cos(2 * M_PI * spira_random_unit(random));
}

/* Marsaglia and Tsang (2000); below 1 through Gamma(shape + 1) * U^(1/shape). */
static double random_gamma(struct spira_random *random, double shape)
{
    if (shape < 1) {
        double boosted = random_gamma(random, shape + 1);
        return boosted * pow(1 - spira_random_unit(random), 1 / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = spira_random_normal(random);
        double v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - spira_random_unit(random)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

double spira_random_beta(struct spira_random *random, double alpha, double beta)
{
    assert(alpha > 0 && beta > 0);
    double x = random_gamma(random, alpha);
    double y = random_gamma(random, beta);
    return x + y > 0 ? x / (x + y) : 0.5;
}

void spira_random_permutation(struct spira_random *random, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)spira_random_below(random, i);
        size_t moved = order[i - 1];
        order[i - 1] = order[j];
        order[j] = moved;
    }
}

uint64_t spira_hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    return hash;
}
