/* Questions about offsets, and reading without a group. Any thread. */
#ifndef SPIRA_ADAPTERS_KAFKA_KAFKA_READER_H
#define SPIRA_ADAPTERS_KAFKA_KAFKA_READER_H

#include "adapters/kafka/kafka_cluster.h"

/* Fills list's offsets: of the first message with at least this timestamp, or, with
 * RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END for one, of what the partitions hold. */
SPIRA_MUST_USE enum spira_code spira_kafka_offsets(const struct kafka_owner *client,
                                                   rd_kafka_topic_partition_list_t *list,
                                                   int64_t timestamp_ms, int64_t deadline_ms,
                                                   struct spira_error *err);

/* The port's ranges; with a group, its pending. */
SPIRA_MUST_USE enum spira_code spira_kafka_ranges(const struct kafka_owner *client,
                                                  const char *group, const char *topic,
                                                  struct spira_offset_range **ret_ranges,
                                                  size_t *ret_count, struct spira_error *err);
/* The port's offset_at. */
SPIRA_MUST_USE enum spira_code spira_kafka_offset_at(const struct kafka_owner *client,
                                                     const char *topic, int32_t partition,
                                                     int64_t timestamp_ms, int64_t *ret_offset,
                                                     struct spira_error *err);

/* Clients that read. */
struct kafka_readers;

/* Keeps cluster. Gives ret_readers, freed with spira_kafka_readers_free. */
SPIRA_MUST_USE enum spira_code spira_kafka_readers_new(const struct kafka_cluster *cluster,
                                                       struct kafka_readers **ret_readers,
                                                       struct spira_error *err);
/* NULL is fine. */
void spira_kafka_readers_free(struct kafka_readers *readers);

/* The port's read; client answers questions. */
SPIRA_MUST_USE enum spira_code spira_kafka_read(struct kafka_readers *readers,
                                                const struct kafka_owner *client,
                                                const struct spira_offset_range *range,
                                                spira_message_visit *visit, void *context,
                                                struct spira_error *err);

#endif
