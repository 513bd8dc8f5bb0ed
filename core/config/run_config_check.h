/* Whether the values of a run configuration go together. */
#ifndef SPIRA_CORE_CONFIG_RUN_CONFIG_CHECK_H
#define SPIRA_CORE_CONFIG_RUN_CONFIG_CHECK_H

#include "core/config/run_config.h"

/* Refuses combinations of which no run can come, each value being within its own limits. name is
 * the document's, for messages. SPIRA_EINVALID names the dotted key and the value. */
SPIRA_MUST_USE enum spira_code spira_run_config_check(const char *name,
                                                      const struct spira_run_config *config,
                                                      struct spira_error *err);

#endif
