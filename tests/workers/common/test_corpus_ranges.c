#include "workers/common/run/corpus_ranges.h"

#include <criterion/criterion.h>

#include "core/base/moment.h"
#include "core/run/manifest.h"
#include "tests/workers/fixture.h"

static struct fixture fixture;
static struct spira_error err;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(corpus_ranges, .init = setup, .fini = teardown);

static const int64_t start_ms = 1700000000000;

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void withdraw(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "sha256", digest);
    fixture_emit(&fixture, "audio.withdrawn", event);
}

/* Three accepted recordings, a second apart, and a rejected one with each. */
static void emit_all(void)
{
    for (int i = 0; i < 3; i++) {
        fixture_emit(&fixture, "audio.accepted",
                     fixture_value("{'recording': {'key': 'audio/x', 'sha256': "
                                   "'0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef', 'bytes': 1}, 'role': "
                                   "'speech', 'facts': {'format': 'wav', 'rate_hz': 16000, "
                                   "'channels': 1, 'frames': 1, 'seconds': 1.0}}"));
        fixture_emit(&fixture, "audio.rejected",
                     fixture_value("{'recording_id': 'a', 'reason': 'silent'}"));
        spira_clock_memory_advance(&fixture.clock, 1000);
    }
}

/* Expects these ranges of accepted and rejected; rejected_from -1: they are left out. Of the
 * withdrawn, always all that there are. */
static void expect(const char *from, const char *to, int64_t accepted_from, int64_t accepted_to,
                   int64_t rejected_from, int64_t rejected_to)
{
    struct spira_corpus_bound bounds[2];
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    cr_assert_eq(spira_corpus_bound_parse("from", from, &bounds[0], &err), SPIRA_OK);
    cr_assert_eq(spira_corpus_bound_parse("to", to, &bounds[1], &err), SPIRA_OK);
    cr_assert_eq(spira_corpus_ranges(&fixture.worker, bounds[0], bounds[1], &ranges, &count, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(count, rejected_from < 0 ? 2u : 3u);
    cr_assert_str_eq(ranges[0].topic, "test.audio.accepted");
    cr_assert(ranges[0].from == accepted_from && ranges[0].to == accepted_to);
    cr_assert_str_eq(ranges[count - 1].topic, "test.audio.withdrawn");
    cr_assert(ranges[count - 1].from == 0);
    cr_assert_eq(ranges[count - 1].to, (int64_t)fixture_count(&fixture, "audio.withdrawn"));
    if (rejected_from < 0)
        return;
    cr_assert_str_eq(ranges[1].topic, "test.audio.rejected");
    cr_assert(ranges[1].from == rejected_from && ranges[1].to == rejected_to);
}

Test(corpus_ranges, without_bounds_it_is_all_there_is)
{
    expect(NULL, NULL, 0, 0, 0, 0);
    emit_all();
    expect(NULL, NULL, 0, 3, 0, 3);
}

Test(corpus_ranges, times_bound_both_topics)
{
    emit_all();
    struct spira_moment_text second = spira_moment_format(start_ms + 1000);
    struct spira_moment_text third = spira_moment_format(start_ms + 2000);
    expect(second.text, NULL, 1, 3, 1, 3);
    expect(second.text, third.text, 1, 2, 1, 2);
    expect(NULL, second.text, 0, 1, 0, 1);
    expect("2100-01-01", NULL, 3, 3, 3, 3);
    expect("1999-01-01", "2000-01-01", 0, 0, 0, 0);
    expect(third.text, second.text, 2, 2, 2, 2);
}

Test(corpus_ranges, offsets_are_those_of_the_accepted_alone_as_far_as_there_are_any)
{
    emit_all();
    expect("1", "2", 1, 2, -1, -1);
    expect("2", NULL, 2, 3, -1, -1);
    expect("0", "1000", 0, 3, -1, -1);
    expect("1000", NULL, 3, 3, -1, -1);
    expect("2", "1", 2, 2, -1, -1);
}

Test(corpus_ranges, no_bound_leaves_out_a_withdrawal)
{
    emit_all();
    withdraw(); /* later than all */
    struct spira_moment_text second = spira_moment_format(start_ms + 1000);
    expect(NULL, NULL, 0, 3, 0, 3);
    expect(NULL, second.text, 0, 1, 0, 1);
    expect("2", "3", 2, 3, -1, -1);
}

Test(corpus_ranges, an_old_run_has_its_recordings_without_those_withdrawn_since)
{
    withdraw();
    emit_all();
    spira_value_free(fixture_manifest(&fixture, "{'name': 'test'}"));
    emit_all();
    withdraw();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = NULL;
    cr_assert_eq(spira_manifest_get(fixture.worker.store, fixture.worker.tools.json, RUN_ID,
                                    &manifest, &err),
                 SPIRA_OK, "%s", err.message);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    cr_assert_eq(spira_corpus_ranges_like(&fixture.worker, manifest, &ranges, &count, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_eq(count, 3);
    cr_assert_str_eq(ranges[0].topic, "test.audio.accepted");
    cr_assert(ranges[0].from == 0 && ranges[0].to == 3);
    cr_assert_str_eq(ranges[1].topic, "test.audio.rejected");
    cr_assert(ranges[1].from == 0 && ranges[1].to == 3);
    cr_assert_str_eq(ranges[2].topic, "test.audio.withdrawn");
    cr_assert(ranges[2].from == 0 && ranges[2].to == 2);
}

Test(corpus_ranges, what_is_neither_is_refused)
{
    static const char *const wrong[] = {"",    "-1",         "1x",
                                        "now", "2026-13-01", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct spira_corpus_bound bound;
        cr_assert_eq(spira_corpus_bound_parse("from", wrong[i], &bound, &err), SPIRA_EINVALID, "%s",
                     wrong[i]);
        cr_assert(strstr(err.message, "--from") && strstr(err.message, wrong[i]));
    }
}
