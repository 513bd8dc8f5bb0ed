/* A small training for tests: six frames are left after the last convolution, two classes that a
 * network can tell apart, a scratch folder. */
#ifndef SPIRA_TESTS_CORE_TRAINING_TRAINING_FIXTURE_H
#define SPIRA_TESTS_CORE_TRAINING_TRAINING_FIXTURE_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "adapters/json/json_config.h"
#include "adapters/openssl/openssl_digest.h"
#include "adapters/plain/matrix_plain.h"
#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"
#include "core/training/trainer.h"
#include "tests/core/training/loader_fake.h"

struct fixture {
    struct spira_model_config model;
    struct spira_train_config train;
    struct fake_loader training, validation;
    struct spira_training_job job;
    struct spira_training_result result;
    struct spira_error err;
    char folder[64];
    char checkpoints[96], log[96], weights[96];
};

/* Fills a fixture that stays where it is: the job points into it. */
static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .model = {.norm = SPIRA_GROUP_NORM, .fc1_dim = 8, .fc2_dim = 1, .dropout = 0.2},
        .train = {.epochs = 3,
                  .batch_recordings = 3,
                  .learning_rate = 1e-3,
                  .weight_decay = 0.01,
                  .noam = true,
                  .warmup_steps = 4,
                  .clipping = true,
                  .max_loss = 1e8,
                  .max_batch_windows = 16},
        .training = fake_loader_of(10, 1),
        .validation = fake_loader_of(9, 2),
        .folder = "/tmp/spira-training-XXXXXX",
    };
    fixture->validation.first = 100;
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->checkpoints, sizeof fixture->checkpoints, "%s/checkpoints", fixture->folder);
    snprintf(fixture->log, sizeof fixture->log, "%s/training.jsonl", fixture->folder);
    snprintf(fixture->weights, sizeof fixture->weights, "%s/model.safetensors", fixture->folder);
    cr_assert_eq(spira_folder_make(fixture->checkpoints, &fixture->err), SPIRA_OK);
    fixture->job = (struct spira_training_job){
        .model = &fixture->model,
        .train = &fixture->train,
        .seed = 42,
        .frames = FAKE_FRAMES,
        .features = FAKE_FEATURES,
        .training = fake_loader_port(&fixture->training),
        .validation = fake_loader_port(&fixture->validation),
        .threads = 1,
        .matrix = spira_matrix_plain(),
        .tensors = spira_tensors_safetensors(),
        .digest = spira_digest_openssl(),
        .checkpoint_folder = fixture->checkpoints,
        .log_path = fixture->log,
        .model_path = fixture->weights,
    };
}

static inline void fixture_done(struct fixture *fixture)
{
    spira_loader_done(&fixture->job.training);
    spira_loader_done(&fixture->job.validation);
    struct spira_error err;
    cr_expect_eq(spira_tree_remove(fixture->folder, &err), SPIRA_OK);
}

static inline enum spira_code fixture_train(struct fixture *fixture)
{
    return spira_train(&fixture->job, &fixture->result, &fixture->err);
}

/* The digest of a file that must be there. */
static inline struct spira_sha256 digest_of(const char *path)
{
    struct spira_sha256 sha256;
    struct spira_error err = {0};
    cr_assert_eq(spira_digest_file(spira_digest_openssl(), path, &sha256, NULL, &err), SPIRA_OK,
                 "%s", err.message);
    return sha256;
}

/* How many files the checkpoint folder has. */
static inline size_t checkpoint_count(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture->checkpoints);
    cr_assert_not_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Whether the folder has a checkpoint of that step. */
static inline bool has_checkpoint(const struct fixture *fixture, size_t step)
{
    char path[160];
    snprintf(path, sizeof path, "%s/step-%06zu.safetensors", fixture->checkpoints, step);
    return access(path, F_OK) == 0;
}

/* Cuts a file to size bytes (SIZE_MAX: leaves its size) and flips one bit (byte SIZE_MAX: none). */
static inline void damage(const char *path, size_t size, size_t byte)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    struct spira_error err;
    cr_assert_eq(spira_file_read(path, 64 << 20, &bytes, &err), SPIRA_OK);
    if (byte != SIZE_MAX) {
        cr_assert_lt(byte, bytes.size);
        ((unsigned char *)bytes.data)[byte] ^= 4;
    }
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    fwrite(bytes.data, 1, size < bytes.size ? size : bytes.size, file);
    fclose(file);
}

#endif
