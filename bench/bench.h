/* Our side of script/bench: each measurement is repeated for about a second and answers with its
 * median. bench/peer.py measures the reference framework on the same shapes. */
#ifndef SPIRA_BENCH_BENCH_H
#define SPIRA_BENCH_BENCH_H

#include <stddef.h>

/* Does the work once. */
typedef void spira_bench_work(void *context);

/* Seconds of a clock that only goes on. */
double spira_bench_now(void);

/* Median seconds of one call of work, after a first call that does not count. */
double spira_bench_median(spira_bench_work *work, void *context);

/* Stops with a message when code is none of success: a benchmark has nothing to fall back on. */
#define SPIRA_BENCH_MUST(code, err)                                                                \
    do {                                                                                           \
        if ((code) != SPIRA_OK)                                                                    \
            spira_bench_stop((err)->message);                                                      \
    } while (0)
void spira_bench_stop(const char *message) __attribute__((noreturn));

/* Microseconds per second of audio. */
double spira_bench_features(size_t threads);      /* MFCC of the published setting, from memory */
double spira_bench_features_file(size_t threads); /* the same from 48 kHz WAV files */
double spira_bench_resample(size_t threads);      /* 48 to 16 kHz */
/* Windows (401 x 40, v2) per second. */
double spira_bench_train(size_t threads); /* forward, backward, Adam; batches of 20, dropout 0.7 */
double spira_bench_infer(size_t threads); /* 64 at once */
/* The same training, one thing otherwise. */
double spira_bench_train_v1(size_t threads);
double spira_bench_train_900(size_t threads);   /* frames, as with padding */
double spira_bench_train_mel80(size_t threads); /* features */
/* Milliseconds for a single window. */
double spira_bench_infer_one(size_t threads);
/* Events per second that a run tracker follows, from KAFKA_BOOTSTRAP_SERVERS to REDIS_URL: checked,
 * applied and committed one after the other. The first call makes the events. */
double spira_bench_events(size_t threads);

#endif
