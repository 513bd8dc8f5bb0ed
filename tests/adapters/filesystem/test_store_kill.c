/* Processes that share a store, and die in it. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/adapters/filesystem/scratch_store.h"

enum { OBJECT_BYTES = 4 << 20, KILLS = 25, PROCESSES = 4, ROUNDS = 15 };

static struct scratch scratch;

static void open_scratch(void)
{
    scratch = scratch_open();
}

static void close_scratch(void)
{
    scratch_close(&scratch);
}

TestSuite(store_kill, .init = open_scratch, .fini = close_scratch);

/* Puts large objects, one after the other, and keeps swapping another, until it is killed. */
static void write_until_killed(int generation)
{
    char *data = malloc(OBJECT_BYTES);
    if (!data)
        _exit(1);
    memset(data, 'x', OBJECT_BYTES);
    for (int i = 0;; i++) {
        char key[64];
        struct spira_error err;
        snprintf(key, sizeof key, "%d/%d/object", generation, i);
        if (spira_store_put(scratch.store, key, data, OBJECT_BYTES, &err) != SPIRA_OK)
            _exit(1);
        snprintf(key, sizeof key, "%d/%d/moving", generation, i);
        if (spira_store_swap(scratch.store, key, NULL, data, OBJECT_BYTES, &err) != SPIRA_OK)
            _exit(1);
    }
}

/* Checks that the object is whole, counts it, and removes it to spare the disk. */
static bool check_whole(void *context, const char *key, uint64_t size)
{
    struct spira_error err;
    cr_assert_eq(size, OBJECT_BYTES, "%s: cut at %ju bytes", key, (uintmax_t)size);
    cr_assert_eq(spira_store_remove(scratch.store, key, &err), SPIRA_OK);
    ++*(int *)context;
    return true;
}

Test(store_kill, no_part_of_an_object_is_ever_seen)
{
    int seen = 0;
    /* Each lives a little longer; on a slow disk it takes more of them until one has put something.
     */
    for (int generation = 0; generation < KILLS || (seen == 0 && generation < 10 * KILLS);
         generation++) {
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0)
            write_until_killed(generation);
        usleep(
            (useconds_t)(1000 + 1300 * generation)); /* before, during and after the first ones */
        cr_assert_eq(kill(child, SIGKILL), 0);
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "the child could not write");
        struct spira_error err;
        cr_assert_eq(spira_store_list(scratch.store, "", check_whole, &seen, &err), SPIRA_OK);
    }
    cr_assert_gt(seen, 0, "no child lived long enough to put an object");
}

/* Adds one to the number in an object, again and again until nobody came between. */
static void count_up(void)
{
    struct spira_digest digest = spira_digest_openssl();
    for (;;) {
        struct spira_error err;
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes bytes = {0};
        if (spira_store_get(scratch.store, "counter", 64, &bytes, &err) != SPIRA_OK)
            _exit(1);
        struct spira_sha256 found = spira_digest_bytes(digest, bytes.data, bytes.size);
        char text[32];
        snprintf(text, sizeof text, "%ld", strtol(bytes.data, NULL, 10) + 1);
        enum spira_code code =
            spira_store_swap(scratch.store, "counter", &found, text, strlen(text), &err);
        if (code == SPIRA_OK)
            return;
        if (code != SPIRA_ECONFLICT)
            _exit(1);
    }
}

Test(store_kill, no_increment_by_swap_is_lost_between_processes)
{
    struct spira_error err;
    cr_assert_eq(spira_store_swap(scratch.store, "counter", NULL, "0", 1, &err), SPIRA_OK);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] == 0) {
            for (int round = 0; round < ROUNDS; round++)
                count_up();
            _exit(42);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_store_get(scratch.store, "counter", 64, &bytes, &err), SPIRA_OK);
    cr_assert_eq(strtol(bytes.data, NULL, 10), PROCESSES * ROUNDS);
}

Test(store_kill, a_swap_killed_with_the_lock_in_hand_does_not_stop_the_others)
{
    struct spira_error err;
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0)
            write_until_killed(i);
        usleep((useconds_t)(3000 + 2000 * i));
        kill(child, SIGKILL);
        cr_assert_eq(waitpid(child, NULL, 0), child);
        char key[64];
        snprintf(key, sizeof key, "after/%d", i);
        cr_assert_eq(spira_store_swap(scratch.store, key, NULL, "x", 1, &err), SPIRA_OK);
    }
}
