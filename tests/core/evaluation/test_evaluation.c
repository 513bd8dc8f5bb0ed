#include <criterion/criterion.h>

#include "core/evaluation/evaluation.h"
#include "tests/fakes/fake_digest.h"

static const struct spira_scored three[] = {
    {"bb", false, 0.25}, {"aa", true, 0.75}, {"cc", false, 0.5}};

Test(evaluation, is_written_in_the_order_of_the_recordings)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(three, 3, 0.5);
    struct spira_value *scores = spira_value_get(evaluation, "scores");
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(scores, SPIRA_CANONICAL);
    cr_assert_str_eq(text, "[{\"label\":1,\"recording\":\"aa\",\"score\":0.75},"
                           "{\"label\":0,\"recording\":\"bb\",\"score\":0.25},"
                           "{\"label\":0,\"recording\":\"cc\",\"score\":0.5}]");
    SPIRA_CLEANUP(spira_free_at)
    char *confusion =
        spira_value_to_text(spira_value_get(evaluation, "confusion"), SPIRA_CANONICAL);
    cr_assert_str_eq(confusion, "{\"fn\":0,\"fp\":1,\"tn\":1,\"tp\":1}");
    SPIRA_CLEANUP(spira_free_at)
    char *roc = spira_value_to_text(spira_value_get(evaluation, "roc"), SPIRA_CANONICAL);
    cr_assert_str_eq(roc, "{\"fpr\":[0.0,0.0,1.0],\"tpr\":[0.0,1.0,1.0]}");
    cr_assert_eq(spira_value_get_int(evaluation, "format", 0), 1);
    cr_assert_eq(spira_value_get_int(evaluation, "recordings", 0), 3);
    cr_assert_eq(spira_value_get_real(evaluation, "threshold", 0), 0.5);
}

static char *text_of(const struct spira_scored *scored, size_t count)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(scored, count, 0.5);
    return spira_value_to_text(evaluation, SPIRA_PRETTY);
}

Test(evaluation, is_the_same_bytes_for_any_order)
{
    struct spira_scored scored[50];
    char names[50][8];
    for (int i = 0; i < 50; i++) {
        snprintf(names[i], sizeof names[i], "%02d", i);
        scored[i] = (struct spira_scored){names[i], i % 3 == 0, (double)(i * 37 % 50) / 49.3};
    }
    SPIRA_CLEANUP(spira_free_at)
    char *forwards = text_of(scored, 50);
    for (int i = 0; i < 25; i++) {
        struct spira_scored other = scored[i];
        scored[i] = scored[49 - i];
        scored[49 - i] = other;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *backwards = text_of(scored, 50);
    cr_assert_str_eq(forwards, backwards);
}

static struct spira_sha256 digest_of(const struct spira_scored *scored, double threshold)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(scored, 3, threshold);
    return spira_evaluation_digest(evaluation, fake_digest());
}

Test(evaluation, digest_covers_metrics_and_scores)
{
    struct spira_sha256 digest = digest_of(three, 0.5);
    cr_assert_str_eq(digest_of(three, 0.5).hex, digest.hex);
    cr_assert_str_neq(digest_of(three, 0.9).hex, digest.hex, "another threshold, other metrics");
    struct spira_scored other[3] = {three[0], three[1], three[2]};
    other[0].score = 0.26;
    cr_assert_str_neq(digest_of(other, 0.5).hex, digest.hex, "another score");
    other[0] = three[0];
    other[0].recording = "bc";
    cr_assert_str_neq(digest_of(other, 0.5).hex, digest.hex, "another recording");
}
