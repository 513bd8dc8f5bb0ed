/* From files and CSV rows to audio.collected events whose recordings the fleet can fetch. */
#ifndef SPIRA_CLI_AUDIO_PREPARE_H
#define SPIRA_CLI_AUDIO_PREPARE_H

#include "core/ports/progress.h"
#include "workers/common/worker.h"

struct spira_audio_prepare {
    const struct spira_worker *worker; /* with an inbox */
    const char *root;                  /* the rows' paths are relative to it */
    struct spira_value *rows;          /* of recordings_csv.h; what is not there stays as a row */
    struct spira_value *files;         /* events of files that must be there; uri is the path */
    struct spira_progress progress;    /* counts recordings; stop: SPIRA_EINTERRUPTED */
};

/* Puts the recording of each event into the inbox (or finds it there) and sets the event's uri,
 * sha256 and bytes. A row whose recording cannot be had (none there, no regular file, one outside
 * root, larger than the intake allows, not readable) keeps a uri that names nothing: the intake
 * sets it aside, as local run does. ret_absent, to be freed, lists those as {"recording_id",
 * "message"}. Nothing is sent. SPIRA_ENOTFOUND and others for a file; SPIRA_EIO (a full disk). */
SPIRA_MUST_USE enum spira_code spira_audio_prepare(const struct spira_audio_prepare *prepare,
                                                   struct spira_value **ret_absent,
                                                   struct spira_error *err);

#endif
