#include <unistd.h>

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/sndfile/sndfile_audio.h"
#include "bench/bench.h"
#include "core/audio/resample.h"
#include "core/audio/wave.h"
#include "core/base/parallel.h"
#include "core/base/random.h"
#include "core/features/extractor.h"

enum { CLIPS = 8, SECONDS = 10, RATE_HZ = 16000, FILE_RATE_HZ = 48000, THREADS_MAX = 64 };

/* Noise of full-scale 16-bit samples. */
static float *draw_samples(size_t count)
{
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, 0, 0);
    float *samples = spira_alloc(count, sizeof *samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(spira_random_unit(&random) * 2 - 1);
    return samples;
}

/* What each clip goes through. */
struct clips {
    size_t threads;
    struct spira_feature_extractor *extractor;
    struct spira_feature_workspace workspaces[THREADS_MAX];
    float *samples;        /* (CLIPS, SECONDS * rate) */
    float *results[CLIPS]; /* features, or samples at another rate */
    char paths[CLIPS][64];
};

static void open_extractor(struct clips *clips)
{
    struct spira_error err;
    const struct spira_feature_config config = {.type = SPIRA_MFCC,
                                                .n_fft = 1200,
                                                .win_length = 400,
                                                .hop_length = 160,
                                                .num_mels = 40,
                                                .num_mfcc = 40};
    SPIRA_BENCH_MUST(spira_feature_extractor_new(&config, RATE_HZ, spira_fourier_fftw(),
                                                 &clips->extractor, &err),
                     &err);
    size_t frames = spira_feature_extractor_frames(clips->extractor, SECONDS * RATE_HZ);
    for (size_t i = 0; i < CLIPS; i++)
        clips->results[i] =
            spira_alloc(frames * spira_feature_extractor_dims(clips->extractor), sizeof(float));
    for (size_t i = 0; i < clips->threads; i++)
        SPIRA_BENCH_MUST(spira_feature_workspace_reserve(&clips->workspaces[i], clips->extractor,
                                                         SECONDS * RATE_HZ, &err),
                         &err);
}

static void clips_done(struct clips *clips)
{
    spira_feature_extractor_free(clips->extractor);
    for (size_t i = 0; i < clips->threads; i++)
        spira_feature_workspace_done(&clips->workspaces[i]);
    for (size_t i = 0; i < CLIPS; i++) {
        free(clips->results[i]);
        if (clips->paths[i][0])
            unlink(clips->paths[i]);
    }
    free(clips->samples);
}

static double per_second_of_audio(double seconds)
{
    return seconds * 1e6 / (CLIPS * SECONDS);
}

static void compute_piece(void *context, size_t index, size_t thread)
{
    struct clips *clips = context;
    spira_feature_extractor_compute(clips->extractor, &clips->workspaces[thread],
                                    clips->samples + index * SECONDS * RATE_HZ, SECONDS * RATE_HZ,
                                    clips->results[index]);
}

static void compute_clips(void *context)
{
    struct clips *clips = context;
    spira_parallel(CLIPS, clips->threads, compute_piece, clips);
}

double spira_bench_features(size_t threads)
{
    struct clips clips = {.threads = threads, .samples = draw_samples(CLIPS * SECONDS * RATE_HZ)};
    open_extractor(&clips);
    double seconds = spira_bench_median(compute_clips, &clips);
    clips_done(&clips);
    return per_second_of_audio(seconds);
}

/* A WAV file of 16-bit noise at 48 kHz (Microsoft and IBM, "Multimedia Programming Interface and
 * Data Specifications 1.0"). */
static void write_wav(char path[64], const float *samples, size_t count)
{
    snprintf(path, 64, "/tmp/spira-bench-XXXXXX");
    int descriptor = mkstemp(path);
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!file)
        spira_bench_stop("no temporary file");
    uint32_t bytes = (uint32_t)(count * 2), riff = bytes + 36, format = 16;
    uint32_t rate = FILE_RATE_HZ, byte_rate = FILE_RATE_HZ * 2;
    const uint16_t pcm_mono[2] = {1, 1}, align_bits[2] = {2, 16};
    fwrite("RIFF", 1, 4, file);
    fwrite(&riff, 4, 1, file);
    fwrite("WAVEfmt ", 1, 8, file);
    fwrite(&format, 4, 1, file);
    fwrite(pcm_mono, 2, 2, file);
    fwrite(&rate, 4, 1, file);
    fwrite(&byte_rate, 4, 1, file);
    fwrite(align_bits, 2, 2, file);
    fwrite("data", 1, 4, file);
    fwrite(&bytes, 4, 1, file);
    for (size_t i = 0; i < count; i++) {
        int16_t sample = (int16_t)(samples[i] * 32767);
        fwrite(&sample, 2, 1, file);
    }
}

static void file_piece(void *context, size_t index, size_t thread)
{
    struct clips *clips = context;
    struct spira_error err;
    struct spira_wave wave = {0};
    SPIRA_BENCH_MUST(spira_wave_load(spira_audio_source_sndfile(), clips->paths[index], RATE_HZ,
                                     SECONDS + 1, &wave, NULL, &err),
                     &err);
    spira_feature_extractor_compute(clips->extractor, &clips->workspaces[thread], wave.samples,
                                    wave.count, clips->results[index]);
    spira_wave_done(&wave);
}

static void compute_files(void *context)
{
    struct clips *clips = context;
    spira_parallel(CLIPS, clips->threads, file_piece, clips);
}

double spira_bench_features_file(size_t threads)
{
    struct clips clips = {.threads = threads, .samples = draw_samples(SECONDS * FILE_RATE_HZ)};
    open_extractor(&clips);
    for (size_t i = 0; i < CLIPS; i++)
        write_wav(clips.paths[i], clips.samples, SECONDS * FILE_RATE_HZ);
    double seconds = spira_bench_median(compute_files, &clips);
    clips_done(&clips);
    return per_second_of_audio(seconds);
}

static void resample_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct clips *clips = context;
    struct spira_error err;
    SPIRA_BENCH_MUST(spira_resample(clips->samples + index * SECONDS * FILE_RATE_HZ,
                                    SECONDS * FILE_RATE_HZ, FILE_RATE_HZ, RATE_HZ,
                                    clips->results[index], &err),
                     &err);
}

static void resample_clips(void *context)
{
    struct clips *clips = context;
    spira_parallel(CLIPS, clips->threads, resample_piece, clips);
}

double spira_bench_resample(size_t threads)
{
    struct clips clips = {.threads = threads,
                          .samples = draw_samples(CLIPS * SECONDS * FILE_RATE_HZ)};
    for (size_t i = 0; i < CLIPS; i++)
        clips.results[i] = spira_alloc(SECONDS * RATE_HZ, sizeof(float));
    double seconds = spira_bench_median(resample_clips, &clips);
    clips_done(&clips);
    return per_second_of_audio(seconds);
}
