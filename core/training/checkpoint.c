#include "core/training/checkpoint.h"

/* What a checkpoint is: raised when files of an older program must not be used any more. */
static const char format[] = "spira-checkpoint-2";

enum { EPOCH_NUMBERS = sizeof(struct spira_epoch) / sizeof(double), FIXED_TENSORS = 5 };

/* A checkpoint's tensors, pointing into the memory of a state. */
struct listing {
    struct spira_tensor *tensors;
    size_t count;
    int64_t steps;
    double loss_sum;
    struct spira_epoch *log;
};

static void listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free((char *)listing->tensors[i].name);
    free(listing->tensors);
}

static struct spira_tensor *add(struct listing *listing, char *name, enum spira_dtype dtype,
                                const void *data)
{
    struct spira_tensor *tensor = &listing->tensors[listing->count++];
    *tensor = (struct spira_tensor){.name = name, .dtype = dtype, .data = data};
    return tensor;
}

static void add_vector(struct listing *listing, const char *name, const float *data, size_t count)
{
    struct spira_tensor *tensor = add(listing, spira_copy_text(name), SPIRA_F32, data);
    tensor->rank = 1;
    tensor->shape[0] = count;
}

static void add_parameter(struct listing *listing, const char *prefix,
                          const struct spira_parameter *parameter, const void *data)
{
    struct spira_tensor *tensor = add(listing, spira_format("%s%s", prefix, parameter->name),
                                      parameter->number ? SPIRA_I64 : SPIRA_F32, data);
    tensor->rank = parameter->rank;
    for (size_t i = 0; i < parameter->rank; i++)
        tensor->shape[i] = parameter->shape[i];
}

/* Lists what a checkpoint of state with that log has. There is no best epoch before one is done. */
static void list_tensors(struct listing *listing, const struct spira_training_state *state,
                         struct spira_epoch *log, size_t epochs)
{
    size_t count;
    const struct spira_parameter *parameters = spira_network_parameters(state->network, &count);
    *listing = (struct listing){
        .tensors = spira_alloc(FIXED_TENSORS + 2 * count, sizeof *listing->tensors),
        .steps = (int64_t)state->adam.steps,
        .loss_sum = state->loss_sum,
        .log = log,
    };
    add(listing, spira_copy_text("steps"), SPIRA_I64, &listing->steps);
    add(listing, spira_copy_text("loss_sum"), SPIRA_F64, &listing->loss_sum);
    if (epochs > 0) {
        struct spira_tensor *rows = add(listing, spira_copy_text("log"), SPIRA_F64, log);
        rows->rank = 2;
        rows->shape[0] = epochs;
        rows->shape[1] = EPOCH_NUMBERS;
    }
    add_vector(listing, "adam.first", state->adam.first, state->adam.count);
    add_vector(listing, "adam.second", state->adam.second, state->adam.count);
    for (size_t i = 0; i < count; i++)
        add_parameter(listing, "model.", &parameters[i], spira_parameter_data(&parameters[i]));
    for (size_t i = 0; i < count && epochs > 0; i++)
        add_parameter(listing, "best.", &parameters[i], state->best[i]);
}

static size_t tensor_bytes(const struct spira_tensor *tensor)
{
    return spira_tensor_elements(tensor) * spira_dtype_size(tensor->dtype);
}

static void update_text(struct spira_digest digest, void *running, const char *text)
{
    digest.ops->update(running, text, strlen(text) + 1);
}

/* Over the training and each tensor's name and data; data[i] is where tensor i lies. Shapes are the
 * network's own, and the log's follows from its size. */
static struct spira_sha256 seal(const struct spira_checkpoint_place *place,
                                const struct listing *listing, const void *const *data)
{
    struct spira_digest digest = place->digest;
    void *running = digest.ops->begin(digest.self);
    update_text(digest, running, format);
    update_text(digest, running, place->training.hex);
    for (size_t i = 0; i < listing->count; i++) {
        update_text(digest, running, listing->tensors[i].name);
        digest.ops->update(running, data[i], tensor_bytes(&listing->tensors[i]));
    }
    return digest.ops->finish(running);
}

enum spira_code spira_checkpoint_write(const struct spira_checkpoint_place *place, const char *path,
                                       const struct spira_training_state *state,
                                       struct spira_error *err)
{
    SPIRA_CLEANUP(listing_done)
    struct listing listing;
    list_tensors(&listing, state, state->log, state->epochs);
    SPIRA_CLEANUP(spira_free_at)
    const void **data = spira_alloc(listing.count, sizeof *data);
    for (size_t i = 0; i < listing.count; i++)
        data[i] = listing.tensors[i].data;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *metadata = spira_value_map();
    spira_value_set_text(metadata, "format", format);
    spira_value_set_text(metadata, "training", place->training.hex);
    spira_value_set_text(metadata, "sha256", seal(place, &listing, data).hex);
    return spira_tensors_write(place->tensors, path, listing.tensors, listing.count, metadata, err);
}

/* Makes room for as many epochs as the file's log has. */
static enum spira_code make_log(const struct spira_tensor_file *file, const char *path,
                                struct spira_epoch **ret_log, size_t *ret_epochs,
                                struct spira_error *err)
{
    const struct spira_tensor *rows = spira_tensor_find(file, "log");
    size_t epochs = rows ? rows->shape[0] : 0;
    if (rows && (rows->rank != 2 || epochs == 0))
        return spira_fail(err, SPIRA_EINVALID, "%s: its log is no list of epochs", path);
    *ret_epochs = epochs;
    return spira_big_alloc(ret_log, epochs, sizeof **ret_log, "a training's log", err);
}

static enum spira_code find_data(const struct spira_tensor_file *file, const char *path,
                                 const struct listing *listing, const void **data,
                                 struct spira_error *err)
{
    if (file->count != listing->count)
        return spira_fail(err, SPIRA_EINVALID, "%s: %zu tensors where %zu are needed", path,
                          file->count, listing->count);
    for (size_t i = 0; i < listing->count; i++) {
        const struct spira_tensor *wanted = &listing->tensors[i];
        enum spira_code code = spira_tensor_expect(file, path, wanted->name, wanted->dtype,
                                                   wanted->rank, wanted->shape, &data[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code check_training(const struct spira_checkpoint_place *place, const char *path,
                                      const struct spira_value *metadata, struct spira_error *err)
{
    if (strcmp(spira_value_get_text(metadata, "format", ""), format) != 0)
        return spira_fail(err, SPIRA_EINVALID, "%s: no checkpoint (%s)", path, format);
    const char *training = spira_value_get_text(metadata, "training", "");
    if (strcmp(training, place->training.hex) != 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: a checkpoint of the training '%.12s', not '%.12s'", path, training,
                          place->training.hex);
    return SPIRA_OK;
}

/* Copies the file's data into the state, which takes the log. */
static void take_over(struct spira_training_state *state, struct listing *listing,
                      const void *const *data, size_t epochs)
{
    for (size_t i = 0; i < listing->count; i++)
        memcpy((void *)listing->tensors[i].data, data[i], tensor_bytes(&listing->tensors[i]));
    state->adam.steps = (uint64_t)listing->steps;
    state->loss_sum = listing->loss_sum;
    free(state->log);
    state->log = listing->log;
    state->epochs = epochs;
}

enum spira_code spira_checkpoint_read(const struct spira_checkpoint_place *place, const char *path,
                                      struct spira_training_state *state, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    enum spira_code code = spira_tensors_open(place->tensors, path, &file, err);
    if (code == SPIRA_OK)
        code = check_training(place, path, file.metadata, err);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_epoch *log = NULL;
    size_t epochs = 0;
    if (code == SPIRA_OK)
        code = make_log(&file, path, &log, &epochs, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(listing_done)
    struct listing listing;
    list_tensors(&listing, state, log, epochs);
    SPIRA_CLEANUP(spira_free_at)
    const void **data = spira_alloc(listing.count, sizeof *data);
    code = find_data(&file, path, &listing, data, err);
    if (code != SPIRA_OK)
        return code;
    const char *sha256 = spira_value_get_text(file.metadata, "sha256", "");
    if (strcmp(sha256, seal(place, &listing, data).hex) != 0)
        return spira_fail(err, SPIRA_EINVALID, "%s: its data does not have the digest '%.12s'",
                          path, sha256);
    take_over(state, &listing, data, epochs);
    log = NULL;
    return SPIRA_OK;
}
