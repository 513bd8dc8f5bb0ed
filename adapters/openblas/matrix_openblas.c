#include "adapters/openblas/matrix_openblas.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "core/base/memory.h"

/* OpenBLAS takes a buffer for each call under way and keeps it for later ones. Without memory for
 * one it tries again, for ever (until its version 0.3.30; issue 5289 of its tracker): a computation
 * that has reached its limit would hang instead of ending. So we see that there is room before
 * there are more calls at a time than there ever were. */
enum { BUFFER_BYTES = (128 << 20) + (1 << 16) }; /* the largest of its processors */

static struct {
    atomic_size_t under_way, most; /* calls at a time: now, and ever */
    pthread_mutex_t lock;
    size_t taking; /* calls that may not have their buffers yet; under lock */
} calls = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void need_room(size_t bytes)
{
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        spira_out_of_memory();
    munmap(room, bytes);
}

/* Returns whether the call takes a buffer more. */
static bool begin_call(void)
{
    size_t count = atomic_fetch_add(&calls.under_way, 1) + 1;
    if (count <= atomic_load(&calls.most))
        return false;
    pthread_mutex_lock(&calls.lock);
    if (count > atomic_load(&calls.most))
        atomic_store(&calls.most, count);
    calls.taking++;
    need_room(calls.taking * (size_t)BUFFER_BYTES);
    pthread_mutex_unlock(&calls.lock);
    return true;
}

static void end_call(bool took)
{
    if (took) {
        pthread_mutex_lock(&calls.lock);
        calls.taking--;
        pthread_mutex_unlock(&calls.lock);
    }
    atomic_fetch_sub(&calls.under_way, 1);
}

/* OpenBLAS's flavour without threads has no locks either, and gives wrong products when two threads
 * call it at once: there, calls take turns. */
static struct {
    bool one_by_one;
    pthread_mutex_t lock;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_one_thread(void)
{
    turns.one_by_one = openblas_get_parallel() == OPENBLAS_SEQUENTIAL;
    openblas_set_num_threads(1);
}

/* A size as OpenBLAS takes it. */
static blasint size_of(size_t size)
{
    assert(size <= INT_MAX);
    return (blasint)size;
}

/* OpenBLAS refuses a leading dimension of 0, which rows of no elements may have. */
static blasint leading(size_t dimension)
{
    return size_of(dimension > 0 ? dimension : 1);
}

static void gemm(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc)
{
    (void)self;
    if (turns.one_by_one)
        pthread_mutex_lock(&turns.lock);
    bool takes = begin_call();
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, size_of(m), size_of(n), size_of(k), 1, a,
                leading(lda), b, leading(ldb), beta, c, leading(ldc));
    end_call(takes);
    if (turns.one_by_one)
        pthread_mutex_unlock(&turns.lock);
}

struct spira_matrix spira_matrix_openblas(void)
{
    static const struct spira_matrix_ops ops = {.gemm = gemm};
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_one_thread);
    return (struct spira_matrix){.ops = &ops};
}
