/* The style of report.html. */
#ifndef SPIRA_CORE_EVALUATION_REPORT_STYLE_H
#define SPIRA_CORE_EVALUATION_REPORT_STYLE_H

/* Style sheet: light, dark as the reader's system asks, and light on paper. */
extern const char spira_report_style[];

#endif
