#include "core/features/fft.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* From the whole down to the single points, whose stage needs no turns: a 5 saves the most there.
 */
static const size_t radices[] = {4, 2, 3, 5};

static size_t first_radix(size_t n)
{
    for (size_t i = 0; i < sizeof radices / sizeof *radices; i++)
        if (n % radices[i] == 0)
            return radices[i];
    return 0;
}

bool spira_fft_covers(size_t n)
{
    if (n < 2)
        return false;
    while (n > 1) {
        size_t radix = first_radix(n);
        if (radix == 0)
            return false;
        n /= radix;
    }
    return true;
}

enum spira_code spira_fft_init(struct spira_fft *ret_fft, size_t n, struct spira_error *err)
{
    assert(spira_fft_covers(n));
    struct spira_fft fft = {.points = n};
    size_t total = 0;
    for (size_t points = n; points > 1; fft.stage_count++) {
        size_t radix = first_radix(points), rest = points / radix;
        fft.stages[fft.stage_count] = (struct spira_fft_stage){.radix = radix, .rest = rest};
        total += rest * (radix - 1);
        points = rest;
    }
    enum spira_code code =
        spira_big_alloc(&fft.turns, total, sizeof *fft.turns, "tables of a transform", err);
    if (code != SPIRA_OK)
        return code;
    float(*turn)[2] = fft.turns;
    for (size_t i = 0; i < fft.stage_count; i++) {
        struct spira_fft_stage *stage = &fft.stages[i];
        stage->turns = turn;
        for (size_t k = 0; k < stage->rest; k++)
            for (size_t s = 1; s < stage->radix; s++, turn++) {
                double angle = -2 * M_PI * (double)(s * k) / (double)(stage->radix * stage->rest);
                (*turn)[0] = (float)cos(angle);
                (*turn)[1] = (float)sin(angle);
            }
    }
    *ret_fft = fft;
    return SPIRA_OK;
}

void spira_fft_done(struct spira_fft *fft)
{
    free(fft->turns);
    *fft = (struct spira_fft){0};
}
