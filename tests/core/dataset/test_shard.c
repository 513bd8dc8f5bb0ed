/* Shards over recordings in memory, read back from their files. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "adapters/flaky/audio_source_flaky.h"
#include "adapters/memory/audio_source_memory.h"
#include "adapters/plain/fourier_plain.h"
#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"
#include "core/dataset/shard.h"
#include "core/features/examples.h"
#include "tests/core/dataset/corpus_parts.h"

enum { RATE = 4000, SOURCE_RATE = 8000, RECORDINGS = 5, WARD = 100 };

/* Seconds of each recording; the copies of each. */
static const double seconds[RECORDINGS] = {1.0, 0.3, 2.5, 1.7, 1.2};
static const int copies[RECORDINGS] = {3, 1, 1, 2, 1};

static char folder[] = "/tmp/spira-test-shard-XXXXXX";
static struct spira_run_config config;
static struct spira_shard_job job;
static struct spira_value *recordings, *noises;
static char *path;

static size_t frames_of(int recording)
{
    return (size_t)(seconds[recording] * SOURCE_RATE);
}

/* Puts something that sounds under a digest; at 8 kHz, so that it has to be resampled. */
static void put_audio(const char *sha256, size_t frames, uint64_t seed)
{
    struct spira_random random = spira_random_stream(seed, SPIRA_FOR_NOISE, 1, 0);
    SPIRA_CLEANUP(spira_free_at)
    float *samples = spira_alloc(frames + 1, sizeof *samples);
    for (size_t i = 0; i < frames; i++)
        samples[i] = (float)(0.1 * spira_random_normal(&random));
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("inputs/%s", sha256);
    spira_audio_source_memory_add(job.audio, name, samples, (int64_t)frames, SOURCE_RATE, 1);
}

/* A source of the noise and all recordings. */
static struct spira_audio_source make_audio(void)
{
    job.audio = spira_audio_source_memory();
    put_audio(hex_of(WARD).text, 3 * SOURCE_RATE, WARD);
    for (int i = 0; i < RECORDINGS; i++)
        put_audio(hex_of((uint64_t)i).text, frames_of(i), (uint64_t)i);
    return job.audio;
}

static void add_recording(int index)
{
    struct spira_value *row = spira_value_append(recordings, spira_value_map());
    spira_value_set_text(row, "sha256", hex_of((uint64_t)index).text);
    spira_value_set_int(row, "label", index % 2);
    spira_value_set_int(row, "copies", copies[index]);
}

static void setup(void)
{
    cr_assert(mkdtemp(folder));
    path = spira_format("%s/%s", folder, spira_shard_name(7).text);
    config = (struct spira_run_config){
        .audio = {.rate_hz = RATE},
        .features = {.type = SPIRA_MFCC,
                     .n_fft = 64,
                     .win_length = 40,
                     .hop_length = 20,
                     .num_mels = 10,
                     .num_mfcc = 8},
        .transform = {.noise = {.enabled = true,
                                .num_control = 1,
                                .num_patient = 2,
                                .min_amp = 0.1,
                                .max_amp = 0.2},
                      .overlap = {.enabled = true, .window_seconds = 0.4, .step_seconds = 0.1}},
    };
    recordings = spira_value_list();
    noises = spira_value_list();
    spira_value_append(noises, spira_value_text(hex_of(WARD).text));
    job = (struct spira_shard_job){
        .config = &config,
        .seed = 42,
        .recordings = recordings,
        .noises = noises,
        .inputs = "inputs",
        .path = path,
        .audio = make_audio(),
        .fourier = spira_fourier_plain(),
        .tensors = spira_tensors_safetensors(),
        .threads = 1,
    };
    for (int i = 0; i < RECORDINGS; i++)
        add_recording(i);
}

static void teardown(void)
{
    struct spira_error err;
    spira_value_free(recordings);
    spira_value_free(noises);
    spira_audio_source_done(&job.audio);
    free(path);
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

TestSuite(shard, .init = setup, .fini = teardown);

static struct spira_value *compute(void)
{
    struct spira_error err = {0};
    struct spira_value *result = NULL;
    cr_assert_eq(spira_shard_compute(&job, &result, &err), SPIRA_OK, "%s", err.message);
    return result;
}

static enum spira_code failure(struct spira_error *err)
{
    struct spira_value *result = NULL;
    enum spira_code code = spira_shard_compute(&job, &result, err);
    cr_assert_null(result);
    cr_assert_neq(access(path, F_OK), 0, "no file of a shard that failed");
    return code;
}

static struct spira_tensor_file open_shard(void)
{
    struct spira_error err = {0};
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(job.tensors, path, &file, &err), SPIRA_OK, "%s", err.message);
    return file;
}

static struct spira_bytes bytes_of_shard(void)
{
    struct spira_error err = {0};
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 100 << 20, &bytes, &err), SPIRA_OK, "%s", err.message);
    return bytes;
}

static struct spira_wave wave_of(int number)
{
    struct spira_error err = {0};
    struct spira_wave wave = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("inputs/%s", hex_of((uint64_t)number).text);
    cr_assert_eq(spira_wave_load(job.audio, name, RATE, 2000, &wave, NULL, &err), SPIRA_OK, "%s",
                 err.message);
    return wave;
}

/* Compares one tensor of the shard with what the chain of core/features/ makes of the recording. */
static void compare_copy(const struct spira_tensor_file *file,
                         const struct spira_example_chain *chain, int index, uint32_t copy)
{
    struct spira_error err = {0};
    struct spira_wave wave = wave_of(index);
    SPIRA_CLEANUP(spira_example_done)
    struct spira_example example = {0};
    SPIRA_CLEANUP(spira_examples_done)
    struct spira_examples examples = {0};
    const struct hex sha256 = hex_of((uint64_t)index);
    cr_assert_eq(spira_example_init(chain, &wave, index % 2, sha256.text, copy, &example, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_examples_begin(&examples, chain, &example, &err), SPIRA_OK);
    const size_t shape[3] = {example.shape.windows, example.shape.frames, example.shape.dims};
    const float *found = NULL;
    cr_assert_eq(spira_tensor_expect(file, "shard", spira_shard_tensor_name(sha256.text, copy).text,
                                     SPIRA_F32, 3, shape, &found, &err),
                 SPIRA_OK, "%s", err.message);
    const size_t values = shape[1] * shape[2];
    SPIRA_CLEANUP(spira_free_at)
    float *expected = spira_alloc(values, sizeof *expected);
    for (size_t window = 0; window < shape[0]; window++) {
        cr_assert_eq(spira_examples_compute(&examples, chain, window, expected, &err), SPIRA_OK);
        cr_assert_arr_eq(found + window * values, expected, values * sizeof *expected);
    }
    spira_wave_done(&wave);
}

/* The same for every tensor. */
static void compare_copies(void)
{
    struct spira_error err = {0};
    struct spira_feature_extractor *extractor = NULL;
    cr_assert_eq(spira_feature_extractor_new(&config.features, RATE, job.fourier, &extractor, &err),
                 SPIRA_OK);
    struct spira_wave ward = wave_of(WARD);
    const struct spira_example_chain chain = {.extractor = extractor,
                                              .transform = &config.transform,
                                              .rate_hz = RATE,
                                              .seed = 42,
                                              .noises = &ward,
                                              .noise_count = 1};
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = open_shard();
    cr_assert_eq(file.count, 8, "three copies, two, and one of each other");
    for (int i = 0; i < RECORDINGS; i++)
        for (int copy = 0; copy < copies[i]; copy++)
            compare_copy(&file, &chain, i, (uint32_t)copy);
    spira_wave_done(&ward);
    spira_feature_extractor_free(extractor);
}

Test(shard, holds_what_the_feature_chain_makes_of_each_copy)
{
    spira_value_free(compute());
    compare_copies();
}

/* Recordings above 16 MiB and noises above 24 MiB lie in a file meanwhile. */
Test(shard, what_is_too_long_for_memory_makes_the_same_features)
{
    config.transform.overlap.step_seconds = 1.7;
    put_audio(hex_of(WARD).text, (size_t)1600 * SOURCE_RATE, WARD);
    put_audio(hex_of(1).text, (size_t)1100 * SOURCE_RATE, 1);
    put_audio(hex_of(3).text, (size_t)1200 * SOURCE_RATE, 3);
    job.threads = 2;
    spira_value_free(compute());
    compare_copies();
    DIR *left = opendir(folder);
    size_t count = 0;
    while (readdir(left))
        count++;
    closedir(left);
    cr_assert_eq(count, 3, "the shard, \".\" and \"..\"");
}

Test(shard, copies_of_a_recording_differ)
{
    spira_value_free(compute());
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = open_shard();
    const struct spira_tensor *first =
        spira_tensor_find(&file, spira_shard_tensor_name(hex_of(0).text, 0).text);
    const struct spira_tensor *second =
        spira_tensor_find(&file, spira_shard_tensor_name(hex_of(0).text, 1).text);
    cr_assert_arr_neq(first->data, second->data, spira_tensor_elements(first) * sizeof(float));
}

Test(shard, result_has_the_shape_of_each_recording)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = compute();
    cr_assert_eq(spira_value_get_int(result, "features", 0), 8);
    cr_assert_eq(spira_value_count(spira_value_get(result, "quarantined")), 0);
    static const int64_t windows[RECORDINGS] = {7, 1, 22, 14, 9};
    for (int i = 0; i < RECORDINGS; i++) {
        const struct spira_value *row =
            spira_value_at(spira_value_get(result, "recordings"), (size_t)i);
        cr_assert_str_eq(spira_value_get_text(row, "sha256", ""), hex_of((uint64_t)i).text);
        cr_assert_eq(spira_value_get_int(row, "windows", 0), windows[i]);
        cr_assert_eq(spira_value_get_int(row, "frames", 0), 81);
    }
}

Test(shard, is_the_same_bytes_for_one_thread_and_three)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = compute();
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes one = bytes_of_shard();
    cr_assert_eq(unlink(path), 0);
    job.threads = 3;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *again = compute();
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes three = bytes_of_shard();
    cr_assert_eq(one.size, three.size);
    cr_assert_arr_eq(one.data, three.data, one.size);
    cr_assert(spira_value_equal(result, again));
    cr_assert_eq(unlink(path), 0);
    job.seed = 43;
    spira_value_free(compute());
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes seeded = bytes_of_shard();
    cr_assert_arr_neq(one.data, seeded.data, one.size, "another seed, other noise");
}

Test(shard, features_of_many_megabytes_are_written_group_by_group)
{
    /* 260 windows of 1001 x 33 values make 34 MB a copy: two copies fill the first group. */
    config.features.type = SPIRA_SPECTROGRAM;
    config.transform.overlap = (struct spira_overlap_config){true, 5, 0.01};
    for (size_t i = 0; i < 2; i++)
        put_audio(hex_of(i).text, (size_t)((i ? 5.1 : 7.59) * SOURCE_RATE), i);
    spira_value_set_int(spira_value_at(recordings, 0), "copies", 2);
    spira_value_set_int(spira_value_at(recordings, 1), "copies", 2);
    job.threads = 2;
    spira_value_free(compute());
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = open_shard();
    cr_assert_eq(file.count, 4 + 1 + 2 + 1);
    for (size_t i = 0; i < 4; i++) {
        const struct spira_tensor *tensor =
            spira_tensor_find(&file, spira_shard_tensor_name(hex_of(i / 2).text, i % 2).text);
        cr_assert_eq(tensor->shape[0], i / 2 ? 11 : 260);
        const size_t values = spira_tensor_elements(tensor);
        const float *data = tensor->data;
        size_t loud = 0;
        for (size_t v = 0; v < values; v++)
            loud += data[v] > 0;
        cr_assert_gt(loud, values * 9 / 10);
    }
}

/* Replaces a recording by count samples, the last of which is value. */
static void put_samples(int index, size_t count, float value)
{
    SPIRA_CLEANUP(spira_free_at)
    float *samples = spira_alloc(count + 1, sizeof *samples);
    if (count)
        samples[count - 1] = value;
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("inputs/%s", hex_of((uint64_t)index).text);
    spira_audio_source_memory_add(job.audio, name, samples, (int64_t)count, SOURCE_RATE, 1);
}

Test(shard, a_recording_that_cannot_be_used_is_quarantined_and_the_others_are_as_before)
{
    spira_value_free(compute());
    struct spira_tensor_file before = open_shard();
    put_samples(0, 9000, NAN);
    put_samples(3, 0, 0);
    cr_assert_eq(unlink(path), 0); /* what is open stays mapped */
    job.threads = 3;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = compute();
    const struct spira_value *quarantined = spira_value_get(result, "quarantined");
    cr_assert_eq(spira_value_count(quarantined), 2);
    const struct spira_value *note = find_row(quarantined, "recording_id", hex_of(0).text);
    cr_assert_str_eq(spira_value_get_text(note, "reason", ""), "unreadable");
    cr_assert_str_eq(spira_value_get_text(note, "message", ""),
                     "sample 8999 is not a finite number", "and no path of this machine");
    note = find_row(quarantined, "recording_id", hex_of(3).text);
    cr_assert_str_eq(spira_value_get_text(note, "reason", ""), "empty");
    cr_assert_eq(spira_value_count(spira_value_get(result, "recordings")), 3);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file after = open_shard();
    cr_assert_eq(after.count, 3);
    for (size_t i = 0; i < after.count; i++) {
        const struct spira_tensor *old = spira_tensor_find(&before, after.tensors[i].name);
        cr_assert_arr_eq(after.tensors[i].data, old->data,
                         spira_tensor_elements(old) * sizeof(float));
    }
    spira_tensor_file_done(&before);
}

Test(shard, a_short_recording_is_quarantined_where_it_is_not_padded)
{
    config.audio.short_recordings = SPIRA_SHORT_REJECT;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = compute();
    const struct spira_value *quarantined = spira_value_get(result, "quarantined");
    cr_assert_eq(spira_value_count(quarantined), 1);
    cr_assert_str_eq(spira_value_get_text(spira_value_at(quarantined, 0), "recording_id", ""),
                     hex_of(1).text);
    cr_assert_str_eq(spira_value_get_text(spira_value_at(quarantined, 0), "reason", ""),
                     "too_short");
    cr_assert_str_eq(spira_value_get_text(spira_value_at(quarantined, 0), "message", ""),
                     "0.300 s is shorter than the window of 0.4 s");
}

Test(shard, even_a_shard_of_nothing_is_a_file_with_a_result)
{
    for (int i = 0; i < RECORDINGS; i++)
        put_samples(i, 0, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = compute();
    cr_assert_eq(spira_value_get_int(result, "features", 0), 8);
    cr_assert_eq(spira_value_count(spira_value_get(result, "quarantined")), RECORDINGS);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = open_shard();
    cr_assert_eq(file.count, 0);
}

Test(shard, a_noise_that_cannot_be_used_fails_it_by_name)
{
    struct spira_error err;
    put_samples(WARD, 9000, NAN);
    cr_assert_eq(failure(&err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, hex_of(WARD).text), "%s", err.message);
    put_samples(WARD, 9000, 0);
    cr_assert_eq(failure(&err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, hex_of(WARD).text), "%s", err.message);
    cr_assert(strstr(err.message, "no sample of it reaches"), "%s", err.message);
}

Test(shard, an_input_that_is_not_in_its_folder_is_no_fault_of_the_recording)
{
    struct spira_error err;
    spira_value_set_text(spira_value_at(recordings, 2), "sha256", hex_of(77).text);
    cr_assert_eq(failure(&err), SPIRA_EIO);
    cr_assert(strstr(err.message, hex_of(77).text), "%s", err.message);
    spira_value_set_text(spira_value_at(recordings, 2), "sha256", hex_of(2).text);
    spira_value_append(noises, spira_value_text(hex_of(78).text));
    cr_assert_eq(failure(&err), SPIRA_EIO);
    cr_assert(strstr(err.message, hex_of(78).text), "%s", err.message);
}

Test(shard, a_disk_that_fails_now_fails_the_shard_and_quarantines_nothing)
{
    for (size_t nth = 0; nth < 12; nth++) {
        enum spira_code codes[12] = {SPIRA_OK};
        codes[nth] = SPIRA_EIO;
        struct spira_flaky_script script = {.codes = codes, .count = nth + 1, .operation = "read"};
        spira_audio_source_done(&job.audio);
        job.audio = spira_audio_source_flaky(make_audio(), &script, 1);
        struct spira_error err;
        cr_assert_eq(failure(&err), SPIRA_EIO, "read %zu", nth);
    }
}

/* Counts reports, and wants to stop after so many questions. */
struct watcher {
    size_t reports, last_done, total;
    size_t questions, stop_at; /* 0: never */
};

static void watch_report(void *self, const struct spira_progress_report *report)
{
    struct watcher *watcher = self;
    cr_assert_eq(report->done, watcher->last_done + 1);
    watcher->last_done = report->done;
    watcher->total = report->total;
    watcher->reports++;
}

static bool watch_stop_wanted(void *self)
{
    struct watcher *watcher = self;
    return ++watcher->questions == watcher->stop_at;
}

static const struct spira_progress_ops watch = {watch_report, watch_stop_wanted};

Test(shard, reports_each_recording_whatever_becomes_of_it)
{
    put_samples(3, 0, 0);
    for (size_t threads = 1; threads <= 3; threads++) {
        struct watcher watcher = {0};
        job.progress = (struct spira_progress){&watch, &watcher};
        job.threads = threads;
        spira_value_free(compute());
        cr_assert_eq(watcher.reports, RECORDINGS);
        cr_assert_eq(watcher.last_done, RECORDINGS);
        cr_assert_eq(watcher.total, RECORDINGS);
    }
}

Test(shard, stops_when_it_is_told_to_at_any_point_and_leaves_no_file)
{
    struct watcher quiet = {0};
    job.progress = (struct spira_progress){&watch, &quiet};
    spira_value_free(compute());
    cr_assert_eq(unlink(path), 0);
    cr_assert_geq(quiet.questions, 2 * RECORDINGS + 1);
    for (size_t stop_at = 1; stop_at <= quiet.questions; stop_at++) {
        struct watcher watcher = {.stop_at = stop_at};
        job.progress = (struct spira_progress){&watch, &watcher};
        job.threads = 1 + stop_at % 3;
        struct spira_error err;
        cr_assert_eq(failure(&err), SPIRA_EINTERRUPTED, "question %zu", stop_at);
    }
}

Test(shard, a_file_that_would_not_fit_is_not_begun)
{
    spira_value_free(compute());
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes whole = bytes_of_shard();
    unlink(path);
    struct spira_error err = {0};
    job.max_bytes = whole.size - 1;
    cr_assert_eq(failure(&err), SPIRA_ETOOBIG);
    cr_assert(strstr(err.message, "its 5 recordings"), "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *limit = spira_format("more than the %zu that", whole.size - 1);
    cr_assert(strstr(err.message, limit), "%s", err.message);
    job.max_bytes = whole.size + (size_t)256 * 8; /* a copy's header is counted at its most */
    spira_value_free(compute());
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes again = bytes_of_shard();
    cr_assert_eq(again.size, whole.size);
}

Test(shard, names_are_fixed)
{
    cr_assert_str_eq(spira_shard_name(12).text, "shard-00012.safetensors");
    cr_assert_str_eq(spira_shard_name(65534).text, "shard-65534.safetensors");
    const struct hex sha256 = hex_of(1);
    SPIRA_CLEANUP(spira_free_at)
    char *expected = spira_format("%s.3", sha256.text);
    cr_assert_str_eq(spira_shard_tensor_name(sha256.text, 3).text, expected);
}

Test(shard, its_configuration_is_what_decides_its_numbers_and_nothing_else)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = spira_shard_configuration(&config);
    cr_assert_eq(spira_value_count(before), 3);
    cr_assert_eq(spira_value_as_int(spira_value_find(before, "audio.sample_rate"), 0), RATE);
    struct spira_run_config other = config;
    other.seed = 9;
    other.audio.min_seconds = 3;
    other.audio.max_quarantined_share = 1;
    other.transform.padding = true;
    other.transform.mixture = (struct spira_mixture_config){true, 1, 1};
    other.split.train = 0.9;
    other.train.epochs = 7;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *same = spira_shard_configuration(&other);
    cr_assert(spira_value_equal(before, same));
    other.transform.noise.num_control++;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *noisier = spira_shard_configuration(&other);
    cr_assert(!spira_value_equal(before, noisier));
    other.transform.noise.num_control--;
    other.audio.short_recordings = SPIRA_SHORT_REJECT;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *stricter = spira_shard_configuration(&other);
    cr_assert(!spira_value_equal(before, stricter));
}

/* A configuration of defaults but for its transform. */
static struct spira_run_config config_of(bool noise_on, bool overlap_on, bool padding)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    struct spira_value *transform = spira_value_set(document, "transform", spira_value_map());
    spira_value_set_bool(transform, "padding", padding);
    if (!overlap_on)
        spira_value_set(transform, "overlap", spira_value_null());
    if (noise_on)
        spira_value_set_int(spira_value_set(transform, "noise", spira_value_map()), "num_control",
                            3);
    else
        spira_value_set(transform, "noise", spira_value_null());
    struct spira_error err = {0};
    struct spira_run_config read;
    cr_assert_eq(spira_run_config_read("test", document, &read, &err), SPIRA_OK, "%s", err.message);
    return read;
}

Test(shard, its_configuration_reads_back_as_the_chain_it_was)
{
    for (unsigned i = 0; i < 6; i++) {
        /* Overlap, padding, neither; with and without noise. */
        SPIRA_CLEANUP(spira_run_config_done)
        struct spira_run_config before = config_of(i % 2, i / 2 == 0, i / 2 == 1);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *written = spira_shard_configuration(&before);
        struct spira_error err = {0};
        SPIRA_CLEANUP(spira_run_config_done)
        struct spira_run_config after = {0};
        cr_assert_eq(spira_run_config_read("test", written, &after, &err), SPIRA_OK, "%s",
                     err.message);
        cr_assert_eq(after.transform.overlap.enabled, before.transform.overlap.enabled);
        cr_assert_eq(after.transform.noise.enabled, before.transform.noise.enabled);
        cr_assert_eq(after.transform.noise.num_control, before.transform.noise.num_control);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *again = spira_shard_configuration(&after);
        cr_assert(spira_value_equal(written, again));
    }
}
