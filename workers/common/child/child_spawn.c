#include "workers/common/child/child_spawn.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOWEST = 10,           /* our ends of pipes, above every number they get in the child */
    DRAIN_BYTES = 1 << 16, /* read of one pipe in one go: what a pipe holds */
    FORWARD_BYTES = 1 << 16
};

/* Whether the child gets a variable: those that change how it computes or writes, none that could
 * hold a secret. */
static bool is_allowed(const char *variable)
{
    static const char *const allowed[] = {
        "PATH=", "LANG=", "LC_", "TZ=", "OMP_", "SPIRA_DISPATCH=", "OPENBLAS_"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strncmp(variable, allowed[i], strlen(allowed[i])) == 0)
            return true;
    return false;
}

/* The variables themselves stay ours. Free with free(). */
static char **make_environment(void)
{
    /* Of two the first counts. With more, OpenBLAS starts threads of its own as it is loaded, which
     * nobody uses and which take memory without end where there is none. */
    static char one_thread[] = "OPENBLAS_NUM_THREADS=1";
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **environment = spira_alloc(count + 2, sizeof *environment);
    environment[kept++] = one_thread;
    for (size_t i = 0; i < count; i++)
        if (is_allowed(environ[i]))
            environment[kept++] = environ[i];
    return environment;
}

/* A pipe that we read without waiting; its ends are out of the way of the child's descriptors. */
static enum spira_code make_pipe(int *ret_read, int *ret_write, int write_flags,
                                 struct spira_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return spira_fail_errno(err, errno, "a pipe");
    *ret_read = fcntl(ends[0], F_DUPFD_CLOEXEC, LOWEST);
    *ret_write = fcntl(ends[1], F_DUPFD_CLOEXEC, LOWEST);
    close(ends[0]);
    close(ends[1]);
    if (*ret_read < 0 || *ret_write < 0 || fcntl(*ret_read, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(*ret_write, F_SETFL, write_flags) != 0)
        return spira_fail_errno(err, errno, "a pipe");
    return SPIRA_OK;
}

/* Every signal is as a new process has it, whatever this thread blocks or ignores. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t every, none;
    sigfillset(&every);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &every);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETPGROUP);
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int output, int progress)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, progress, SPIRA_CHILD_PROGRESS);
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, SPIRA_CHILD_PROGRESS + 1);
    return failed;
}

/* Returns an errno value. */
static int spawn(const char *program, const char *folder, int output, int progress, pid_t *ret_pid)
{
    SPIRA_CLEANUP(spira_free_at)
    char **environment = make_environment();
    /* Through /proc it is the same program even when a newer one took its place on disk. */
    const char *path = program ? program : "/proc/self/exe";
    const char *name = program ? program : program_invocation_name;
    char *const arguments[] = {(char *)name, (char *)SPIRA_CHILD_OPTION, (char *)folder, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        set_attributes(&attributes);
        failed = set_descriptors(&actions, output, progress);
        if (!failed)
            failed = posix_spawn(ret_pid, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

enum spira_code spira_child_start(const char *program, const char *folder,
                                  struct spira_child *ret_child, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int output = -1;
    SPIRA_CLEANUP(spira_close_at)
    int progress = -1;
    enum spira_code code = make_pipe(&ret_child->output, &output, 0, err);
    if (code == SPIRA_OK) /* the child drops a line rather than wait for us */
        code = make_pipe(&ret_child->progress, &progress, O_NONBLOCK, err);
    if (code != SPIRA_OK)
        return err->code = SPIRA_EIO;
    pid_t pid = 0;
    int failed = spawn(program, folder, output, progress, &pid);
    if (failed) {
        (void)spira_fail_errno(err, failed, "starting a child process");
        return err->code = SPIRA_EIO;
    }
    ret_child->pid = pid;
    ret_child->process = pidfd_open(pid, 0);
    if (ret_child->process < 0) {
        (void)spira_fail_errno(err, errno, "watching child process %d", (int)pid);
        return err->code = SPIRA_EIO;
    }
    return SPIRA_OK;
}

/* Takes the next bytes of progress. */
static void take_lines(struct spira_child_lines *lines, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            lines->too_long = lines->too_long || lines->used == sizeof lines->line - 1;
            if (!lines->too_long)
                lines->line[lines->used++] = bytes[i];
            continue;
        }
        lines->line[lines->used] = '\0';
        if (!lines->too_long) {
            memcpy(lines->newest, lines->line, lines->used + 1);
            lines->has_newest = true;
        }
        lines->used = 0;
        lines->too_long = false;
    }
}

/* Takes the next bytes of output: keeps its end and shows it, without what would move a cursor. */
static void take_output(struct spira_child *child, char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (iscntrl((unsigned char)bytes[i]) && bytes[i] != '\n' && bytes[i] != '\t')
            bytes[i] = '?';
    size_t room = sizeof child->tail - 1, used = strlen(child->tail);
    size_t added = size < room ? size : room;
    size_t kept = used < room - added ? used : room - added;
    memmove(child->tail, child->tail + used - kept, kept);
    memcpy(child->tail + kept, bytes + size - added, added);
    child->tail[kept + added] = '\0';
    size_t shown = FORWARD_BYTES - child->forwarded;
    shown = size < shown ? size : shown;
    if (shown > 0)
        (void)!write(STDERR_FILENO, bytes, shown);
    child->forwarded += shown;
}

/* Reads what is in both pipes, a bounded amount. */
static void drain(struct spira_child *child)
{
    char bytes[4096];
    for (int pipe = 0; pipe < 2; pipe++) {
        int fd = pipe == 0 ? child->progress : child->output;
        for (size_t total = 0; total < DRAIN_BYTES;) {
            ssize_t size = read(fd, bytes, sizeof bytes);
            if (size <= 0)
                break;
            total += (size_t)size;
            if (pipe == 0)
                take_lines(&child->lines, bytes, (size_t)size);
            else
                take_output(child, bytes, (size_t)size);
        }
    }
}

bool spira_child_wait(struct spira_child *child, int timeout_ms, int *ret_status)
{
    struct pollfd process = {.fd = child->process, .events = POLLIN};
    bool ended = poll(&process, 1, timeout_ms) > 0;
    if (ended)
        spira_child_signal(child, SIGKILL); /* to the rest of its group: it is not reaped yet */
    drain(child);
    if (!ended)
        return false;
    *ret_status = W_EXITCODE(SPIRA_CHILD_HAS_NOTHING, 0); /* should somebody else have reaped it */
    while (waitpid(child->pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    return true;
}

void spira_child_signal(const struct spira_child *child, int number)
{
    if (child->pid > 0)
        kill(-child->pid, number);
}

const char *spira_child_last_line(struct spira_child *child)
{
    size_t used = strlen(child->tail);
    while (used > 0 && isspace((unsigned char)child->tail[used - 1]))
        child->tail[--used] = '\0';
    const char *newline = strrchr(child->tail, '\n');
    return newline ? newline + 1 : child->tail;
}

void spira_child_done(struct spira_child *child)
{
    if (child->pid > 0) {
        spira_child_signal(child, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    spira_close_at(&child->process);
    spira_close_at(&child->progress);
    spira_close_at(&child->output);
    *child = SPIRA_CHILD_NONE;
}
