/* The part of report.html about a run that was trained several times. */
#ifndef SPIRA_CORE_EVALUATION_REPORT_MEMBERS_H
#define SPIRA_CORE_EVALUATION_REPORT_MEMBERS_H

#include <stdio.h>

#include "core/base/value.h"

/* Both write nothing when evaluation (ensemble.h) is that of a single model. */

/* A paragraph: what the page's numbers are of, and that another thing is published. */
void spira_report_ensemble_note(const struct spira_value *evaluation, FILE *out);

/* A table of the members, with their spread, the cross-validation and the ensemble below. */
void spira_report_members(const struct spira_value *evaluation, FILE *out);

#endif
