#include "core/base/sorted_records.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/random.h"
#include "workers/common/child/sanitized.h"

static char folder[] = "/tmp/spira-test-sorted-XXXXXX";
static struct spira_error err;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(rmdir(folder), 0, "what is sorted leaves no name behind");
}

TestSuite(sorted_records, .init = make_folder, .fini = remove_folder);

static int by_bytes(struct spira_record a, struct spira_record b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Of the record nothing but its first byte counts. */
static int by_first_byte(struct spira_record a, struct spira_record b)
{
    return *(const unsigned char *)a.data - *(const unsigned char *)b.data;
}

static void add(struct spira_sorted_records *records, const void *data, size_t size)
{
    cr_assert_eq(
        spira_sorted_records_add(records, (struct spira_record){.data = data, .size = size}, &err),
        SPIRA_OK, "%s", err.message);
}

static struct spira_record next(struct spira_sorted_records *records)
{
    struct spira_record record = {0};
    cr_assert_eq(spira_sorted_records_next(records, &record, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq((uintptr_t)record.data % 8, 0u);
    return record;
}

/* What a sorter should give: the records themselves, sorted by qsort. */
struct twin {
    spira_record_order *order;
    struct spira_record *records;
    size_t count;
};

static int by_twin(const void *a, const void *b, void *context)
{
    const struct twin *twin = context;
    const struct spira_record *left = *(const struct spira_record *const *)a,
                              *right = *(const struct spira_record *const *)b;
    int order = twin->order(*left, *right);
    return order ? order : left < right ? -1 : 1; /* the one that was added first */
}

/* Sorts count random records of at most largest bytes from so few different bytes. */
static void sort_random(uint64_t seed, spira_record_order *order, size_t buffer_bytes, size_t count,
                        size_t largest, unsigned different)
{
    struct spira_random random = spira_random_stream(seed, SPIRA_FOR_SHUFFLE, 0, 0);
    struct spira_sorted_records *sorted = spira_sorted_records_new(folder, buffer_bytes, order);
    struct twin twin = {
        .order = order, .records = spira_alloc(count, sizeof *twin.records), .count = count};
    const struct spira_record **places = spira_alloc(count, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        size_t size = 1 + spira_random_below(&random, largest);
        unsigned char *data = spira_alloc(size, 1);
        for (size_t byte = 0; byte < size; byte++)
            data[byte] = (unsigned char)spira_random_below(&random, different);
        twin.records[i] = (struct spira_record){.data = data, .size = size};
        places[i] = &twin.records[i];
        add(sorted, data, size);
    }
    qsort_r(places, count, sizeof *places, by_twin, &twin);
    for (size_t i = 0; i < count; i++) {
        struct spira_record record = next(sorted);
        cr_assert_not_null(record.data, "%zu of %zu", i, count);
        cr_assert_eq(record.size, places[i]->size, "seed %zu, %zu of %zu", (size_t)seed, i, count);
        cr_assert_eq(memcmp(record.data, places[i]->data, record.size), 0, "seed %zu, %zu of %zu",
                     (size_t)seed, i, count);
    }
    cr_assert_null(next(sorted).data, "seed %zu", (size_t)seed);
    cr_assert_null(next(sorted).data, "and so it stays");
    spira_sorted_records_free(sorted);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)twin.records[i].data);
    free(twin.records);
    free(places);
}

Test(sorted_records, none_is_none)
{
    struct spira_sorted_records *records = spira_sorted_records_new(folder, 1024, by_bytes);
    cr_assert_null(next(records).data);
    spira_sorted_records_free(records);
    spira_sorted_records_free(NULL);
}

Test(sorted_records, one_comes_back_as_it_was)
{
    struct spira_sorted_records *records = spira_sorted_records_new(folder, 1024, by_bytes);
    add(records, "a\0b", 3);
    struct spira_record record = next(records);
    cr_assert_eq(record.size, 3u);
    cr_assert_eq(memcmp(record.data, "a\0b", 3), 0);
    cr_assert_null(next(records).data);
    spira_sorted_records_free(records);
}

Test(sorted_records, a_record_may_be_empty)
{
    struct spira_sorted_records *records = spira_sorted_records_new(folder, 1024, by_bytes);
    for (size_t i = 0; i < 200; i++)
        add(records, "x", i % 2);
    for (size_t i = 0; i < 200; i++)
        cr_assert_eq(next(records).size, (size_t)(i >= 100), "%zu", i);
    cr_assert_null(next(records).data);
    spira_sorted_records_free(records);
}

Test(sorted_records, what_the_buffer_holds_needs_no_folder)
{
    struct spira_sorted_records *records = spira_sorted_records_new("/nowhere", 1024, by_bytes);
    add(records, "b", 1);
    add(records, "a", 1);
    cr_assert_eq(*(const char *)next(records).data, 'a');
    cr_assert_eq(*(const char *)next(records).data, 'b');
    spira_sorted_records_free(records);
}

Test(sorted_records, come_in_the_order_of_qsort_whether_they_fit_or_not)
{
    static const size_t counts[] = {2, 30, 31, 32, 33, 100, 500, 3000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        sort_random(i, by_bytes, 1024, counts[i], 16, 256);
        sort_random(100 + i, by_bytes, 4096, counts[i], 200, 256);
        sort_random(200 + i, by_bytes, 1 << 17, counts[i], 4000, 3);
    }
}

Test(sorted_records, whatever_their_sizes_nothing_is_lost)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct spira_random random = spira_random_stream(seed, SPIRA_FOR_SHUFFLE, 1, 0);
        const size_t buffer_bytes = 1024 + 8 * spira_random_below(&random, 1000);
        const size_t largest = 1 + spira_random_below(&random, buffer_bytes / 4 - 24);
        sort_random(seed, seed % 2 ? by_bytes : by_first_byte, buffer_bytes,
                    1 + spira_random_below(&random, 400), largest,
                    1 + (unsigned)spira_random_below(&random, 256));
    }
}

Test(sorted_records, equal_ones_keep_the_order_in_which_they_were_added)
{
    sort_random(1, by_first_byte, 1024, 5000, 8, 4); /* hundreds of pieces, four merged at a time */
    sort_random(2, by_first_byte, 1 << 16, 5000, 8, 4);
}

Test(sorted_records, one_that_is_too_large_is_refused_and_the_others_go_on)
{
    static const char large[1024];
    struct spira_sorted_records *records = spira_sorted_records_new(folder, 1024, by_bytes);
    const struct spira_record record = {.data = large, .size = 241};
    cr_assert_eq(spira_sorted_records_add(records, record, &err), SPIRA_ETOOBIG);
    cr_assert(strstr(err.message, "241 bytes"), "%s", err.message);
    for (size_t i = 0; i < 20; i++)
        add(records, large, 240);
    for (size_t i = 0; i < 20; i++)
        cr_assert_eq(next(records).size, 240u);
    cr_assert_null(next(records).data);
    spira_sorted_records_free(records);
}

Test(sorted_records, a_folder_that_is_gone_is_named)
{
    struct spira_sorted_records *records = spira_sorted_records_new("/nowhere", 1024, by_bytes);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; i < 200 && code == SPIRA_OK; i++)
        code = spira_sorted_records_add(records, (struct spira_record){"1234567", 8}, &err);
    cr_assert_eq(code, SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "/nowhere/"), "%s", err.message);
    spira_sorted_records_free(records);
}

/* Sorts until the disk, which holds so many bytes, is full. */
static void fill_disk(size_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct spira_sorted_records *records = spira_sorted_records_new(folder, 1 << 16, by_bytes);
    struct spira_record record = {.data = "0123456789abcdef", .size = 16};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; i < 40000 && code == SPIRA_OK; i++)
        code = spira_sorted_records_add(records, record, &err);
    for (size_t i = 0; i < 40000 && code == SPIRA_OK && record.data; i++)
        code = spira_sorted_records_next(records, &record, &err);
    spira_sorted_records_free(records);
    cr_assert_eq(code, SPIRA_EIO, "at %zu bytes", bytes);
    cr_assert(strstr(err.message, folder), "%s", err.message);
    cr_assert(strstr(err.message, strerror(EFBIG)), "%s", err.message);
}

Test(sorted_records, a_full_disk_is_told_with_its_folder)
{
    signal(SIGXFSZ, SIG_IGN);
    fill_disk(0);      /* while the first piece is written */
    fill_disk(100000); /* while records are added */
    fill_disk(959000); /* while the last piece is written: 40000 records of 24 bytes */
}

/* A sanitizer takes more than the limit. */
Test(sorted_records, take_no_more_memory_however_many_there_are, .disabled = SPIRA_SANITIZED)
{
    enum { BUFFER_BYTES = 1 << 20, RECORDS = 2000000 };
    struct rlimit limit = {.rlim_cur = 24 << 20, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
    struct spira_sorted_records *records = spira_sorted_records_new(folder, BUFFER_BYTES, by_bytes);
    struct spira_random random = spira_random_stream(7, SPIRA_FOR_SHUFFLE, 0, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        uint32_t numbers[2] = {spira_random_u32(&random), spira_random_u32(&random)};
        add(records, numbers, sizeof numbers);
    }
    unsigned char last[8] = {0};
    size_t count = 0;
    for (struct spira_record record; (record = next(records)).data; count++) {
        cr_assert_leq(memcmp(last, record.data, 8), 0, "%zu", count);
        memcpy(last, record.data, 8);
    }
    cr_assert_eq(count, (size_t)RECORDS);
    spira_sorted_records_free(records);
}
