#include "workers/common/run/topics.h"

#include "schemas/schema.h"
#include "workers/common/loop/dead_letter.h"

enum { FEW_PARTITIONS = 4, DEAD_LETTER_PARTITIONS = 1 };

/* Whether many workers share the messages of this event. */
static bool is_shared(const char *event)
{
    return strncmp(event, "audio.", strlen("audio.")) == 0 ||
           strcmp(event, "features.requested") == 0 || strcmp(event, "training.requested") == 0;
}

enum spira_code spira_topics_visit(const struct spira_worker *worker, bool dead_letters,
                                   int32_t shared, spira_topic_visit *visit, void *context,
                                   struct spira_error *err)
{
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++) {
        const char *event = schemas[i].topic;
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(worker, event);
        SPIRA_CLEANUP(spira_free_at)
        char *dead = spira_format("%s" SPIRA_DEAD_LETTER_SUFFIX, topic);
        code = visit(context, topic, is_shared(event) ? shared : FEW_PARTITIONS, err);
        if (code == SPIRA_OK && dead_letters)
            code = visit(context, dead, DEAD_LETTER_PARTITIONS, err);
    }
    return code;
}
