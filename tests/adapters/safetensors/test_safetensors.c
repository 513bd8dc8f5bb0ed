#include <criterion/criterion.h>
#include <dirent.h>
#include <unistd.h>

#include "adapters/safetensors/safetensors.h"
#include "core/base/file.h"

static char folder[] = "/tmp/spira-test-safetensors-XXXXXX";
static char *path;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    path = spira_format("%s/t.safetensors", folder);
}

static void remove_folder(void)
{
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
    free(path);
}

TestSuite(safetensors, .init = make_folder, .fini = remove_folder);

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

/* A file as another program would write it: the header as given, then size bytes of data. */
static void write_foreign(const char *header, const void *data, size_t size)
{
    struct spira_error err;
    uint64_t length = strlen(header);
    SPIRA_CLEANUP(spira_free_at)
    char *file = spira_alloc(8 + length + size, 1);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, length);
    if (size > 0)
        memcpy(file + 8 + length, data, size);
    cr_assert_eq(spira_file_write(path, file, 8 + length + size, &err), SPIRA_OK);
}

static void refused(const char *message)
{
    struct spira_error err = {0};
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), path, &file, &err),
                 SPIRA_EINVALID);
    cr_assert_null(file.self);
    cr_assert(strstr(err.message, path) && strstr(err.message, message), "got \"%s\"", err.message);
}

static const float weights[] = {1.5f, -2, 3, 4, 5, 6};
static const int64_t steps[] = {7};
static const double numbers[] = {0.1, 0.2};
static const uint8_t flags[] = {1, 0, 1};
static const struct spira_tensor written[] = {
    {.name = "z.weight", .dtype = SPIRA_F32, .rank = 2, .shape = {2, 3}, .data = weights},
    {.name = "steps", .dtype = SPIRA_I64, .rank = 0, .data = steps},
    {.name = "numbers", .dtype = SPIRA_F64, .rank = 1, .shape = {2}, .data = numbers},
    {.name = "empty", .dtype = SPIRA_I32, .rank = 2, .shape = {0, 4}, .data = weights},
    {.name = "flags \"\xc3\xa9\"", .dtype = SPIRA_U8, .rank = 1, .shape = {3}, .data = flags},
};
enum { WRITTEN = sizeof written / sizeof *written };

Test(safetensors, what_is_written_is_read_back_by_name)
{
    struct spira_error err = {0};
    struct spira_tensors port = spira_tensors_safetensors();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *metadata = spira_value_map();
    spira_value_set_text(metadata, "format", "pt");
    cr_assert_eq(spira_tensors_write(port, path, written, WRITTEN, metadata, &err), SPIRA_OK, "%s",
                 err.message);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(port, path, &file, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(file.count, WRITTEN);
    cr_assert(spira_value_equal(file.metadata, metadata));
    for (size_t i = 1; i < file.count; i++)
        cr_assert_lt(strcmp(file.tensors[i - 1].name, file.tensors[i].name), 0);
    for (size_t i = 0; i < WRITTEN; i++) {
        const void *data = NULL;
        cr_assert_eq(spira_tensor_expect(&file, path, written[i].name, written[i].dtype,
                                         written[i].rank, written[i].shape, &data, &err),
                     SPIRA_OK);
        size_t element = spira_dtype_size(written[i].dtype);
        cr_assert_eq((uintptr_t)data % element, 0);
        cr_assert_eq(memcmp(data, written[i].data, element * spira_tensor_elements(&written[i])),
                     0);
    }
}

Test(safetensors, the_bytes_are_those_of_the_format)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_tensors_write(spira_tensors_safetensors(), path, &written[2], 1, NULL, &err),
                 SPIRA_OK);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(path, 1000, &bytes, &err), SPIRA_OK);
    const char header[] =
        "{\"numbers\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}   ";
    cr_assert_eq((sizeof header - 1) % 8, 0);
    cr_assert_eq(bytes.size, 8 + sizeof header - 1 + 16);
    cr_assert_eq(memcmp(bytes.data, "\x40\0\0\0\0\0\0\0", 8), 0);
    cr_assert_eq(memcmp((char *)bytes.data + 8, header, sizeof header - 1), 0);
    cr_assert_eq(memcmp((char *)bytes.data + 8 + sizeof header - 1, numbers, 16), 0);
}

Test(safetensors, data_is_appended_in_any_pieces_and_no_more_than_promised)
{
    struct spira_error err = {0};
    struct spira_tensors port = spira_tensors_safetensors();
    void *writer = NULL;
    cr_assert_eq(port.ops->create(port.self, path, written, 2, NULL, &writer, &err), SPIRA_OK);
    cr_assert_eq(port.ops->append(writer, weights, 5, &err), SPIRA_OK);
    cr_assert_eq(port.ops->append(writer, (const char *)weights + 5, 19, &err), SPIRA_OK);
    cr_assert_eq(port.ops->append(writer, numbers, 9, &err), SPIRA_EBUG);
    cr_assert_eq(port.ops->append(writer, steps, 8, &err), SPIRA_OK);
    cr_assert_neq(access(path, F_OK), 0, "a file under its name before it is whole");
    cr_assert_eq(port.ops->finish(writer, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(port, path, &file, &err), SPIRA_OK);
    cr_assert_eq(memcmp(spira_tensor_find(&file, "z.weight")->data, weights, sizeof weights), 0);
    cr_assert_eq(files_in_folder(), 1);
}

Test(safetensors, a_file_that_is_not_finished_is_not_there)
{
    struct spira_error err = {0};
    struct spira_tensors port = spira_tensors_safetensors();
    void *writer = NULL;
    cr_assert_eq(port.ops->create(port.self, path, written, 2, NULL, &writer, &err), SPIRA_OK);
    port.ops->abandon(writer);
    port.ops->abandon(NULL);
    cr_assert_eq(port.ops->create(port.self, path, written, 2, NULL, &writer, &err), SPIRA_OK);
    cr_assert_eq(port.ops->append(writer, weights, 5, &err), SPIRA_OK);
    cr_assert_eq(port.ops->finish(writer, &err), SPIRA_EBUG);
    cr_assert(strstr(err.message, "27 of its 32 bytes"));
    const struct spira_tensor twice[] = {written[0], written[0]};
    cr_assert_eq(port.ops->create(port.self, path, twice, 2, NULL, &writer, &err), SPIRA_EBUG);
    cr_assert_eq(files_in_folder(), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *nowhere = spira_format("%s/none/t", folder);
    cr_assert_eq(port.ops->create(port.self, nowhere, written, 2, NULL, &writer, &err),
                 SPIRA_ENOTFOUND);
}

Test(safetensors, unaligned_data_of_others_is_read)
{
    struct spira_error err = {0};
    /* A header of odd length, and an element type of 8 bytes after one of 1. */
    write_foreign("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"d\":{\"shape\":[1],\"dtype\":\"F64\",\"data_offsets\":[1,9]}} ",
                  "\x07\x00\x00\x00\x00\x00\x00\xf8\x3f", 9);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), path, &file, &err), SPIRA_OK, "%s",
                 err.message);
    const double *number = spira_tensor_find(&file, "d")->data;
    cr_assert_eq((uintptr_t)number % 8, 0);
    cr_assert_eq(*number, 1.5);
    cr_assert_eq(spira_value_count(file.metadata), 0);
}

Test(safetensors, a_header_that_lies_is_refused)
{
    static const struct {
        const char *header;
        const char *message;
    } wrong[] = {
        {"[]", "no object"},
        {"{\"a\":", "not JSON"},
        {"{\"a\":1}", "entry 'a' is no object"},
        {"{\"\xff\":1}", "not text"},
        {"{\"__metadata__\":{\"a\":1}}", "metadata 'a' is no text"},
        {"{\"__metadata__\":1}", "metadata is no object"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}", "\"BF16\""},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,8]}}", "null"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "[ -2 ]"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", "[ 2.0 ]"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "shape 2"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}",
         "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}",
         "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999999],\"data_offsets\":[0,8]}}",
         "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]}}", "offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", "in 8 bytes of data"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}}", "offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "its data 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "begins at 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "begins at 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "begins at 4"},
        {"{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "name of 0 bytes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_foreign(wrong[i].header, numbers, 8);
        refused(wrong[i].message);
    }
}

Test(safetensors, a_file_of_another_kind_is_refused)
{
    struct spira_error err;
    cr_assert_eq(spira_file_write(path, "", 0, &err), SPIRA_OK);
    refused("too few");
    cr_assert_eq(spira_file_write(path, "some words, not tensors", 23, &err), SPIRA_OK);
    refused("says its header has");
    cr_assert_eq(spira_file_write(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &err), SPIRA_OK);
    refused("says its header has");
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), folder, &file, &err),
                 SPIRA_EINVALID);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(spira_tensors_open(spira_tensors_safetensors(), path, &file, &err),
                 SPIRA_ENOTFOUND);
}

Test(safetensors, a_file_cut_anywhere_is_refused)
{
    struct spira_error err = {0};
    cr_assert_eq(
        spira_tensors_write(spira_tensors_safetensors(), path, written, WRITTEN, NULL, &err),
        SPIRA_OK);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes whole = {0};
    cr_assert_eq(spira_file_read(path, 10000, &whole, &err), SPIRA_OK);
    for (size_t size = 0; size < whole.size; size++) {
        cr_assert_eq(spira_file_write(path, whole.data, size, &err), SPIRA_OK);
        refused("");
    }
}
