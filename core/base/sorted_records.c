#include "core/base/sorted_records.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/file.h"

enum {
    LARGEST_PART = 4,     /* a record takes at most such a part of the buffer */
    SLOT_BYTES = 1 << 15, /* what is read of a piece at once, or more */
};

/* How a record lies in the buffer and in the file; its bytes follow, up to the next multiple of 8.
 */
struct stored {
    uint64_t size;
};

/* Sorted records in the file, one behind the other. */
struct piece {
    off_t from, to;
};

struct spill {
    FILE *file; /* NULL: all that was added is in the buffer */
    off_t size;
    struct piece *pieces; /* in the order in which their records were added */
    size_t count;
};

/* A piece on its way through the merge, and what is read of it. */
struct source {
    struct piece left;         /* not read yet */
    const struct piece *piece; /* for the order of equal records */
    char *slot;                /* of slot_bytes, in the buffer */
    size_t begin, end;         /* what of the slot is read and not taken yet */
};

struct merge {
    struct source *sources; /* a heap: none comes before the one it is below */
    size_t count;
    size_t slot_bytes;
    bool taken; /* the first source's record was handed out */
};

struct spira_sorted_records {
    const char *folder;
    spira_record_order *order;
    size_t buffer_bytes;
    char *buffer;  /* records from its front on, their addresses from its end on */
    size_t used;   /* by the records */
    size_t count;  /* of the records */
    size_t handed; /* of them, when all are in the buffer */
    bool sorted;
    size_t largest; /* bytes that a record takes, at most */
    struct spill spill;
    struct merge merge;
};

static size_t stored_bytes(size_t size)
{
    return sizeof(struct stored) + (size + 7) / 8 * 8;
}

static struct spira_record record_at(const char *place)
{
    const struct stored *stored = (const void *)place;
    return (struct spira_record){.data = stored + 1, .size = stored->size};
}

/* The addresses of the records in the buffer, the last added first. */
static const char **addresses(const struct spira_sorted_records *records)
{
    return (void *)(records->buffer + records->buffer_bytes - records->count * sizeof(char *));
}

struct spira_sorted_records *spira_sorted_records_new(const char *folder, size_t buffer_bytes,
                                                      spira_record_order *order)
{
    assert(buffer_bytes >= SPIRA_SORTED_RECORDS_LEAST_BUFFER && buffer_bytes % 8 == 0);
    struct spira_sorted_records *records = spira_alloc(1, sizeof *records);
    *records = (struct spira_sorted_records){
        .folder = folder, .order = order, .buffer_bytes = buffer_bytes};
    return records;
}

static void spill_done(struct spill *spill)
{
    spira_fclose_at(&spill->file);
    free(spill->pieces);
    *spill = (struct spill){0};
}

void spira_sorted_records_free(struct spira_sorted_records *records)
{
    if (!records)
        return;
    spill_done(&records->spill);
    free(records->merge.sources);
    free(records->buffer);
    free(records);
}

static enum spira_code fail_file(const struct spira_sorted_records *records,
                                 struct spira_error *err)
{
    return spira_fail_errno(err, errno ? errno : EIO, "%s: a file to sort records in",
                            records->folder);
}

static enum spira_code spill_open(const struct spira_sorted_records *records, struct spill *spill,
                                  struct spira_error *err)
{
    int fd;
    enum spira_code code = spira_file_open_nameless(records->folder, &fd, err);
    if (code != SPIRA_OK)
        return code;
    *spill = (struct spill){.file = fdopen(fd, "w+b")};
    if (spill->file)
        return SPIRA_OK;
    code = fail_file(records, err);
    close(fd);
    return code;
}

static void spill_begin_piece(struct spill *spill)
{
    if ((spill->count & (spill->count - 1)) == 0)
        spill->pieces = spira_realloc(spill->pieces, spill->count ? 2 * spill->count : 1,
                                      sizeof *spill->pieces);
    spill->pieces[spill->count++] = (struct piece){spill->size, spill->size};
}

/* Appends a record to the last piece. */
static enum spira_code spill_put(const struct spira_sorted_records *records, struct spill *spill,
                                 const char *place, struct spira_error *err)
{
    const size_t bytes = stored_bytes(record_at(place).size);
    errno = 0;
    if (fwrite(place, 1, bytes, spill->file) != bytes)
        return fail_file(records, err);
    spill->size += (off_t)bytes;
    spill->pieces[spill->count - 1].to = spill->size;
    return SPIRA_OK;
}

/* Of equal records the one that lies before the other was added before it. */
static int by_order(const void *a, const void *b, void *context)
{
    const struct spira_sorted_records *records = context;
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    int order = records->order(record_at(left), record_at(right));
    return order ? order : left < right ? -1 : left > right;
}

static void sort_buffer(struct spira_sorted_records *records)
{
    if (records->count > 0)
        qsort_r(addresses(records), records->count, sizeof(char *), by_order, records);
}

/* Moves what is in the buffer into the file, as a piece. */
static enum spira_code spill_buffer(struct spira_sorted_records *records, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    if (!records->spill.file)
        code = spill_open(records, &records->spill, err);
    if (code != SPIRA_OK)
        return code;
    sort_buffer(records);
    spill_begin_piece(&records->spill);
    const char *const *at = addresses(records);
    for (size_t i = 0; code == SPIRA_OK && i < records->count; i++)
        code = spill_put(records, &records->spill, at[i], err);
    records->used = records->count = 0;
    return code;
}

enum spira_code spira_sorted_records_add(struct spira_sorted_records *records,
                                         struct spira_record record, struct spira_error *err)
{
    assert(!records->sorted);
    const size_t most = records->buffer_bytes / LARGEST_PART;
    if (record.size > most || stored_bytes(record.size) + sizeof(char *) > most)
        return spira_fail(err, SPIRA_ETOOBIG, "a record of %zu bytes is too large to be sorted",
                          record.size);
    if (!records->buffer)
        records->buffer = malloc(records->buffer_bytes);
    if (!records->buffer)
        return spira_fail(err, SPIRA_ENOMEMORY, "no memory to sort records in: %zu bytes",
                          records->buffer_bytes);
    const size_t bytes = stored_bytes(record.size);
    if (records->used + bytes + (records->count + 1) * sizeof(char *) > records->buffer_bytes) {
        enum spira_code code = spill_buffer(records, err);
        if (code != SPIRA_OK)
            return code;
    }
    char *place = records->buffer + records->used;
    const struct stored stored = {.size = record.size};
    memset(place + bytes - 8, 0, 8); /* what the last of its bytes do not fill */
    memcpy(place, &stored, sizeof stored);
    memcpy(place + sizeof stored, record.data, record.size);
    records->used += bytes;
    records->count++;
    addresses(records)[0] = place;
    records->largest = bytes > records->largest ? bytes : records->largest;
    return SPIRA_OK;
}

/* Reads on in a source until its slot is full or its piece ends. */
static enum spira_code refill(const struct spira_sorted_records *records, struct source *source,
                              struct spira_error *err)
{
    memmove(source->slot, source->slot + source->begin, source->end - source->begin);
    source->end -= source->begin;
    source->begin = 0;
    while (source->end < records->merge.slot_bytes && source->left.from < source->left.to) {
        size_t wanted = records->merge.slot_bytes - source->end;
        if ((off_t)wanted > source->left.to - source->left.from)
            wanted = (size_t)(source->left.to - source->left.from);
        errno = 0;
        ssize_t got = pread(fileno(records->spill.file), source->slot + source->end, wanted,
                            source->left.from);
        if (got <= 0 && errno != EINTR)
            return fail_file(records, err);
        source->end += got > 0 ? (size_t)got : 0;
        source->left.from += got > 0 ? got : 0;
    }
    return SPIRA_OK;
}

/* Sees to it that the next record of the source, if there is one, is whole in its slot. */
static enum spira_code read_ahead(const struct spira_sorted_records *records, struct source *source,
                                  struct spira_error *err)
{
    const size_t ready = source->end - source->begin;
    if (ready < sizeof(struct stored) ||
        ready < stored_bytes(record_at(source->slot + source->begin).size))
        return refill(records, source, err);
    return SPIRA_OK;
}

static bool comes_before(const struct spira_sorted_records *records, const struct source *a,
                         const struct source *b)
{
    int order = records->order(record_at(a->slot + a->begin), record_at(b->slot + b->begin));
    return order ? order < 0 : a->piece < b->piece;
}

/* Moves the source at place down the heap to where it belongs. */
static void sift_down(struct spira_sorted_records *records, size_t place)
{
    struct source *sources = records->merge.sources;
    for (size_t child; (child = 2 * place + 1) < records->merge.count; place = child) {
        if (child + 1 < records->merge.count &&
            comes_before(records, &sources[child + 1], &sources[child]))
            child++;
        if (!comes_before(records, &sources[child], &sources[place]))
            return;
        struct source down = sources[place];
        sources[place] = sources[child];
        sources[child] = down;
    }
}

/* How many pieces can be merged at once: a slot must hold any record. */
static size_t fan_in(const struct spira_sorted_records *records)
{
    const size_t slot = records->largest > SLOT_BYTES ? records->largest : SLOT_BYTES;
    const size_t slots = records->buffer_bytes / slot;
    return slots > LARGEST_PART ? slots : LARGEST_PART;
}

/* Makes the buffer the slots of these pieces: at most fan_in. */
static enum spira_code merge_begin(struct spira_sorted_records *records, const struct piece *pieces,
                                   size_t count, struct spira_error *err)
{
    struct merge *merge = &records->merge;
    merge->count = count;
    merge->slot_bytes = records->buffer_bytes / count / 8 * 8;
    merge->taken = false;
    for (size_t i = 0; i < count; i++) {
        merge->sources[i] = (struct source){.left = pieces[i],
                                            .piece = &pieces[i],
                                            .slot = records->buffer + i * merge->slot_bytes};
        enum spira_code code = refill(records, &merge->sources[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    for (size_t i = count / 2; i-- > 0;)
        sift_down(records, i);
    return SPIRA_OK;
}

/* Gives the place of the next record of the merge, NULL when there is none. */
static enum spira_code merge_next(struct spira_sorted_records *records, const char **ret_place,
                                  struct spira_error *err)
{
    struct merge *merge = &records->merge;
    if (merge->taken) {
        struct source *first = &merge->sources[0];
        first->begin += stored_bytes(record_at(first->slot + first->begin).size);
        enum spira_code code = read_ahead(records, first, err);
        if (code != SPIRA_OK)
            return code;
        if (first->begin == first->end)
            *first = merge->sources[--merge->count];
        sift_down(records, 0);
    }
    merge->taken = merge->count > 0;
    *ret_place = merge->taken ? merge->sources[0].slot + merge->sources[0].begin : NULL;
    return SPIRA_OK;
}

/* Merges every so many pieces into one, in a new file. */
static enum spira_code merge_pass(struct spira_sorted_records *records, size_t at_once,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spill_done)
    struct spill merged = {0};
    enum spira_code code = spill_open(records, &merged, err);
    for (size_t from = 0; code == SPIRA_OK && from < records->spill.count; from += at_once) {
        const size_t left = records->spill.count - from;
        spill_begin_piece(&merged);
        code = merge_begin(records, records->spill.pieces + from, left < at_once ? left : at_once,
                           err);
        for (const char *place; code == SPIRA_OK;) {
            code = merge_next(records, &place, err);
            if (code != SPIRA_OK || !place)
                break;
            code = spill_put(records, &merged, place, err);
        }
    }
    if (code == SPIRA_OK && fflush(merged.file) != 0)
        code = fail_file(records, err);
    if (code != SPIRA_OK)
        return code;
    const struct spill former = records->spill;
    records->spill = merged;
    merged = former;
    return SPIRA_OK;
}

/* Sorts what was added, so that next has only to take it. */
static enum spira_code sort(struct spira_sorted_records *records, struct spira_error *err)
{
    records->sorted = true;
    if (!records->spill.file) {
        sort_buffer(records);
        return SPIRA_OK;
    }
    enum spira_code code = spill_buffer(records, err);
    if (code == SPIRA_OK && fflush(records->spill.file) != 0)
        code = fail_file(records, err);
    const size_t at_once = fan_in(records);
    records->merge.sources = spira_alloc(at_once, sizeof *records->merge.sources);
    while (code == SPIRA_OK && records->spill.count > at_once)
        code = merge_pass(records, at_once, err);
    return code == SPIRA_OK ? merge_begin(records, records->spill.pieces, records->spill.count, err)
                            : code;
}

enum spira_code spira_sorted_records_next(struct spira_sorted_records *records,
                                          struct spira_record *ret_record, struct spira_error *err)
{
    enum spira_code code = records->sorted ? SPIRA_OK : sort(records, err);
    const char *place = NULL;
    if (code == SPIRA_OK && records->spill.file)
        code = merge_next(records, &place, err);
    if (code != SPIRA_OK)
        return code;
    if (!records->spill.file && records->handed < records->count)
        place = addresses(records)[records->handed++];
    *ret_record = place ? record_at(place) : (struct spira_record){0};
    return SPIRA_OK;
}
