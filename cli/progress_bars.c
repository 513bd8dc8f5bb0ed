#include "cli/progress_bars.h"

#include <math.h>
#include <unistd.h>

#include "cli/output.h"

enum {
    REDRAW_MS = 100,
    NAME_WIDTH = 19, /* "feature_engineering" */
    BAR_MAX = 30,
    BAR_MIN = 6, /* below it a bar says nothing */
    LINE_MAX_BYTES = 512,
    NOTE_MAX_BYTES = 240,
    USUAL_COLUMNS = 80,
    WIDE_COLUMNS = 100, /* room for whole words */
    STEPS_MAX = 16
};

static const char clear_line[] = "\r\x1b[K";

/* One step on its way. */
struct bar {
    struct spira_progress_bars *bars;
    const char *step;
    int64_t begun_ms;
    bool open, reported;
    struct spira_progress_report first, last; /* first: where a resumed step began to count */
    char note[NOTE_MAX_BYTES];                /* of the last */
    int64_t first_ms;
};

struct spira_progress_bars {
    struct spira_bars_look look;
    struct bar steps[STEPS_MAX];
    size_t count;
    struct bar *drawn; /* whose line the cursor is in, or NULL */
    int64_t drawn_ms;
    bool stopping; /* and the line says so */
};

/* What each step counts. */
static const struct {
    const char *step, *unit;
} units[] = {
    {"collecting", "recordings"},
    {"audio_intake", "recordings"},
    {"feature_engineering", "shards"},
    {"model_evaluation", "recordings"},
};

static const char *unit_of(const char *step)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].step, step) == 0)
            return units[i].unit;
    return NULL;
}

static size_t columns_of(const struct spira_bars_look *look)
{
    size_t columns = look->columns ? look->columns : spira_output_columns(look->out);
    return columns ? columns : USUAL_COLUMNS;
}

/* A line that is being put together: what does not fit is left out. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t length;
};

static void add(struct line *line, const char *format, ...) SPIRA_PRINTF(2, 3);

static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof line->text - line->length;
    int length = vsnprintf(line->text + line->length, room, format, args);
    va_end(args);
    line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_duration(struct line *line, int64_t seconds)
{
    if (seconds >= 3600)
        add(line, "%jd:%02jd:%02jd", (intmax_t)(seconds / 3600), (intmax_t)(seconds / 60 % 60),
            (intmax_t)(seconds % 60));
    else
        add(line, "%jd:%02jd", (intmax_t)(seconds / 60), (intmax_t)(seconds % 60));
}

static void add_losses(struct line *line, const struct spira_progress_report *report, bool wide)
{
    if (isfinite(report->loss))
        add(line, "  loss %.4f", report->loss);
    if (isfinite(report->validation_loss))
        add(line, "  %s %.4f", wide ? "validation loss" : "val", report->validation_loss);
}

/* How far the step is: "12/40 recordings", or epoch and losses. */
static void add_facts(struct line *line, const struct bar *bar, bool wide)
{
    const struct spira_progress_report *report = &bar->last;
    const char *unit = unit_of(bar->step);
    if (*bar->note)
        add(line, "%s%s", bar->note, report->epochs ? "  " : "");
    if (report->epochs) {
        add(line, "epoch %zu/%zu", report->epoch, report->epochs);
        add_losses(line, report, wide);
    } else if (report->total && !*bar->note) {
        add(line, "%zu/%zu%s%s", report->done, report->total, unit ? " " : "", unit ? unit : "");
    }
}

/* The time left, from the pace since the first report; else the time gone by. */
static void add_time(struct line *line, const struct bar *bar, int64_t now_ms)
{
    const struct spira_progress_report *report = &bar->last;
    size_t counted = report->done - bar->first.done;
    double gone_ms = (double)(now_ms - bar->first_ms);
    if (bar->reported && report->total && report->done >= report->total)
        return;
    if (bar->reported && report->done > bar->first.done && report->total && gone_ms >= 1000) {
        double left_ms = gone_ms / (double)counted * (double)(report->total - report->done);
        add_duration(line, (int64_t)(left_ms / 1000 + 0.5));
        add(line, " left");
    } else {
        add_duration(line, (now_ms - bar->begun_ms) / 1000);
    }
}

static double share_of(const struct spira_progress_report *report)
{
    if (!report->total)
        return 0;
    return report->done >= report->total ? 1 : (double)report->done / (double)report->total;
}

/* "[=====>      ] ", the part that is done in green. */
static void add_bar(struct line *line, size_t width, double share, bool colour)
{
    size_t full = (size_t)((double)width * share);
    add(line, "[%s", colour ? "\x1b[32m" : "");
    for (size_t i = 0; i < width; i++) {
        if (i == full && colour)
            add(line, "\x1b[0m");
        add(line, "%c", i < full ? '=' : i == full && full ? '>' : ' ');
    }
    add(line, "%s] ", full == width && colour ? "\x1b[0m" : "");
}

static void draw(struct spira_progress_bars *bars, struct bar *bar, int64_t now_ms)
{
    size_t columns = columns_of(&bars->look);
    size_t room = columns > 1 ? columns - 1 : 1; /* a full line would wrap */
    struct line facts = {.text = ""};
    if (bars->stopping)
        add(&facts, "stopping  ");
    add_facts(&facts, bar, columns >= WIDE_COLUMNS);
    if (facts.length)
        add(&facts, "  ");
    add_time(&facts, bar, now_ms);

    struct line line = {.text = ""};
    size_t wanted = NAME_WIDTH + 1 + facts.length;
    size_t frame = strlen("[] ");
    if (bar->last.total && wanted + frame + BAR_MIN <= room) {
        size_t width = room - wanted - frame;
        add(&line, "%-*s ", NAME_WIDTH, bar->step);
        add_bar(&line, width < BAR_MAX ? width : BAR_MAX, share_of(&bar->last), bars->look.colour);
        add(&line, "%s", facts.text);
    } else {
        add(&line, "%-*s %s", wanted <= room ? NAME_WIDTH : 0, bar->step, facts.text);
        if (line.length > room)
            line.text[room] = '\0';
    }
    fprintf(bars->look.out, "%s%s", clear_line, line.text);
    fflush(bars->look.out);
    bars->drawn = bar;
    bars->drawn_ms = now_ms;
}

static void draw_if_due(struct bar *bar)
{
    struct spira_progress_bars *bars = bar->bars;
    if (bars->look.style != SPIRA_BARS_LIVE || !bar->open)
        return;
    int64_t now_ms = spira_clock_monotonic_ms(bars->look.clock);
    if (bars->drawn != bar || now_ms - bars->drawn_ms >= REDRAW_MS)
        draw(bars, bar, now_ms);
}

static void report(void *self, const struct spira_progress_report *report)
{
    struct bar *bar = self;
    bar->last = *report;
    bar->last.note = NULL; /* the caller's */
    snprintf(bar->note, sizeof bar->note, "%s", report->note ? report->note : "");
    /* Going back (another count begins) starts the pace anew. */
    if (!bar->reported || report->done < bar->first.done) {
        bar->first = *report;
        bar->first_ms = spira_clock_monotonic_ms(bar->bars->look.clock);
        bar->reported = true;
    }
    draw_if_due(bar);
}

/* Steps ask this often, also where they have nothing to report: the clock on the line goes on. */
static bool stop_wanted(void *self)
{
    struct bar *bar = self;
    struct spira_progress_bars *bars = bar->bars;
    bool stop = spira_progress_stop_wanted(bars->look.stop);
    if (stop && !bars->stopping) {
        bars->stopping = true;
        bars->drawn_ms = INT64_MIN / 2; /* due at once: people want to see that they were heard */
    }
    draw_if_due(bar);
    return stop;
}

static struct spira_progress begin(void *self, const char *step)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    struct spira_progress_bars *bars = self;
    struct bar *bar = NULL;
    for (size_t i = 0; i < bars->count; i++)
        if (strcmp(bars->steps[i].step, step) == 0)
            bar = &bars->steps[i];
    if (!bar) {
        if (bars->count == STEPS_MAX)
            return bars->look.stop;
        bar = &bars->steps[bars->count++];
    }
    *bar = (struct bar){
        .bars = bars,
        .step = step,
        .begun_ms = spira_clock_monotonic_ms(bars->look.clock),
        .open = true,
    };
    draw_if_due(bar);
    return (struct spira_progress){.ops = &ops, .self = bar};
}

static const char *colour_of(const char *status)
{
    if (strcmp(status, "succeeded") == 0)
        return "\x1b[32m";
    if (strcmp(status, "reused") == 0)
        return "\x1b[36m";
    return strcmp(status, "failed") == 0 ? "\x1b[31m" : "\x1b[33m";
}

static void print_ended(struct spira_progress_bars *bars, const struct bar *bar, const char *step,
                        const char *status, double seconds)
{
    struct line time = {.text = ""}, facts = {.text = ""}, line = {.text = ""};
    if (seconds < 100)
        add(&time, "%.1f s", seconds);
    else
        add_duration(&time, (int64_t)(seconds + 0.5));
    if (bar && bar->reported)
        add_facts(&facts, bar, columns_of(&bars->look) >= WIDE_COLUMNS);
    add(&line, "%-*s %-9s %8s  %s", NAME_WIDTH, step, status, time.text, facts.text);
    size_t room = columns_of(&bars->look) - 1;
    if (line.length > room)
        line.text[line.length = room] = '\0';
    while (line.length && line.text[line.length - 1] == ' ')
        line.text[--line.length] = '\0';
    size_t status_at = NAME_WIDTH + 1, status_end = status_at + strlen(status);
    if (bars->look.colour && line.length >= status_end)
        fprintf(bars->look.out, "%s%.*s%s%s\x1b[0m%s\n", clear_line, (int)status_at, line.text,
                colour_of(status), status, line.text + status_end);
    else
        fprintf(bars->look.out, "%s%s\n", clear_line, line.text);
}

static void end(void *self, const char *step, const char *status, double seconds)
{
    struct spira_progress_bars *bars = self;
    struct bar *bar = NULL;
    for (size_t i = 0; i < bars->count; i++)
        if (strcmp(bars->steps[i].step, step) == 0)
            bar = &bars->steps[i];
    if (bars->look.style == SPIRA_BARS_LINES)
        fprintf(bars->look.out, "%s: %s, %.1f s\n", step, status, seconds);
    if (bars->look.style == SPIRA_BARS_LIVE)
        print_ended(bars, bar, step, status, seconds);
    fflush(bars->look.out);
    bars->drawn = NULL;
    if (bar)
        bar->open = false;
}

struct spira_bars_look spira_bars_look_for(FILE *out, bool json, struct spira_clock clock,
                                           struct spira_progress stop)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct spira_bars_look look = {.out = out, .clock = clock, .stop = stop};
    bool live = isatty(fileno(out)) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
    look.style = live ? SPIRA_BARS_LIVE : json ? SPIRA_BARS_SILENT : SPIRA_BARS_LINES;
    look.colour = live && !(no_colour && *no_colour);
    return look;
}

struct spira_progress_bars *spira_progress_bars_new(const struct spira_bars_look *look)
{
    struct spira_progress_bars *bars = spira_alloc(1, sizeof *bars);
    bars->look = *look;
    return bars;
}

void spira_progress_bars_free(struct spira_progress_bars *bars)
{
    if (bars && bars->drawn) {
        fprintf(bars->look.out, "%s", clear_line);
        fflush(bars->look.out);
    }
    free(bars);
}

void spira_progress_bars_free_at(struct spira_progress_bars **bars)
{
    spira_progress_bars_free(*bars);
}

void spira_progress_bars_say(struct spira_progress_bars *bars, const char *text)
{
    fprintf(bars->look.out, "%sspiractl: %s\n", bars->drawn ? clear_line : "", text);
    fflush(bars->look.out);
    bars->drawn = NULL;
}

struct spira_step_watch spira_progress_bars_watch(struct spira_progress_bars *bars)
{
    return (struct spira_step_watch){.begin = begin, .end = end, .self = bars};
}
