#include "adapters/flaky/audio_source_flaky.h"

struct flaky_source {
    struct spira_audio_source inner;
    struct spira_flaky_play play;
};

struct flaky_reader {
    struct spira_audio_reader inner;
    const struct spira_flaky_play *play; /* its source's */
};

static enum spira_code read_frames(void *self, float *samples, size_t frames, size_t *ret_frames,
                                   struct spira_error *err)
{
    struct flaky_reader *flaky = self;
    SPIRA_FLAKY_READ(flaky->play, "read",
                     spira_audio_read(flaky->inner, samples, frames, ret_frames, err), err);
}

static void close_reader(void *self)
{
    struct flaky_reader *flaky = self;
    spira_audio_reader_done(&flaky->inner);
    free(flaky);
}

static enum spira_code open_recording(void *self, const char *path,
                                      struct spira_audio_reader *ret_reader,
                                      struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    static const struct spira_audio_reader_ops ops = {.read = read_frames, .close = close_reader};
    struct flaky_source *source = self;
    struct spira_flaky_turn turn = spira_flaky_next(&source->play, "open");
    if (turn.before != SPIRA_OK || turn.after != SPIRA_OK)
        return spira_flaky_fail(turn.before ? turn.before : turn.after, "open", err);
    struct spira_audio_reader inner;
    enum spira_code code = spira_audio_open(source->inner, path, &inner, ret_facts, err);
    if (code != SPIRA_OK)
        return code;
    struct flaky_reader *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_reader){.inner = inner, .play = &source->play};
    *ret_reader = (struct spira_audio_reader){.ops = &ops, .self = flaky};
    return SPIRA_OK;
}

static void close_flaky(void *self)
{
    struct flaky_source *flaky = self;
    spira_audio_source_done(&flaky->inner);
    free(flaky);
}

struct spira_audio_source spira_audio_source_flaky(struct spira_audio_source inner,
                                                   struct spira_flaky_script *scripts, size_t count)
{
    static const struct spira_audio_source_ops ops = {.open = open_recording, .close = close_flaky};
    struct flaky_source *flaky = spira_alloc(1, sizeof *flaky);
    *flaky = (struct flaky_source){.inner = inner, .play = {scripts, count}};
    return (struct spira_audio_source){.ops = &ops, .self = flaky};
}
