#include "cli/collection.h"

void spira_collection_date(const struct spira_worker *worker, struct spira_value *events,
                           int64_t *last_ms)
{
    for (size_t i = 0; i < spira_value_count(events); i++) {
        int64_t now_ms = spira_clock_now_ms(worker->clock);
        *last_ms = now_ms > *last_ms ? now_ms : *last_ms + 1;
        spira_value_set_int(spira_value_at(events, i), SPIRA_COLLECTED_AT, *last_ms);
    }
}

enum spira_code spira_collection_emit(const struct spira_worker *worker,
                                      const struct spira_value *events, struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(events); i++) {
        const struct spira_value *event = spira_value_at(events, i);
        const char *id = spira_value_get_text(event, "recording_id", "");
        code =
            spira_event_emit(worker, "audio.collected", spira_value_get_text(event, "patient", id),
                             id, spira_value_copy(event), err);
    }
    return code;
}
