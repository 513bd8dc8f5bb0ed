#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/filesystem/store_lock.h"
#include "core/base/file.h"

static char folder[] = "/tmp/spira-test-lock-XXXXXX";
static char *root;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    root = spira_format("%s/store", folder);
}

static void remove_folder(void)
{
    struct spira_error err;
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
    free(root);
}

TestSuite(store_lock, .init = make_folder, .fini = remove_folder);

/* A process that takes the lock, says so, and holds it until it is killed. */
static pid_t start_holder(void)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct spira_error err;
        int fd;
        bool locked = spira_filesystem_lock(root, true, &fd, &err) == SPIRA_OK;
        if (write(ready[1], locked ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    char answer = 'n';
    cr_assert_eq(read(ready[0], &answer, 1), 1);
    cr_assert_eq(answer, 'y');
    close(ready[0]);
    close(ready[1]);
    return child;
}

Test(store_lock, a_second_is_refused_and_the_first_gives_it_back)
{
    struct spira_error err = {0};
    int first = -1, second = -1;
    cr_assert_eq(spira_filesystem_lock(root, false, &first, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_filesystem_lock(root, false, &second, &err), SPIRA_ECONFLICT);
    cr_assert(strstr(err.message, root));
    cr_assert_eq(second, -1);
    close(first);
    cr_assert_eq(spira_filesystem_lock(root, false, &second, &err), SPIRA_OK);
    close(second);
}

Test(store_lock, it_dies_with_its_holder_and_the_waiting_one_gets_it)
{
    struct spira_error err = {0};
    int fd = -1;
    pid_t holder = start_holder();
    cr_assert_eq(spira_filesystem_lock(root, false, &fd, &err), SPIRA_ECONFLICT);
    pid_t waiting = fork();
    cr_assert_geq(waiting, 0);
    if (waiting == 0) {
        alarm(20);
        _exit(spira_filesystem_lock(root, true, &fd, &err) == SPIRA_OK ? 42 : 1);
    }
    int status = 0;
    usleep(50000);
    cr_assert_eq(waitpid(waiting, &status, WNOHANG), 0, "it did not wait");
    cr_assert_eq(kill(holder, SIGKILL), 0);
    cr_assert_eq(waitpid(holder, &status, 0), holder);
    cr_assert_eq(waitpid(waiting, &status, 0), waiting);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void wake(int signal)
{
    (void)signal;
}

Test(store_lock, a_signal_ends_the_wait)
{
    struct spira_error err = {0};
    int fd = -1;
    pid_t holder = start_holder();
    struct sigaction action = {.sa_handler = wake}; /* without SA_RESTART */
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    ualarm(50000, 50000);
    cr_assert_eq(spira_filesystem_lock(root, true, &fd, &err), SPIRA_EINTERRUPTED);
    ualarm(0, 0);
    kill(holder, SIGKILL);
    cr_assert_eq(waitpid(holder, NULL, 0), holder);
}
