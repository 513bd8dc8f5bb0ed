/* Any number of records, sorted in little memory: an external merge sort.
 *
 * Records are bytes. They are added in any order and then come out one by one, the least first, of
 * equal ones the one that was added first. What is too much for the buffer lies, sorted piece by
 * piece, in a file without a name; as many pieces are merged at a time as the buffer has room for.
 * One thread. */
#ifndef SPIRA_CORE_BASE_SORTED_RECORDS_H
#define SPIRA_CORE_BASE_SORTED_RECORDS_H

#include "core/base/memory.h"

enum { SPIRA_SORTED_RECORDS_LEAST_BUFFER = 1024 };

struct spira_record {
    const void *data; /* aligned to 8 bytes where it comes out */
    size_t size;
};

/* Below 0: a comes before b; above 0: behind it; 0: they are equal. */
typedef int spira_record_order(struct spira_record a, struct spira_record b);

struct spira_sorted_records;

/* Keeps folder: where the file goes. Holds buffer_bytes (a multiple of 8, not less than the least)
 * from the first record on, and while it sorts at most half of that besides. Never NULL. */
struct spira_sorted_records *spira_sorted_records_new(const char *folder, size_t buffer_bytes,
                                                      spira_record_order *order);
void spira_sorted_records_free(struct spira_sorted_records *records); /* NULL is fine */

/* Adds a copy of the record. SPIRA_ETOOBIG: it takes more than a quarter of the buffer.
 * SPIRA_ENOMEMORY; SPIRA_EIO names the folder. After any other code but that of the size the
 * records can only be freed. */
SPIRA_MUST_USE enum spira_code spira_sorted_records_add(struct spira_sorted_records *records,
                                                        struct spira_record record,
                                                        struct spira_error *err);

/* Fills ret_record with the next record, good until the next call; data NULL: there is none left.
 * After the first call nothing can be added. Codes of spira_sorted_records_add. */
SPIRA_MUST_USE enum spira_code spira_sorted_records_next(struct spira_sorted_records *records,
                                                         struct spira_record *ret_record,
                                                         struct spira_error *err);

#endif
