/* The loader over a shard file of small whole numbers. */
#include <criterion/criterion.h>
#include <math.h>
#include <unistd.h>

#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"
#include "core/dataset/loader.h"
#include "core/dataset/shard.h"
#include "tests/core/dataset/corpus_parts.h"

enum { FEATURES = 2, MOST_FRAMES = 5, MOST_VALUES = 200 };

/* What the shards hold; shard 1 the first three, shard 2 the others. */
static const struct {
    const char *role;
    int label;
    size_t windows, frames, copies;
} rows[] = {
    {"train", 0, 2, 3, 2}, {"test", 1, 1, 5, 1},       {"train", 1, 3, 4, 1},
    {"train", 1, 1, 2, 3}, {"validation", 0, 2, 3, 1}, {"train", 0, 1, 4, 1},
};
enum { ROWS = sizeof rows / sizeof *rows };

static char folder[] = "/tmp/spira-test-loader-XXXXXX";
static struct spira_value *dataset;
static struct spira_loader loader;

/* A value that nothing else in the shards has a pattern in common with; never 0. */
static float value_of(size_t row, size_t copy, size_t window, size_t index)
{
    struct spira_random random =
        spira_random_stream(row, SPIRA_FOR_NOISE, 1000 * copy + 100 * window, (uint32_t)index);
    return (float)(1 + spira_random_below(&random, 1000));
}

static void write_shard(int64_t shard, size_t from, size_t to)
{
    struct spira_tensor tensors[16];
    struct spira_shard_tensor names[16];
    static float data[16][MOST_VALUES];
    size_t count = 0;
    for (size_t row = from; row < to; row++)
        for (size_t copy = 0; copy < rows[row].copies; copy++, count++) {
            size_t size = rows[row].frames * FEATURES;
            for (size_t i = 0; i < rows[row].windows * size; i++)
                data[count][i] = value_of(row, copy, i / size, i % size);
            names[count] = spira_shard_tensor_name(hex_of(row).text, copy);
            tensors[count] =
                (struct spira_tensor){.name = names[count].text,
                                      .dtype = SPIRA_F32,
                                      .rank = 3,
                                      .shape = {rows[row].windows, rows[row].frames, FEATURES},
                                      .data = data[count]};
        }
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, spira_shard_name(shard).text);
    cr_assert_eq(spira_tensors_write(spira_tensors_safetensors(), path, tensors, count, NULL, &err),
                 SPIRA_OK, "%s", err.message);
}

static void setup(void)
{
    cr_assert(mkdtemp(folder));
    dataset = spira_value_map();
    spira_value_set_int(dataset, "features", FEATURES);
    struct spira_value *list = spira_value_set(dataset, "recordings", spira_value_list());
    for (size_t row = 0; row < ROWS; row++) {
        struct spira_value *recording = spira_value_append(list, spira_value_map());
        spira_value_set_text(recording, "sha256", hex_of(row).text);
        spira_value_set_text(recording, "role", rows[row].role);
        spira_value_set_int(recording, "label", rows[row].label);
        spira_value_set_int(recording, "shard", row < 3 ? 1 : 2);
        spira_value_set_int(recording, "windows", (int64_t)rows[row].windows);
        spira_value_set_int(recording, "frames", (int64_t)rows[row].frames);
        spira_value_set_int(recording, "copies", (int64_t)rows[row].copies);
    }
    struct spira_value *shards = spira_value_set(dataset, "shards", spira_value_list());
    for (int shard = 1; shard <= 2; shard++)
        spira_value_set_int(spira_value_append(shards, spira_value_map()), "shard", shard);
    write_shard(1, 0, 3);
    write_shard(2, 3, ROWS);
}

static void teardown(void)
{
    struct spira_error err;
    spira_loader_done(&loader);
    spira_value_free(dataset);
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

TestSuite(loader, .init = setup, .fini = teardown);

static void open_loader(const struct spira_loader_options *options)
{
    struct spira_error err = {0};
    cr_assert_eq(
        spira_dataset_loader(spira_tensors_safetensors(), dataset, folder, options, &loader, &err),
        SPIRA_OK, "%s", err.message);
}

static struct spira_batch load(size_t epoch, const size_t *indices, size_t count)
{
    struct spira_error err = {0};
    struct spira_batch batch;
    cr_assert_eq(spira_loader_load(loader, epoch, indices, count, &batch, &err), SPIRA_OK, "%s",
                 err.message);
    return batch;
}

static const size_t all[] = {0, 1, 2, 3};
/* The rows of the train role, and their windows one after the other: (row, window). */
static const size_t train_rows[] = {0, 2, 3, 5};
enum { TRAIN_WINDOWS = 7 };
static const size_t train_windows[TRAIN_WINDOWS][2] = {{0, 0}, {0, 1}, {2, 0}, {2, 1},
                                                       {2, 2}, {3, 0}, {5, 0}};

Test(loader, has_the_recordings_of_its_role_by_name_and_label)
{
    open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN});
    cr_assert_eq(spira_loader_recordings(loader), 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_str_eq(loader.ops->name(loader.self, i), hex_of(train_rows[i]).text);
        cr_assert_eq((int)loader.ops->label(loader.self, i), rows[train_rows[i]].label);
    }
    spira_loader_done(&loader);
    open_loader(&(struct spira_loader_options){.role = SPIRA_TEST});
    cr_assert_eq(spira_loader_recordings(loader), 1);
    cr_assert_str_eq(loader.ops->name(loader.self, 0), hex_of(1).text);
}

Test(loader, a_fold_is_the_validation_role_and_the_others_train)
{
    static const int folds[ROWS] = {0, -1, 1, 0, 0, 1}; /* row 1 is tested */
    for (size_t row = 0; row < ROWS; row++)
        if (folds[row] >= 0)
            spira_value_set_int(spira_value_at(spira_value_get(dataset, "recordings"), row), "fold",
                                folds[row]);
    static const struct {
        struct spira_loader_options options;
        size_t count, rows[3];
    } cases[] = {
        {{.role = SPIRA_TRAIN, .folds = 2, .fold = 0}, 2, {2, 5}},
        {{.role = SPIRA_VALIDATION, .folds = 2, .fold = 0}, 3, {0, 3, 4}},
        {{.role = SPIRA_TRAIN, .folds = 2, .fold = 1}, 3, {0, 3, 4}},
        {{.role = SPIRA_VALIDATION, .folds = 2, .fold = 1}, 2, {2, 5}},
        {{.role = SPIRA_TEST, .folds = 2, .fold = 1}, 1, {1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_loader(&cases[i].options);
        cr_assert_eq(spira_loader_recordings(loader), cases[i].count, "case %zu", i);
        for (size_t r = 0; r < cases[i].count; r++)
            cr_assert_str_eq(loader.ops->name(loader.self, r), hex_of(cases[i].rows[r]).text);
        spira_loader_done(&loader);
    }
}

Test(loader, gives_all_windows_of_the_recordings_asked_for_in_that_order)
{
    open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN});
    const size_t asked[] = {2, 0};
    struct spira_batch batch = load(0, asked, 2);
    cr_assert_eq(batch.count, 3);
    static const size_t from[][3] = {{3, 0, 2}, {0, 0, 0}, {0, 1, 0}}; /* row, window, index */
    for (size_t w = 0; w < 3; w++) {
        size_t row = from[w][0];
        cr_assert_eq(batch.windows[w].recording, from[w][2]);
        cr_assert_eq(batch.windows[w].frames, rows[row].frames);
        cr_assert_eq((int)batch.windows[w].label, rows[row].label);
        for (size_t i = 0; i < rows[row].frames * FEATURES; i++)
            cr_assert_eq((int)batch.windows[w].data[i], (int)value_of(row, 0, from[w][1], i));
    }
}

Test(loader, an_epoch_sees_its_own_noise_copy)
{
    open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN});
    for (size_t epoch = 0; epoch < 7; epoch++) {
        struct spira_batch batch = load(epoch, all, 4);
        cr_assert_eq(batch.count, TRAIN_WINDOWS);
        for (size_t w = 0; w < TRAIN_WINDOWS; w++) {
            size_t row = train_windows[w][0];
            cr_assert_eq((int)batch.windows[w].data[0],
                         (int)value_of(row, epoch % rows[row].copies, train_windows[w][1], 0));
        }
    }
}

Test(loader, short_windows_are_padded_with_zeros_and_long_ones_cut)
{
    for (size_t frames = 3; frames <= MOST_FRAMES; frames++) {
        open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN, .padded_frames = frames});
        const size_t other_way[] = {1, 3, 0, 2};
        load(0, other_way, 4); /* leaves its values where the next batch is composed */
        struct spira_batch batch = load(1, all, 4);
        for (size_t w = 0; w < TRAIN_WINDOWS; w++) {
            size_t row = train_windows[w][0], size = rows[row].frames * FEATURES;
            size_t copy = 1 % rows[row].copies;
            cr_assert_eq(batch.windows[w].frames, frames);
            for (size_t i = 0; i < frames * FEATURES; i++)
                cr_assert_eq((int)batch.windows[w].data[i],
                             i < size ? (int)value_of(row, copy, train_windows[w][1], i) : 0);
        }
        spira_loader_done(&loader);
    }
}

/* What the window at place w of the train role is without mixture, zeros behind its end. */
static float plain(size_t w, size_t epoch, size_t index)
{
    size_t row = train_windows[w][0];
    return index < rows[row].frames * FEATURES
               ? value_of(row, epoch % rows[row].copies, train_windows[w][1], index)
               : 0;
}

static const struct spira_mixture_config mixture = {.enabled = true, .alpha = 2, .beta = 3};

/* Of which two windows, in which share, a mixed window is made, found from its values. */
struct mixed {
    size_t partner; /* the window itself: it is as it was */
    double share;   /* of the window itself */
};

static size_t frames_of(size_t w)
{
    return rows[train_windows[w][0]].frames;
}

static int label_of(size_t w)
{
    return rows[train_windows[w][0]].label;
}

/* The share of w, and whether other can be the partner. */
static bool fits(const struct spira_window *window, size_t w, size_t other, size_t epoch,
                 double *ret_share)
{
    size_t frames = frames_of(w) > frames_of(other) ? frames_of(w) : frames_of(other);
    if (window->frames != frames)
        return false;
    double projected = 0, norm = 0;
    for (size_t i = 0; i < frames * FEATURES; i++) {
        double step = (double)plain(w, epoch, i) - (double)plain(other, epoch, i);
        projected += step * ((double)window->data[i] - (double)plain(other, epoch, i));
        norm += step * step;
    }
    double share = projected / norm;
    for (size_t i = 0; i < frames * FEATURES; i++) {
        double expected =
            share * (double)plain(w, epoch, i) + (1 - share) * (double)plain(other, epoch, i);
        if (fabs((double)window->data[i] - expected) > 1e-2)
            return false;
    }
    double label = share * label_of(w) + (1 - share) * label_of(other);
    *ret_share = share;
    return share >= 0 && share < 1 && fabs((double)window->label - label) < 1e-4;
}

static struct mixed find_mixed(const struct spira_window *window, size_t w, size_t epoch)
{
    bool untouched = window->frames == frames_of(w);
    for (size_t i = 0; untouched && i < frames_of(w) * FEATURES; i++)
        untouched = window->data[i] == plain(w, epoch, i);
    struct mixed mixed = {.partner = w, .share = 1};
    size_t found = untouched;
    for (size_t other = 0; other < TRAIN_WINDOWS && !untouched; other++)
        if (other != w && fits(window, w, other, epoch, &mixed.share)) {
            mixed.partner = other;
            found++;
        }
    cr_assert_eq(found, 1, "window %zu of epoch %zu is made of %zu", w, epoch, found);
    return mixed;
}

Test(loader, mixture_pairs_all_windows_and_each_pair_adds_up_to_the_originals)
{
    open_loader(
        &(struct spira_loader_options){.role = SPIRA_TRAIN, .mixture = &mixture, .seed = 5});
    for (size_t epoch = 0; epoch < 6; epoch++) {
        struct spira_batch batch = load(epoch, all, 4);
        size_t alone = 0;
        for (size_t w = 0; w < TRAIN_WINDOWS; w++) {
            const struct spira_window *window = &batch.windows[w];
            struct mixed mixed = find_mixed(window, w, epoch);
            const struct spira_window *partner = &batch.windows[mixed.partner];
            if (mixed.partner == w) {
                alone++;
                continue;
            }
            cr_assert_eq(find_mixed(partner, mixed.partner, epoch).partner, w, "pairs are mutual");
            cr_assert_eq(window->frames, partner->frames, "the shorter one is padded");
            cr_assert_float_eq((double)(window->label + partner->label),
                               label_of(w) + label_of(mixed.partner), 1e-6);
            for (size_t i = 0; i < window->frames * FEATURES; i++)
                cr_assert_float_eq((double)(window->data[i] + partner->data[i]),
                                   (double)(plain(w, epoch, i) + plain(mixed.partner, epoch, i)),
                                   1e-2);
        }
        cr_assert_eq(alone, 1, "of seven windows one has no partner; epoch %zu: %zu", epoch, alone);
    }
}

/* The share p of a pair is Beta(2, 3): mean 0.4, variance 0.04. Which of the two gets p and which
 * 1 - p is the permutation's, so p and 1 - p are seen alike: (p - 1/2)^2 has the mean 0.05. */
Test(loader, mixture_shares_are_beta_and_partners_change_with_the_epoch)
{
    double squares = 0;
    size_t pairs = 0, changes = 0, partner_before = TRAIN_WINDOWS;
    for (uint64_t seed = 0; seed < 200; seed++) {
        open_loader(
            &(struct spira_loader_options){.role = SPIRA_TRAIN, .mixture = &mixture, .seed = seed});
        for (size_t epoch = 0; epoch < 6; epoch++) {
            struct mixed mixed = find_mixed(&load(epoch, all, 4).windows[0], 0, epoch);
            changes += mixed.partner != partner_before;
            partner_before = mixed.partner;
            pairs += mixed.partner != 0;
            squares += mixed.partner != 0 ? (mixed.share - 0.5) * (mixed.share - 0.5) : 0;
        }
        spira_loader_done(&loader);
    }
    cr_assert_float_eq((double)pairs / 1200, 6.0 / 7, 0.04);
    cr_assert_float_eq(squares / (double)pairs, 0.05, 0.006);
    cr_assert_float_eq((double)changes / 1200, 6.0 / 7, 0.04, "each is as likely as any other");
}

Test(loader, a_recording_is_mixed_the_same_whatever_else_is_in_the_batch)
{
    open_loader(&(struct spira_loader_options){
        .role = SPIRA_TRAIN, .padded_frames = MOST_FRAMES, .mixture = &mixture, .seed = 5});
    float expected[3][MOST_FRAMES * FEATURES];
    float labels[3];
    struct spira_batch batch = load(4, all, 4);
    for (size_t w = 0; w < 3; w++) {
        memcpy(expected[w], batch.windows[2 + w].data, sizeof expected[w]);
        labels[w] = batch.windows[2 + w].label;
    }
    load(3, all, 2);
    const size_t asked[] = {3, 1};
    batch = load(4, asked, 2);
    for (size_t w = 0; w < 3; w++) {
        cr_assert_arr_eq(batch.windows[1 + w].data, expected[w], sizeof expected[w]);
        cr_assert_eq(batch.windows[1 + w].label, labels[w]);
    }
}

enum { COPIED_WINDOWS = TRAIN_WINDOWS, COPIED_VALUES = MOST_FRAMES * FEATURES };

/* A batch that outlives its loader's next one. */
struct copied {
    size_t count;
    struct spira_window windows[COPIED_WINDOWS]; /* without data */
    float values[COPIED_WINDOWS][COPIED_VALUES];
};

static struct copied copy_batch(const struct spira_batch *batch)
{
    struct copied copied = {.count = batch->count}; /* zeros where no value is */
    for (size_t w = 0; w < batch->count; w++) {
        copied.windows[w] = batch->windows[w];
        copied.windows[w].data = NULL;
        memcpy(copied.values[w], batch->windows[w].data,
               batch->windows[w].frames * FEATURES * sizeof(float));
    }
    return copied;
}

static void expect_same(const struct copied *actual, const struct copied *expected)
{
    cr_assert_eq(actual->count, expected->count);
    for (size_t w = 0; w < expected->count; w++) {
        cr_assert_eq(actual->windows[w].frames, expected->windows[w].frames);
        cr_assert_eq(actual->windows[w].recording, expected->windows[w].recording);
        cr_assert_eq(actual->windows[w].label, expected->windows[w].label);
        cr_assert_arr_eq(actual->values[w], expected->values[w], sizeof expected->values[w]);
    }
}

enum { LOADS = 60 };

/* The arguments of a load, drawn. */
static size_t draw_load(size_t load, size_t *ret_epoch, size_t *indices)
{
    struct spira_random random = spira_random_stream(9, SPIRA_FOR_NOISE, load, 0);
    *ret_epoch = spira_random_below(&random, 3);
    size_t count = 1 + spira_random_below(&random, 4);
    for (size_t i = 0; i < count; i++)
        indices[i] = spira_random_below(&random, 4);
    return count < COPIED_WINDOWS / 3 ? count : COPIED_WINDOWS / 3;
}

static void hint(size_t load)
{
    size_t epoch, indices[4], count = draw_load(load, &epoch, indices);
    spira_loader_prefetch(loader, epoch, indices, count);
}

/* Copies the newest batch piece by piece, as a reader with little memory sees it. */
static struct copied copy_pieces(const struct spira_batch *batch, size_t piece)
{
    struct copied copied = {.count = batch->count};
    for (size_t first = 0; first < batch->count; first += piece) {
        struct spira_error err = {0};
        size_t count = batch->count - first < piece ? batch->count - first : piece;
        cr_assert_eq(spira_loader_show(loader, first, count, &err), SPIRA_OK, "%s", err.message);
        for (size_t w = 0; w < batch->count; w++) {
            const struct spira_window *window = &batch->windows[w];
            bool shown = w >= first && w < first + count;
            cr_assert_eq(window->data != NULL, shown, "window %zu, shown from %zu on", w, first);
            copied.windows[w] = *window;
            copied.windows[w].data = NULL;
            if (shown)
                memcpy(copied.values[w], window->data, window->frames * FEATURES * sizeof(float));
        }
    }
    return copied;
}

/* Hints: none; what comes next; one that is never followed, now and then; nothing but such. piece
 * 0: all windows at once. */
static void load_all(const struct spira_loader_options *options, int hints, size_t piece,
                     struct copied *batches)
{
    open_loader(options);
    for (size_t i = 0; i < LOADS; i++) {
        if (hints == 1 || (hints == 2 && i % 5 > 1))
            hint(i + 1);
        else if (hints > 1)
            hint(i + LOADS);
        size_t epoch, indices[4], count = draw_load(i, &epoch, indices);
        struct spira_batch batch = load(epoch, indices, count);
        batches[i] = piece > 0 ? copy_pieces(&batch, piece) : copy_batch(&batch);
    }
    spira_loader_done(&loader);
}

static const struct spira_loader_options ways[] = {
    {.role = SPIRA_TRAIN},
    {.role = SPIRA_TRAIN, .padded_frames = MOST_FRAMES},
    {.role = SPIRA_TRAIN, .mixture = &mixture, .seed = 5},
};
enum { WAYS = sizeof ways / sizeof *ways };

Test(loader, hints_change_no_value)
{
    static struct copied expected[LOADS], hinted[LOADS];
    for (size_t way = 0; way < WAYS; way++) {
        load_all(&ways[way], 0, 0, expected);
        for (int hints = 1; hints <= 3; hints++) {
            load_all(&ways[way], hints, 0, hinted);
            for (size_t i = 0; i < LOADS; i++)
                expect_same(&hinted[i], &expected[i]);
        }
    }
}

/* With 100 bytes some batches are made at once, and ahead, and others are not. */
Test(loader, a_batch_too_large_to_be_made_at_once_is_the_same_in_pieces)
{
    static struct copied expected[LOADS], pieces[LOADS];
    static const struct {
        size_t most_bytes, piece;
    } cases[] = {{1, 1}, {1, 2}, {1, 3}, {100, COPIED_WINDOWS}};
    for (size_t way = 0; way < WAYS; way++) {
        load_all(&ways[way], 0, 0, expected);
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            struct spira_loader_options small = ways[way];
            small.most_bytes = cases[c].most_bytes;
            load_all(&small, 2, cases[c].piece, pieces);
            for (size_t i = 0; i < LOADS; i++)
                expect_same(&pieces[i], &expected[i]);
        }
    }
}

/* How many parts of shards this process has mapped. */
static size_t mapped_parts(void)
{
    size_t parts = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert(maps);
    while (fgets(line, sizeof line, maps))
        parts += strstr(line, folder) != NULL;
    fclose(maps);
    return parts;
}

Test(loader, nothing_is_mapped_but_the_newest_batch_and_the_one_ahead)
{
    open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN});
    cr_assert_eq(mapped_parts(), 0);
    load(0, all, 4);
    cr_assert_leq(mapped_parts(), 4);
    for (size_t i = 0; i + 1 < 4; i++) {
        spira_loader_prefetch(loader, 0, all + i + 1, 1);
        load(0, all + i, 1);
        cr_assert_leq(mapped_parts(), 2);
    }
    spira_loader_done(&loader);
    cr_assert_eq(mapped_parts(), 0);
    open_loader(&(struct spira_loader_options){
        .role = SPIRA_TRAIN, .padded_frames = MOST_FRAMES, .mixture = &mixture, .seed = 5});
    load(0, all, 4);
    cr_assert_eq(mapped_parts(), 0, "what is composed needs no shard any more");
}

Test(loader, of_a_batch_too_large_to_be_made_at_once_what_is_shown_is_mapped)
{
    struct spira_error err = {0};
    open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN, .most_bytes = 1});
    spira_loader_prefetch(loader, 0, all, 4);
    struct spira_batch batch = load(0, all, 4);
    cr_assert_eq(mapped_parts(), 0);
    for (size_t w = 0; w < batch.count; w++) {
        cr_assert_eq(spira_loader_show(loader, w, 1, &err), SPIRA_OK, "%s", err.message);
        cr_assert_eq(mapped_parts(), 1);
    }
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, spira_shard_name(2).text);
    cr_assert_eq(truncate(path, 100), 0);
    cr_assert_eq(spira_loader_show(loader, 0, batch.count, &err), SPIRA_EIO);
    cr_assert(strstr(err.message, "shard-00002.safetensors"), "%s", err.message);
    for (size_t w = 0; w < batch.count; w++)
        cr_assert_null(batch.windows[w].data);
    cr_assert_eq(mapped_parts(), 0);
}

Test(loader, a_shard_that_was_cut_since_is_named)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, spira_shard_name(2).text);
    for (int hinted = 0; hinted < 2; hinted++) {
        open_loader(&(struct spira_loader_options){.role = SPIRA_TRAIN});
        cr_assert_eq(truncate(path, 100), 0);
        if (hinted)
            spira_loader_prefetch(loader, 0, all, 4);
        struct spira_batch batch;
        struct spira_error err = {0};
        cr_assert_eq(spira_loader_load(loader, 0, all, 4, &batch, &err), SPIRA_EIO);
        cr_assert(strstr(err.message, "shard-00002.safetensors"), "%s", err.message);
        spira_loader_done(&loader);
        write_shard(2, 3, ROWS);
    }
}

Test(loader, a_shard_without_a_tensor_the_dataset_names_is_refused)
{
    struct spira_error err;
    struct spira_loader none = {0};
    spira_value_set_int(spira_value_at(spira_value_get(dataset, "recordings"), 3), "copies", 4);
    const struct spira_loader_options options = {.role = SPIRA_TRAIN};
    cr_assert_eq(
        spira_dataset_loader(spira_tensors_safetensors(), dataset, folder, &options, &none, &err),
        SPIRA_EINVALID);
    cr_assert(strstr(err.message, "shard-00002.safetensors"), "%s", err.message);
    cr_assert(strstr(err.message, hex_of(3).text), "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, spira_shard_name(2).text);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(
        spira_dataset_loader(spira_tensors_safetensors(), dataset, folder, &options, &none, &err),
        SPIRA_ENOTFOUND);
    cr_assert_null(none.ops);
}
