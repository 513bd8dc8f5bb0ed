/* The CSV files of `local run`: recordings and noises as audio.collected events. */
#ifndef SPIRA_CLI_RECORDINGS_CSV_H
#define SPIRA_CLI_RECORDINGS_CSV_H

#include "core/base/value.h"

/* Gives a list with one audio.collected event for each row, in their order. Columns: file_path
 * (also the recording's id) and class (0 or 1); optionally patient and split (train, eval or
 * validation, test; empty: not prescribed); any other becomes metadata. A class that is neither is
 * passed on: the intake sets the recording aside. SPIRA_EINVALID names file, line and value: a
 * missing column, an empty file_path, a split that is none, a field beyond its limit. Codes of
 * spira_csv_read. */
SPIRA_MUST_USE enum spira_code
spira_recordings_csv(const char *path, struct spira_value **ret_events, struct spira_error *err);

/* The same for noises: only file_path counts. */
SPIRA_MUST_USE enum spira_code spira_noises_csv(const char *path, struct spira_value **ret_events,
                                                struct spira_error *err);

#endif
