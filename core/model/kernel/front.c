#include "core/model/kernel/front.h"

/* Beyond a list, and beyond what is read back from one, a whole vector may be touched. */
enum { LINE = 16, SLACK = 16, HALF_VECTOR = 8, TAPS = SPIRA_FRONT_REACH + 1 };

bool spira_front_covers(size_t features)
{
    return 2 * features % LINE == 0;
}

size_t spira_front_tile(size_t features)
{
    return 2 * features * SPIRA_FRONT_OUTPUTS + LINE;
}

static size_t tiles_size(const struct spira_conv_frames *frames, size_t features)
{
    return (spira_tiles(frames[1].out, 2) + 2 * SPIRA_FRONT_REACH) * spira_front_tile(features);
}

/* The next bytes of a piece of memory, whole cache lines; NULL memory: counts only. */
static void *take(float *memory, size_t *floats, size_t count, size_t size)
{
    void *place = memory ? memory + *floats : NULL;
    *floats += (count * size + LINE * sizeof(float) - 1) / (LINE * sizeof(float)) * LINE;
    return place;
}

static size_t place_kept(const struct spira_conv_frames *frames, size_t features, bool training,
                         float *memory, struct spira_front_kept *kept)
{
    size_t floats = 0, pairs = spira_tiles(frames[0].kept, 2), row = 2 * features;
    size_t values = pairs * row * SPIRA_FRONT_CHANNELS, after = frames[1].kept * features;
    *kept = (struct spira_front_kept){0};
    kept->y = take(memory, &floats, tiles_size(frames, features), sizeof(float));
    if (!training)
        return floats;
    kept->value = take(memory, &floats, values + SLACK, sizeof(float));
    kept->slope = take(memory, &floats, values + SLACK, sizeof(float));
    kept->channels = take(memory, &floats, pairs * row, sizeof *kept->channels);
    kept->second = take(memory, &floats, values / SLACK + SLACK, sizeof *kept->second);
    kept->first = take(memory, &floats, pairs + 1, sizeof *kept->first);
    kept->second_after = take(memory, &floats, after, sizeof *kept->second_after);
    kept->kept_after = take(memory, &floats, after, sizeof *kept->kept_after);
    kept->lags = take(memory, &floats, 1, sizeof *kept->lags);
    return floats;
}

static size_t place_scratch(const struct spira_conv_frames *frames, size_t features, bool training,
                            float *memory, struct spira_front_scratch *scratch)
{
    size_t floats = 0, values = 2 * features * SPIRA_FRONT_CHANNELS;
    *scratch = (struct spira_front_scratch){0};
    scratch->spread = take(memory, &floats, 2 * values, sizeof(float));
    if (!training)
        return floats;
    scratch->first = take(memory, &floats, values + SLACK, sizeof(float));
    scratch->last = take(memory, &floats, values + SLACK, sizeof(float));
    scratch->partial = take(memory, &floats, (values + SLACK) * HALF_VECTOR, sizeof(float));
    scratch->values = take(memory, &floats, values, sizeof(float));
    scratch->positions =
        take(memory, &floats, values / 32 + SPIRA_FRONT_CHANNELS, sizeof *scratch->positions);
    scratch->places = take(memory, &floats, values, sizeof *scratch->places);
    scratch->pooled =
        take(memory, &floats, frames[1].kept * features * SPIRA_FRONT_OUTPUTS, sizeof(float));
    scratch->dy = take(memory, &floats, tiles_size(frames, features), sizeof(float));
    scratch->weights =
        take(memory, &floats, SPIRA_FRONT_CHANNELS * TAPS * SPIRA_FRONT_OUTPUTS, sizeof(float));
    return floats;
}

size_t spira_front_kept_size(const struct spira_conv_frames *frames, size_t features, bool training)
{
    struct spira_front_kept kept;
    return place_kept(frames, features, training, NULL, &kept);
}

size_t spira_front_scratch_size(const struct spira_conv_frames *frames, size_t features,
                                bool training)
{
    struct spira_front_scratch scratch;
    return place_scratch(frames, features, training, NULL, &scratch);
}

struct spira_front_kept spira_front_place_kept(const struct spira_conv_frames *frames,
                                               size_t features, bool training, float *memory)
{
    struct spira_front_kept kept;
    place_kept(frames, features, training, memory, &kept);
    return kept;
}

struct spira_front_scratch spira_front_place_scratch(const struct spira_conv_frames *frames,
                                                     size_t features, bool training, float *memory)
{
    struct spira_front_scratch scratch;
    place_scratch(frames, features, training, memory, &scratch);
    return scratch;
}

void spira_front_pack(const float *weights, float *ret_packed)
{
    for (size_t co = 0; co < SPIRA_FRONT_OUTPUTS; co++)
        for (size_t ci = 0; ci < SPIRA_FRONT_CHANNELS; ci++)
            for (size_t k = 0; k < TAPS; k++)
                ret_packed[(ci * TAPS + k) * SPIRA_FRONT_OUTPUTS + co] =
                    weights[(co * SPIRA_FRONT_CHANNELS + ci) * TAPS + k];
}
