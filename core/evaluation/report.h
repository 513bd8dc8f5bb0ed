/* report.html: one evaluation as a page a clinician can read, that needs nothing but itself. */
#ifndef SPIRA_CORE_EVALUATION_REPORT_H
#define SPIRA_CORE_EVALUATION_REPORT_H

#include "core/base/value.h"

/* What the page shows; all borrowed. */
struct spira_report {
    const char *run;                         /* the configuration's name */
    const char *model;                       /* the model's name in the registry */
    const struct spira_value *evaluation;    /* evaluation.json (evaluation.h, ensemble.h) */
    const struct spira_value *training;      /* training.jsonl: list of {"epoch", "training_loss",
                                                "validation_loss"}; NULL where there is none */
    const struct spira_value *dataset;       /* dataset.json: names of the recordings */
    const struct spira_value *validation;    /* validation.json: counts, quarantined recordings */
    const struct spira_value *configuration; /* every key of the run configuration */
};

/* Gives the page (free with free()). The same values give the same bytes; nothing in it is a time
 * or a place. All text of the values is escaped. SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_report_write(const struct spira_report *report,
                                                  char **ret_page, struct spira_error *err);

#endif
