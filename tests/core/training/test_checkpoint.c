#include "core/training/checkpoint.h"

#include "tests/core/training/training_fixture.h"

static struct fixture fixture;
static struct spira_checkpoint_place place;
static char path[160];

static void set_up(void)
{
    fixture_init(&fixture);
    fixture.model.norm = SPIRA_BATCH_NORM; /* it has numbers and statistics too */
    place = (struct spira_checkpoint_place){
        .tensors = fixture.job.tensors,
        .digest = fixture.job.digest,
        .folder = fixture.checkpoints,
        .training = {"00000000000000000000000000000000000000000000000000000000000000aa"},
    };
    snprintf(path, sizeof path, "%s/one.safetensors", fixture.folder);
}

static void tear_down(void)
{
    fixture_done(&fixture);
}

TestSuite(checkpoint, .init = set_up, .fini = tear_down);

static void new_state(struct spira_training_state *state, size_t fc1_dim)
{
    struct spira_network *network = NULL;
    fixture.model.fc1_dim = fc1_dim;
    cr_assert_eq(spira_network_new(&fixture.model, FAKE_FRAMES, FAKE_FEATURES, fixture.job.matrix,
                                   1, &network, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(spira_training_state_init(state, network, &fixture.err), SPIRA_OK);
}

/* Gives every number of the network a value that depends on salt. */
static void fill_network(struct spira_training_state *state, int salt)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(state->network, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; parameters[i].value && j < parameters[i].count; j++)
            parameters[i].value[j] = (float)salt + (float)i + 1.0f / (float)(j + 1);
        if (parameters[i].number)
            *parameters[i].number = salt * 1000 + (int64_t)i;
    }
}

/* A state in which no two things are equal: three epochs done, the second of them the best. */
static void fill_state(struct spira_training_state *state)
{
    static const struct spira_epoch epochs[] = {
        {0.7, 0.6, 0.5, 0.6}, {0.1 + 0.2, 1.0 / 3, 0.75, 1.0 / 3}, {0.4, 0.5, 0.7, 0.5}};
    for (int i = 0; i < 3; i++) {
        fill_network(state, 10 * i);
        spira_training_state_end_epoch(state, &epochs[i]);
    }
    fill_network(state, 50);
    state->adam.steps = 12345;
    state->loss_sum = 1.0 / 7;
    for (size_t i = 0; i < state->adam.count; i++) {
        state->adam.first[i] = 1.0f / (float)(i + 3);
        state->adam.second[i] = 2.0f / (float)(i + 5);
    }
}

static void expect_equal(const struct spira_training_state *a, const struct spira_training_state *b)
{
    size_t count;
    const struct spira_parameter *x = spira_network_parameters(a->network, &count);
    const struct spira_parameter *y = spira_network_parameters(b->network, &count);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = spira_parameter_bytes(&x[i]);
        cr_assert_eq(memcmp(spira_parameter_data(&x[i]), spira_parameter_data(&y[i]), bytes), 0,
                     "%s", x[i].name);
        cr_assert_eq(memcmp(a->best[i], b->best[i], bytes), 0, "the best %s", x[i].name);
    }
    cr_assert_eq(a->adam.steps, b->adam.steps);
    cr_assert_eq(memcmp(a->adam.first, b->adam.first, a->adam.count * sizeof(float)), 0);
    cr_assert_eq(memcmp(a->adam.second, b->adam.second, a->adam.count * sizeof(float)), 0);
    cr_assert_eq(a->loss_sum, b->loss_sum);
    cr_assert_eq(a->epochs, b->epochs);
    cr_assert_eq(a->epochs && memcmp(a->log, b->log, a->epochs * sizeof *a->log), 0);
}

static void write_full(struct spira_training_state *state)
{
    new_state(state, 8);
    fill_state(state);
    cr_assert_eq(spira_checkpoint_write(&place, path, state, &fixture.err), SPIRA_OK, "%s",
                 fixture.err.message);
}

Test(checkpoint, brings_back_every_bit)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state read = {0};
    write_full(&state);
    cr_assert_eq(spira_training_state_best(&state), 2);
    new_state(&read, 8);
    cr_assert_eq(spira_checkpoint_read(&place, path, &read, &fixture.err), SPIRA_OK, "%s",
                 fixture.err.message);
    expect_equal(&state, &read);
}

Test(checkpoint, brings_back_a_training_whose_first_epoch_is_not_done)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state read = {0};
    new_state(&state, 8);
    fill_network(&state, 3);
    state.adam.steps = 2;
    cr_assert_eq(spira_checkpoint_write(&place, path, &state, &fixture.err), SPIRA_OK);
    new_state(&read, 8);
    cr_assert_eq(spira_checkpoint_read(&place, path, &read, &fixture.err), SPIRA_OK);
    expect_equal(&state, &read);
}

/* Reads path into a state of its own, which must stay as it was. */
static void expect_refused(const char *message, size_t fc1_dim)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state before = {0};
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state after = {0};
    new_state(&before, fc1_dim);
    new_state(&after, fc1_dim);
    enum spira_code code = spira_checkpoint_read(&place, path, &after, &fixture.err);
    cr_assert_eq(code, SPIRA_EINVALID, "%s: %s", spira_code_name(code), fixture.err.message);
    cr_assert_not_null(strstr(fixture.err.message, message), "%s", fixture.err.message);
    expect_equal(&before, &after);
}

Test(checkpoint, a_file_cut_anywhere_is_refused)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    write_full(&state);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes whole = {0};
    cr_assert_eq(spira_file_read(path, 64 << 20, &whole, &fixture.err), SPIRA_OK);
    for (size_t size = 0; size < whole.size; size += 1 + whole.size / 37) {
        cr_assert_eq(spira_file_write(path, whole.data, size, &fixture.err), SPIRA_OK);
        expect_refused("one.safetensors", 8);
    }
}

Test(checkpoint, a_flipped_bit_anywhere_is_refused, .timeout = 100)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    write_full(&state);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes whole = {0};
    cr_assert_eq(spira_file_read(path, 64 << 20, &whole, &fixture.err), SPIRA_OK);
    unsigned char *bytes = whole.data;
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    /* Every byte of the header but the spaces behind it, then samples of the data and its end. */
    size_t data = 8 + header, step = 1;
    for (size_t at = 0; at < whole.size; at += step) {
        if (at >= 8 && at < data && bytes[at] == ' ')
            continue;
        step = at < data ? 7 : 1 + (whole.size - data) / 200;
        bytes[at] ^= 1;
        cr_assert_eq(spira_file_write(path, whole.data, whole.size, &fixture.err), SPIRA_OK);
        bytes[at] ^= 1;
        expect_refused("one.safetensors", 8);
    }
    bytes[whole.size - 1] ^= 128;
    cr_assert_eq(spira_file_write(path, whole.data, whole.size, &fixture.err), SPIRA_OK);
    expect_refused("does not have the digest", 8);
}

Test(checkpoint, one_of_another_training_is_refused)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    write_full(&state);
    place.training.hex[63] = 'b';
    expect_refused("a checkpoint of the training '000000000000'", 8);
}

Test(checkpoint, one_of_another_shape_is_refused)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    write_full(&state);
    expect_refused("has shape", 9);
}

Test(checkpoint, a_model_is_no_checkpoint)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    new_state(&state, 8);
    const struct spira_tensor tensor = {
        .name = "adam.first", .rank = 1, .shape = {state.adam.count}, .data = state.adam.first};
    cr_assert_eq(spira_tensors_write(place.tensors, path, &tensor, 1, NULL, &fixture.err),
                 SPIRA_OK);
    expect_refused("no checkpoint", 8);
}

static void save(struct spira_training_state *state, uint64_t step)
{
    state->adam.steps = step;
    cr_assert_eq(spira_checkpoint_save(&place, state, &fixture.err), SPIRA_OK, "%s",
                 fixture.err.message);
}

static void make_file(const char *name)
{
    char file[200];
    snprintf(file, sizeof file, "%s/%s", fixture.checkpoints, name);
    cr_assert_eq(spira_file_write(file, "x", 1, &fixture.err), SPIRA_OK);
}

static bool has_file(const char *name)
{
    char file[200];
    snprintf(file, sizeof file, "%s/%s", fixture.checkpoints, name);
    return access(file, F_OK) == 0;
}

Test(checkpoint, the_two_newest_are_kept_by_their_numbers)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    new_state(&state, 8);
    make_file("notes.txt");
    make_file("step-.safetensors");
    save(&state, 999998);
    save(&state, 999999);
    save(&state, 1000000);
    cr_assert(!has_checkpoint(&fixture, 999998));
    cr_assert(has_checkpoint(&fixture, 999999) && has_checkpoint(&fixture, 1000000));
    cr_assert(has_file("notes.txt") && has_file("step-.safetensors"), "others are left alone");
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state read = {0};
    new_state(&read, 8);
    cr_assert_eq(spira_checkpoint_resume(&place, &read, &fixture.err), SPIRA_OK);
    cr_assert_eq(read.adam.steps, 1000000);
}

Test(checkpoint, resume_passes_over_damaged_ones_and_removes_them)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    new_state(&state, 8);
    save(&state, 10);
    make_file("step-000020.safetensors");
    make_file("step-000030.safetensors.Xy12Zw");
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state read = {0};
    new_state(&read, 8);
    cr_assert_eq(spira_checkpoint_resume(&place, &read, &fixture.err), SPIRA_OK);
    cr_assert_eq(read.adam.steps, 10);
    cr_assert(has_checkpoint(&fixture, 10));
    cr_assert(!has_checkpoint(&fixture, 20), "it must not push a good one out");
    cr_assert(!has_file("step-000030.safetensors.Xy12Zw"), "what a killed writer left");
}

Test(checkpoint, with_none_resume_changes_nothing)
{
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state state = {0};
    SPIRA_CLEANUP(spira_training_state_done)
    struct spira_training_state untouched = {0};
    new_state(&state, 8);
    new_state(&untouched, 8);
    cr_assert_eq(spira_checkpoint_resume(&place, &state, &fixture.err), SPIRA_OK);
    expect_equal(&state, &untouched);
}
