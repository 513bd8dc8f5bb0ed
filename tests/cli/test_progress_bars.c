#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/memory/clock_memory.h"
#include "cli/progress_bars.h"

/* Bars that draw into a text, on a clock the test moves. */
static struct stage {
    char *text;
    size_t size;
    FILE *out;
    struct spira_clock_memory clock;
    struct spira_progress_bars *bars;
    struct spira_step_watch watch;
    bool stop;
} stage;

static void report_nothing(void *self, const struct spira_progress_report *report)
{
    (void)self;
    (void)report;
}

static bool stop_wanted(void *self)
{
    return *(bool *)self;
}

static void raise_curtain(enum spira_bars_style style, bool colour, size_t columns)
{
    static const struct spira_progress_ops ops = {report_nothing, stop_wanted};
    stage.out = open_memstream(&stage.text, &stage.size);
    const struct spira_bars_look look = {
        .out = stage.out,
        .style = style,
        .colour = colour,
        .columns = columns,
        .clock = spira_clock_memory_init(&stage.clock, 0),
        .stop = {.ops = &ops, .self = &stage.stop},
    };
    stage.bars = spira_progress_bars_new(&look);
    stage.watch = spira_progress_bars_watch(stage.bars);
}

static void fall_curtain(void)
{
    spira_progress_bars_free(stage.bars);
    fclose(stage.out);
    free(stage.text);
}

/* What the line under way shows: all that was written since it was last cleared. */
static const char *line(void)
{
    const char *last = stage.text;
    for (const char *at = stage.text; (at = strstr(at, "\r\x1b[K")) != NULL;)
        last = at += strlen("\r\x1b[K");
    return last;
}

static struct spira_progress begin(const char *step)
{
    return stage.watch.begin(stage.watch.self, step);
}

static void end(const char *step, const char *status, double seconds)
{
    stage.watch.end(stage.watch.self, step, status, seconds);
}

static void count(struct spira_progress progress, size_t done, size_t total)
{
    const struct spira_progress_report report = {
        .done = done, .total = total, .loss = NAN, .validation_loss = NAN};
    spira_progress_report(progress, &report);
}

Test(progress_bars, a_bar_shows_how_much_is_done_and_how_long_it_takes_still)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    struct spira_progress progress = begin("audio_intake");
    cr_assert_str_eq(line(), "audio_intake        0:00");
    count(progress, 0, 40);
    spira_clock_memory_advance(&stage.clock, 10000);
    count(progress, 10, 40);
    cr_assert_str_eq(
        line(), "audio_intake        [=======>                     ] 10/40 recordings  0:30 left");
    fall_curtain();
}

Test(progress_bars, training_shows_epoch_and_losses)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 120);
    struct spira_progress progress = begin("model_training");
    struct spira_progress_report report = {
        .done = 0, .total = 200, .epoch = 1, .epochs = 20, .loss = 0.7, .validation_loss = NAN};
    spira_clock_memory_advance(&stage.clock, 1000);
    spira_progress_report(progress, &report);
    cr_assert(strstr(line(), "epoch 1/20  loss 0.7000  0:01"), "%s", line());
    report.done = 100;
    report.epoch = 11;
    report.validation_loss = 0.5;
    spira_clock_memory_advance(&stage.clock, 4000000);
    spira_progress_report(progress, &report);
    cr_assert(strstr(line(), "epoch 11/20  loss 0.7000  validation loss 0.5000  1:06:40 left"),
              "%s", line());
    fall_curtain();
}

Test(progress_bars, a_note_comes_before_the_numbers_and_outlives_its_text)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 120);
    struct spira_progress progress = begin("model_training");
    char note[32] = "member 2/6";
    struct spira_progress_report report = {.done = 30,
                                           .total = 60,
                                           .epoch = 3,
                                           .epochs = 9,
                                           .loss = 0.7,
                                           .validation_loss = NAN,
                                           .note = note};
    spira_clock_memory_advance(&stage.clock, 1000);
    spira_progress_report(progress, &report);
    cr_assert(strstr(line(), "] member 2/6  epoch 3/9  loss 0.7000"), "%s", line());
    report.epochs = 0;
    snprintf(note, sizeof note, "2/6 members");
    spira_clock_memory_advance(&stage.clock, 1000);
    spira_progress_report(progress, &report);
    memset(note, 'x', sizeof note - 1);
    end("model_training", "succeeded", 2.0);
    cr_assert(strstr(line(), "2/6 members"), "%s", line());
    cr_assert_null(strstr(line(), "30/60"), "%s", line());
    fall_curtain();
}

Test(progress_bars, a_resumed_step_estimates_by_what_it_did_since)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    struct spira_progress progress = begin("feature_engineering");
    count(progress, 90, 100);
    spira_clock_memory_advance(&stage.clock, 10000);
    count(progress, 95, 100);
    cr_assert(strstr(line(), "0:10 left"), "%s", line());
    fall_curtain();
}

Test(progress_bars, it_redraws_at_most_ten_times_a_second)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    struct spira_progress progress = begin("audio_intake");
    for (size_t i = 0; i < 1000; i++) {
        count(progress, i, 1000);
        spira_clock_memory_advance(&stage.clock, 1);
    }
    size_t drawn = 0;
    for (const char *at = stage.text; (at = strchr(at, '\r')) != NULL; at++)
        drawn++;
    cr_assert_geq(drawn, (size_t)9);
    cr_assert_leq(drawn, (size_t)11);
    fall_curtain();
}

Test(progress_bars, no_line_is_wider_than_the_terminal)
{
    for (size_t columns = 1; columns <= 130; columns++) {
        raise_curtain(SPIRA_BARS_LIVE, false, columns);
        struct spira_progress progress = begin("feature_engineering");
        const struct spira_progress_report report = {.done = 123456,
                                                     .total = 200000,
                                                     .epoch = 1000,
                                                     .epochs = 1000,
                                                     .loss = 1e8,
                                                     .validation_loss = 1e8};
        spira_clock_memory_advance(&stage.clock, 1000);
        spira_progress_report(progress, &report);
        cr_assert_leq(strlen(line()), columns > 1 ? columns - 1 : 1, "%zu: %s", columns, line());
        end("feature_engineering", "succeeded", 1.0);
        cr_assert_leq(strlen(line()), columns, "%zu: %s", columns, line()); /* and its newline */
        fall_curtain();
    }
}

Test(progress_bars, a_step_that_ended_leaves_its_status_and_seconds)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    count(begin("audio_intake"), 40, 40);
    end("audio_intake", "succeeded", 1.24);
    cr_assert_str_eq(line(), "audio_intake        succeeded    1.2 s  40/40 recordings\n");
    end("model_training", "reused", 600.0); /* never begun: it had nothing to do */
    cr_assert_str_eq(line(), "model_training      reused       10:00\n");
    spira_progress_bars_free(stage.bars);
    stage.bars = NULL;
    fflush(stage.out);
    cr_assert_str_eq(line(), "model_training      reused       10:00\n", "nothing to wipe");
    fall_curtain();
}

Test(progress_bars, a_line_under_way_is_wiped_at_the_end)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    begin("audio_intake");
    spira_progress_bars_free(stage.bars);
    stage.bars = NULL;
    fflush(stage.out);
    cr_assert_str_eq(line(), "");
    fall_curtain();
}

Test(progress_bars, without_a_terminal_there_is_one_plain_line_for_each_step)
{
    raise_curtain(SPIRA_BARS_LINES, false, 0);
    struct spira_progress progress = begin("audio_intake");
    count(progress, 1, 2);
    spira_clock_memory_advance(&stage.clock, 1000);
    count(progress, 2, 2);
    end("audio_intake", "succeeded", 1.0);
    cr_assert_str_eq(stage.text, "audio_intake: succeeded, 1.0 s\n");
    fall_curtain();
}

Test(progress_bars, silent_bars_say_nothing_and_still_stop_a_step)
{
    raise_curtain(SPIRA_BARS_SILENT, false, 80);
    struct spira_progress progress = begin("audio_intake");
    count(progress, 1, 2);
    cr_assert_not(spira_progress_stop_wanted(progress));
    stage.stop = true;
    cr_assert(spira_progress_stop_wanted(progress));
    end("audio_intake", "canceled", 1.0);
    fflush(stage.out);
    cr_assert_eq(stage.size, (size_t)0);
    fall_curtain();
}

Test(progress_bars, a_wanted_stop_is_shown_at_once)
{
    raise_curtain(SPIRA_BARS_LIVE, false, 80);
    struct spira_progress progress = begin("model_training");
    count(progress, 1, 2);
    cr_assert_not(spira_progress_stop_wanted(progress));
    stage.stop = true;
    cr_assert(spira_progress_stop_wanted(progress));
    cr_assert(strstr(line(), "stopping"), "%s", line());
    fall_curtain();
}

Test(progress_bars, colours_are_for_those_who_want_them)
{
    raise_curtain(SPIRA_BARS_LIVE, true, 80);
    count(begin("audio_intake"), 1, 2);
    end("audio_intake", "failed", 1.0);
    cr_assert_str_eq(line(),
                     "audio_intake        \x1b[31mfailed\x1b[0m       1.0 s  1/2 recordings\n");
    fall_curtain();

    setenv("TERM", "xterm", 1);
    const struct spira_clock clock = spira_clock_memory_init(&stage.clock, 0);
    FILE *file = tmpfile();
    const struct spira_bars_look lines =
        spira_bars_look_for(file, false, clock, (struct spira_progress){0});
    cr_assert_eq(lines.style, SPIRA_BARS_LINES);
    cr_assert_not(lines.colour);
    const struct spira_bars_look silent =
        spira_bars_look_for(file, true, clock, (struct spira_progress){0});
    cr_assert_eq(silent.style, SPIRA_BARS_SILENT);
    fclose(file);
}

Test(progress_bars, a_terminal_gets_bars_in_colour_unless_it_refuses)
{
    int master = posix_openpt(2 /* O_RDWR */);
    cr_assert_geq(master, 0);
    cr_assert_eq(grantpt(master), 0);
    cr_assert_eq(unlockpt(master), 0);
    FILE *terminal = fopen(ptsname(master), "w");
    cr_assert_not_null(terminal);
    const struct spira_clock clock = spira_clock_memory_init(&stage.clock, 0);
    static const struct {
        const char *term, *no_color;
        enum spira_bars_style style;
        bool colour;
    } cases[] = {
        {"xterm", "", SPIRA_BARS_LIVE, true},
        {"xterm", "1", SPIRA_BARS_LIVE, false},
        {"dumb", "", SPIRA_BARS_LINES, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("TERM", cases[i].term, 1);
        setenv("NO_COLOR", cases[i].no_color, 1);
        const struct spira_bars_look look =
            spira_bars_look_for(terminal, false, clock, (struct spira_progress){0});
        cr_assert_eq(look.style, cases[i].style, "case %zu", i);
        cr_assert_eq(look.colour, cases[i].colour, "case %zu", i);
    }
    fclose(terminal);
}
