#include <criterion/criterion.h>
#include <math.h>

#include "core/base/random.h"

/* Known answers of the Random123 distribution (kat_vectors, philox 4x32 10). */
Test(random, philox_gives_the_published_answers)
{
    uint32_t block[4];
    spira_philox((uint32_t[]){0, 0}, (uint32_t[]){0, 0, 0, 0}, block);
    cr_assert_eq(block[0], 0x6627e8d5u);
    cr_assert_eq(block[1], 0xe169c58du);
    cr_assert_eq(block[2], 0xbc57ac4cu);
    cr_assert_eq(block[3], 0x9b00dbd8u);
    spira_philox((uint32_t[]){0xa4093822u, 0x299f31d0u},
                 (uint32_t[]){0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, block);
    cr_assert_eq(block[0], 0xd16cfe09u);
    cr_assert_eq(block[1], 0x94fdccebu);
    cr_assert_eq(block[2], 0x5001e420u);
    cr_assert_eq(block[3], 0x24126ea1u);
}

Test(random, a_stream_depends_on_all_of_its_name)
{
    struct spira_random same = spira_random_stream(42, SPIRA_FOR_NOISE, 7, 1);
    struct spira_random again = spira_random_stream(42, SPIRA_FOR_NOISE, 7, 1);
    struct spira_random others[] = {spira_random_stream(43, SPIRA_FOR_NOISE, 7, 1),
                                    spira_random_stream(42, SPIRA_FOR_SPLIT, 7, 1),
                                    spira_random_stream(42, SPIRA_FOR_NOISE, 8, 1),
                                    spira_random_stream(42, SPIRA_FOR_NOISE, 7, 2),
                                    spira_random_stream(42, SPIRA_FOR_NOISE, 7 + (1ull << 32), 1)};
    uint32_t first = spira_random_u32(&same);
    cr_assert_eq(first, spira_random_u32(&again));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert_neq(first, spira_random_u32(&others[i]));
}

Test(random, beta_has_the_mean_and_variance_of_the_distribution)
{
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_MIXTURE, 0, 0);
    double sum = 0, squares = 0;
    enum { DRAWS = 100000 };
    for (int i = 0; i < DRAWS; i++) {
        double x = spira_random_beta(&random, 0.4, 0.4);
        cr_assert(x >= 0 && x <= 1);
        sum += x;
        squares += x * x;
    }
    double mean = sum / DRAWS;
    cr_assert_float_eq(mean, 0.5, 0.005);
    cr_assert_float_eq(squares / DRAWS - mean * mean, 0.25 / 1.8, 0.002);
}

Test(random, a_permutation_holds_each_index_once)
{
    size_t order[100];
    int seen[100] = {0};
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_SHUFFLE, 0, 0);
    spira_random_permutation(&random, 100, order);
    int moved = 0;
    for (size_t i = 0; i < 100; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(seen[i], 1);
    cr_assert_gt(moved, 80);
}
