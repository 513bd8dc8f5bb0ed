/* The progress port on a terminal: one bar for each step. */
#ifndef SPIRA_CLI_PROGRESS_BARS_H
#define SPIRA_CLI_PROGRESS_BARS_H

#include <stdio.h>

#include "cli/local_pipeline.h"
#include "core/ports/clock.h"

enum spira_bars_style {
    SPIRA_BARS_SILENT,
    SPIRA_BARS_LINES, /* one line when a step ends */
    SPIRA_BARS_LIVE   /* the step under way is redrawn in its place, at most ten times a second */
};

struct spira_bars_look {
    FILE *out;
    enum spira_bars_style style;
    bool colour;
    size_t columns;             /* of the terminal; 0: ask out's */
    struct spira_clock clock;   /* for seconds and the time left */
    struct spira_progress stop; /* asked when a step wants to know whether to stop */
};

/* How bars should look on this stream: live on a terminal that can redraw, in colour unless
 * NO_COLOR is set; else lines, or silent when a program reads stdout (json). */
struct spira_bars_look spira_bars_look_for(FILE *out, bool json, struct spira_clock clock,
                                           struct spira_progress stop);

struct spira_progress_bars;

/* Gives the bars; free with spira_progress_bars_free, which wipes a line under way. Copies look. */
struct spira_progress_bars *spira_progress_bars_new(const struct spira_bars_look *look);
void spira_progress_bars_free(struct spira_progress_bars *bars);
void spira_progress_bars_free_at(struct spira_progress_bars **bars); /* for SPIRA_CLEANUP */

/* Says a line on the bars' stream, above what is drawn. */
void spira_progress_bars_say(struct spira_progress_bars *bars, const char *text);

/* The watch that draws them. Valid as long as bars; one thread at a time. */
struct spira_step_watch spira_progress_bars_watch(struct spira_progress_bars *bars);

#endif
