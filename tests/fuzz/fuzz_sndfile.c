#include "adapters/sndfile/sndfile_audio.h"
#include "tests/fuzz/fuzz.h"

enum { PIECE = 4096, MAX_PIECES = 64 }; /* a few bytes of FLAC may hold an hour */

/* LeakSanitizer asks for this. libsndfile 1.2.0 forgets memory of its decoders when it refuses some
 * broken Ogg files; our own leaks are still found. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsndfile\nleak:libvorbis\nleak:libogg\nleak:libopus\nleak:libFLAC\n"
           "leak:libmpg123\n";
}

/* An accepted recording is within the limits, and can be read until it ends or breaks. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_audio_reader_done)
    struct spira_audio_reader reader = {0};
    struct spira_audio_facts facts;
    enum spira_code code = spira_audio_open(spira_audio_source_sndfile(), fuzz_file(data, size),
                                            &reader, &facts, &err);
    if (code != SPIRA_OK) {
        fuzz_refused(code, &err);
        return 0;
    }
    assert(facts.channels >= 1 && facts.channels <= SPIRA_AUDIO_MAX_CHANNELS);
    assert(facts.rate_hz >= SPIRA_AUDIO_MIN_RATE_HZ && facts.rate_hz <= SPIRA_AUDIO_MAX_RATE_HZ);
    assert(facts.format[0] != '\0');
    static float samples[PIECE * SPIRA_AUDIO_MAX_CHANNELS];
    size_t got = PIECE;
    for (int piece = 0; piece < MAX_PIECES && code == SPIRA_OK && got == PIECE; piece++)
        code = spira_audio_read(reader, samples, PIECE, &got, &err);
    if (code != SPIRA_OK)
        fuzz_refused(code, &err);
    return 0;
}
