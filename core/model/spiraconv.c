#include "core/model/spiraconv.h"

const struct spira_conv spira_convs[SPIRA_CONVS] = {
    {.in = 1, .out = 32, .kernel = 7, .dilation = 2, .groups = 16, .pooled = true},
    {.in = 32, .out = 16, .kernel = 5, .dilation = 2, .groups = 8, .pooled = true},
    {.in = 16, .out = 8, .kernel = 3, .dilation = 2, .groups = 4, .pooled = true},
    {.in = 8, .out = 4, .kernel = 2, .dilation = 1, .groups = 2, .pooled = false},
};

bool spira_conv_frames(size_t frames, struct spira_conv_frames ret_frames[SPIRA_CONVS])
{
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        size_t reach = spira_convs[i].dilation * (spira_convs[i].kernel - 1);
        if (frames <= reach)
            return false;
        size_t out = frames - reach;
        size_t kept = spira_convs[i].pooled ? out / SPIRA_POOL : out;
        ret_frames[i] = (struct spira_conv_frames){.in = frames, .out = out, .kept = kept};
        frames = kept;
    }
    return frames > 0;
}

size_t spira_conv_min_frames(void)
{
    struct spira_conv_frames frames[SPIRA_CONVS];
    size_t least = 1;
    while (!spira_conv_frames(least, frames))
        least++;
    return least;
}
