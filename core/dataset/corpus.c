#include "core/dataset/corpus.h"

#include "core/base/sorted_records.h"
#include "core/dataset/corpus_record.h"

/* Of each of the four that are sorted. A record is not larger than an event, so it fits. */
enum { BUFFER_BYTES = 8 << 20 };

/* Passes over sorted records, each of which says what the next ones sort:
 *     events    by digest: which of a digest's stands for it
 *     patients  what stands for a digest, by patient: which split is the patient's
 *     names     every event, by recording id: what was said last of it
 *     rows      what the others found, list by list
 * Of a group (a digest, a patient, a recording id) the first record says what is to be known of
 * it, so a group may be of any size. */
struct spira_corpus_builder {
    struct spira_sorted_records *events, *patients, *names, *rows;
    struct spira_corpus_draft event, other; /* on their way to be sorted */
};

static int compare_text(const struct spira_corpus_record *a, const struct spira_corpus_record *b,
                        enum spira_corpus_text which)
{
    return strcmp(spira_corpus_text(a, which, ""), spira_corpus_text(b, which, ""));
}

/* Withdrawals first, then the newest. */
static int by_digest(struct spira_record left, struct spira_record right)
{
    const struct spira_corpus_record *a = left.data, *b = right.data;
    int order = compare_text(a, b, SPIRA_CORPUS_SHA256);
    if (order == 0)
        order = (b->kind == SPIRA_CORPUS_WITHDRAWN) - (a->kind == SPIRA_CORPUS_WITHDRAWN);
    return order ? order : spira_corpus_by_age(b, a);
}

/* Those that name a split first, then the newest. */
static int by_patient(struct spira_record left, struct spira_record right)
{
    const struct spira_corpus_record *a = left.data, *b = right.data;
    int order = compare_text(a, b, SPIRA_CORPUS_PATIENT);
    if (order == 0)
        order = !a->texts[SPIRA_CORPUS_SPLIT] - !b->texts[SPIRA_CORPUS_SPLIT];
    return order ? order : spira_corpus_by_age(b, a);
}

/* The newest first. */
static int by_name(struct spira_record left, struct spira_record right)
{
    const struct spira_corpus_record *a = left.data, *b = right.data;
    int order = compare_text(a, b, SPIRA_CORPUS_RECORDING_ID);
    return order ? order : spira_corpus_by_age(b, a);
}

static int by_list(struct spira_record left, struct spira_record right)
{
    const struct spira_corpus_record *a = left.data, *b = right.data;
    const bool notes = a->list == SPIRA_CORPUS_DUPLICATES || a->list == SPIRA_CORPUS_REFUSED;
    int order = a->list - b->list;
    if (order == 0 && notes)
        order = compare_text(a, b, SPIRA_CORPUS_RECORDING_ID);
    return order ? order : compare_text(a, b, SPIRA_CORPUS_SHA256);
}

struct spira_corpus_builder *spira_corpus_builder_new(const char *folder)
{
    struct spira_corpus_builder *builder = spira_alloc(1, sizeof *builder);
    *builder = (struct spira_corpus_builder){
        .events = spira_sorted_records_new(folder, BUFFER_BYTES, by_digest),
        .patients = spira_sorted_records_new(folder, BUFFER_BYTES, by_patient),
        .names = spira_sorted_records_new(folder, BUFFER_BYTES, by_name),
        .rows = spira_sorted_records_new(folder, BUFFER_BYTES, by_list),
    };
    return builder;
}

void spira_corpus_builder_free(struct spira_corpus_builder *builder)
{
    if (!builder)
        return;
    spira_sorted_records_free(builder->events);
    spira_sorted_records_free(builder->patients);
    spira_sorted_records_free(builder->names);
    spira_sorted_records_free(builder->rows);
    spira_corpus_draft_done(&builder->event);
    spira_corpus_draft_done(&builder->other);
    free(builder);
}

void spira_corpus_builder_free_at(struct spira_corpus_builder **builder)
{
    spira_corpus_builder_free(*builder);
    *builder = NULL;
}

static enum spira_code put(struct spira_sorted_records *records,
                           const struct spira_corpus_record *record, struct spira_error *err)
{
    return spira_sorted_records_add(
        records, (struct spira_record){.data = record, .size = record->size}, err);
}

enum spira_code spira_corpus_add(struct spira_corpus_builder *builder,
                                 const struct spira_corpus_event *event, struct spira_error *err)
{
    spira_corpus_draft_event(&builder->event, event);
    const struct spira_corpus_record *record = builder->event.record;
    spira_corpus_draft_begin(&builder->other, record);
    spira_corpus_draft_put(&builder->other, SPIRA_CORPUS_RECORDING_ID,
                           spira_corpus_text(record, SPIRA_CORPUS_RECORDING_ID, NULL));
    if (event->kind == SPIRA_CORPUS_REJECTED) /* else it only tells what was rejected before */
        for (int which = SPIRA_CORPUS_REASON; which <= SPIRA_CORPUS_MESSAGE; which++)
            spira_corpus_draft_put(&builder->other, (enum spira_corpus_text)which,
                                   spira_corpus_text(record, (enum spira_corpus_text)which, NULL));
    enum spira_code code = put(builder->names, builder->other.record, err);
    return code == SPIRA_OK && event->kind != SPIRA_CORPUS_REJECTED
               ? put(builder->events, record, err)
               : code;
}

/* Adds a row of a list of notes. Takes message. */
static enum spira_code put_note(struct spira_corpus_builder *builder, enum spira_corpus_list list,
                                const struct spira_corpus_record *record, const char *reason,
                                char *message, struct spira_error *err)
{
    struct spira_corpus_draft *note = &builder->other;
    spira_corpus_draft_begin(note, record);
    note->record->list = (uint8_t)list;
    spira_corpus_draft_put(note, SPIRA_CORPUS_SHA256,
                           spira_corpus_text(record, SPIRA_CORPUS_SHA256, NULL));
    spira_corpus_draft_put(note, SPIRA_CORPUS_RECORDING_ID,
                           spira_corpus_text(record, SPIRA_CORPUS_RECORDING_ID, NULL));
    spira_corpus_draft_put(note, SPIRA_CORPUS_REASON, reason);
    spira_corpus_draft_put(note, SPIRA_CORPUS_MESSAGE, message);
    free(message);
    return put(builder->rows, note->record, err);
}

/* Adds a row of another list; split is what is prescribed, or NULL. */
static enum spira_code put_row(struct spira_corpus_builder *builder, enum spira_corpus_list list,
                               const struct spira_corpus_record *record, const char *split,
                               struct spira_error *err)
{
    struct spira_corpus_draft *row = &builder->other;
    spira_corpus_draft_copy(row, record);
    row->record->list = (uint8_t)list;
    if (split && !record->texts[SPIRA_CORPUS_SPLIT])
        spira_corpus_draft_put(row, SPIRA_CORPUS_SPLIT, split);
    return put(builder->rows, row->record, err);
}

/* What a pass does with a record of a group; begins: it is the first of it. */
typedef enum spira_code visit(struct spira_corpus_builder *builder,
                              const struct spira_corpus_record *first,
                              const struct spira_corpus_record *record, bool begins,
                              struct spira_error *err);

static enum spira_code resolve_digest(struct spira_corpus_builder *builder,
                                      const struct spira_corpus_record *first,
                                      const struct spira_corpus_record *record, bool begins,
                                      struct spira_error *err)
{
    if (first->kind == SPIRA_CORPUS_WITHDRAWN)
        return SPIRA_OK;
    if (begins)
        return record->texts[SPIRA_CORPUS_PATIENT]
                   ? put(builder->patients, record, err)
                   : put_row(builder, SPIRA_CORPUS_NOISES, record, NULL, err);
    if (compare_text(record, first, SPIRA_CORPUS_RECORDING_ID) == 0)
        return SPIRA_OK;
    return put_note(builder, SPIRA_CORPUS_DUPLICATES, record, "duplicate",
                    spira_format("the same recording as %s",
                                 spira_corpus_text(first, SPIRA_CORPUS_RECORDING_ID, "")),
                    err);
}

static enum spira_code resolve_patient(struct spira_corpus_builder *builder,
                                       const struct spira_corpus_record *first,
                                       const struct spira_corpus_record *record, bool begins,
                                       struct spira_error *err)
{
    const char *prescribed = spira_corpus_text(first, SPIRA_CORPUS_SPLIT, NULL);
    const char *own = spira_corpus_text(record, SPIRA_CORPUS_SPLIT, prescribed);
    (void)begins;
    if (!own || strcmp(own, prescribed) == 0)
        return put_row(builder, SPIRA_CORPUS_RECORDINGS, record, prescribed, err);
    return put_note(
        builder, SPIRA_CORPUS_REFUSED, record, "split_conflict",
        spira_format("split '%s', but a newer recording of its patient says '%s'", own, prescribed),
        err);
}

static enum spira_code resolve_name(struct spira_corpus_builder *builder,
                                    const struct spira_corpus_record *first,
                                    const struct spira_corpus_record *record, bool begins,
                                    struct spira_error *err)
{
    (void)first;
    if (!begins || record->kind != SPIRA_CORPUS_REJECTED)
        return SPIRA_OK;
    return put_note(builder, SPIRA_CORPUS_REFUSED, record,
                    spira_corpus_text(record, SPIRA_CORPUS_REASON, ""),
                    spira_copy_text(spira_corpus_text(record, SPIRA_CORPUS_MESSAGE, "")), err);
}

/* Fills ret_record, NULL: there is none left. */
static enum spira_code next(struct spira_sorted_records *records,
                            const struct spira_corpus_record **ret_record, struct spira_error *err)
{
    struct spira_record record;
    enum spira_code code = spira_sorted_records_next(records, &record, err);
    if (code == SPIRA_OK)
        *ret_record = record.data;
    return code;
}

/* Goes through records, which it frees; those with the same text are a group. */
static enum spira_code pass(struct spira_corpus_builder *builder,
                            struct spira_sorted_records **records, enum spira_corpus_text which,
                            visit *visit_record, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_corpus_draft_done)
    struct spira_corpus_draft first = {0};
    const struct spira_corpus_record *record;
    enum spira_code code = next(*records, &record, err);
    while (code == SPIRA_OK && record) {
        const bool begins = !first.record || compare_text(first.record, record, which) != 0;
        if (begins)
            spira_corpus_draft_copy(&first, record);
        code = visit_record(builder, first.record, record, begins, err);
        if (code == SPIRA_OK)
            code = next(*records, &record, err);
    }
    spira_sorted_records_free(*records);
    *records = NULL;
    return code;
}

/* Rows of one place are one row: a recording that came twice under another name. */
static enum spira_code hand_out(struct spira_corpus_builder *builder, spira_corpus_taker *take,
                                void *context, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_corpus_draft_done)
    struct spira_corpus_draft last = {0};
    const struct spira_corpus_record *row;
    enum spira_code code = next(builder->rows, &row, err);
    while (code == SPIRA_OK && row) {
        if (!last.record ||
            by_list((struct spira_record){last.record, 0}, (struct spira_record){row, 0}) != 0) {
            spira_corpus_draft_copy(&last, row);
            code = take(context, (enum spira_corpus_list)row->list, spira_corpus_row(row), err);
        }
        if (code == SPIRA_OK)
            code = next(builder->rows, &row, err);
    }
    return code;
}

enum spira_code spira_corpus_each(struct spira_corpus_builder *builder, spira_corpus_taker *take,
                                  void *context, struct spira_error *err)
{
    enum spira_code code =
        pass(builder, &builder->events, SPIRA_CORPUS_SHA256, resolve_digest, err);
    if (code == SPIRA_OK)
        code = pass(builder, &builder->patients, SPIRA_CORPUS_PATIENT, resolve_patient, err);
    if (code == SPIRA_OK)
        code = pass(builder, &builder->names, SPIRA_CORPUS_RECORDING_ID, resolve_name, err);
    return code == SPIRA_OK ? hand_out(builder, take, context, err) : code;
}
