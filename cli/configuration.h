/* A run configuration from a file, changed on the command line. */
#ifndef SPIRA_CLI_CONFIGURATION_H
#define SPIRA_CLI_CONFIGURATION_H

#include "core/config/run_config.h"
#include "workers/common/command_line/options.h"

/* Gives a JSON document with comments, as it is. SPIRA_ENOTFOUND, SPIRA_EIO; SPIRA_EINVALID has the
 * file and the line. */
SPIRA_MUST_USE enum spira_code spira_configuration_document(const char *path,
                                                            struct spira_value **ret_document,
                                                            struct spira_error *err);

/* Reads path, changes it by sets (key=value; the value is JSON or a bare word) and fills
 * ret_config. Also SPIRA_EINVALID: the dotted key and the value that is wrong. */
SPIRA_MUST_USE enum spira_code spira_configuration_read(const char *path, const char *const *sets,
                                                        size_t set_count,
                                                        struct spira_run_config *ret_config,
                                                        struct spira_error *err);

#endif
