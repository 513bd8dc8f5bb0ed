/* Reads the configuration files of SPIRA's predecessors: the 2021 experiments ("acl2021") and the
 * V2 prototype ("spira-v2"). What a file says becomes a run configuration; what it says and this
 * project cannot honour, and what had to be chosen, becomes a warning. */
#ifndef SPIRA_CORE_CONFIG_IMPORT_H
#define SPIRA_CORE_CONFIG_IMPORT_H

#include "core/base/value.h"

enum spira_published_format { SPIRA_PUBLISHED_NONE, SPIRA_PUBLISHED_ACL2021, SPIRA_PUBLISHED_V2 };

/* Starts zeroed, ends with done. */
struct spira_imported {
    enum spira_published_format format;
    struct spira_value *configuration; /* a run configuration that spira_run_config_read takes */
    struct spira_value *warnings;      /* a list of texts, one line each; may be empty */
};

/* "acl2021", "spira-v2", "none". Static. */
const char *spira_published_format_name(enum spira_published_format format);

/* The format a document is in, by the keys only that format has. NONE: any other, a run
 * configuration too. */
enum spira_published_format spira_published_format_of(const struct spira_value *document);

/* Fills ret_imported from a published document. name is the document's: for messages, and (without
 * folder and ending) the run configuration's own name. SPIRA_EINVALID: the document is in neither
 * format, a value has another type than the published code could read, or lies outside what a run
 * configuration allows; the message names dotted key and value. Borrows document. */
SPIRA_MUST_USE enum spira_code spira_config_import(const char *name,
                                                   const struct spira_value *document,
                                                   struct spira_imported *ret_imported,
                                                   struct spira_error *err);
void spira_imported_done(struct spira_imported *imported);

#endif
