/* The style of report.html. */
#ifndef SPIRA_CORE_EVALUATION_REPORT_STYLE_H
#define SPIRA_CORE_EVALUATION_REPORT_STYLE_H

/* The style sheet in parts (a string of C has at most 4095 bytes), NULL after the last: light or
 * dark as the reader's system asks, and light on paper. */
extern const char *const spira_report_style[];

#endif
