#include "core/dataset/loader.h"

#include "core/base/thread.h"
#include "core/dataset/composition.h"

/* Of a batch that is made at once, and ahead. A larger one would take too much memory, and training
 * on it takes so long that its reading does not count. */
enum { MOST_BYTES = 64 << 20 };

/* Arguments of a load. */
struct request {
    size_t epoch, count, room;
    size_t *indices;
};

enum ahead_state { NOTHING_AHEAD, COMPOSING_AHEAD, BATCH_AHEAD };

struct loader {
    struct spira_composed shown; /* the newest batch */
    bool whole;                  /* it was made at once */
    struct request hint;         /* the batch after the one ahead; count 0: none */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of the state and of ending */
    pthread_cond_t changed;
    enum ahead_state state;
    bool ending;
    /* The thread's alone while the state is COMPOSING_AHEAD, the caller's alone otherwise. */
    struct spira_composition composition;
    struct request ahead;
    struct spira_composed composed; /* the batch ahead */
    enum spira_code code;           /* of composing it */
    struct spira_error err;
};

static size_t recordings(void *self)
{
    return ((struct loader *)self)->composition.count;
}

static const char *name(void *self, size_t index)
{
    return ((struct loader *)self)->composition.recordings[index].name.hex;
}

static float label(void *self, size_t index)
{
    return ((struct loader *)self)->composition.recordings[index].label;
}

static void set_request(struct request *request, size_t epoch, const size_t *indices, size_t count)
{
    if (count > request->room) {
        request->indices = spira_realloc(request->indices, count, sizeof *request->indices);
        request->room = count;
    }
    if (count > 0)
        memcpy(request->indices, indices, count * sizeof *indices);
    request->epoch = epoch;
    request->count = count;
}

/* The thread: composes what is ahead until it is told to end. */
static void *compose_ahead(void *context)
{
    struct loader *loader = context;
    pthread_mutex_lock(&loader->lock);
    while (!loader->ending) {
        if (loader->state != COMPOSING_AHEAD) {
            pthread_cond_wait(&loader->changed, &loader->lock);
            continue;
        }
        pthread_mutex_unlock(&loader->lock);
        spira_compose(&loader->composition, loader->ahead.epoch, loader->ahead.indices,
                      loader->ahead.count, &loader->composed);
        loader->code = spira_composed_show(&loader->composition, &loader->composed, 0,
                                           loader->composed.count, &loader->err);
        pthread_mutex_lock(&loader->lock);
        loader->state = BATCH_AHEAD;
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* Lets the thread compose what was hinted at, unless it has done so for a batch that is still
 * wanted. With lock held. */
static void follow_hint(struct loader *loader)
{
    if (loader->state != NOTHING_AHEAD || loader->hint.count == 0)
        return;
    set_request(&loader->ahead, loader->hint.epoch, loader->hint.indices, loader->hint.count);
    loader->hint.count = 0;
    loader->state = COMPOSING_AHEAD;
    pthread_cond_broadcast(&loader->changed);
}

/* Whether the batch is made at once. */
static bool fits(const struct loader *loader, const size_t *indices, size_t count)
{
    const size_t most = loader->composition.options.most_bytes;
    return spira_composition_bytes(&loader->composition, indices, count) <=
           (most ? most : MOST_BYTES);
}

static void prefetch(void *self, size_t epoch, const size_t *indices, size_t count)
{
    struct loader *loader = self;
    struct spira_error why;
    if (!fits(loader, indices, count))
        return;
    if (!loader->has_thread) /* without one, load composes */
        loader->has_thread = spira_thread_start(compose_ahead, loader, "reading ahead",
                                                &loader->thread, &why) == SPIRA_OK;
    if (!loader->has_thread)
        return;
    pthread_mutex_lock(&loader->lock);
    set_request(&loader->hint, epoch, indices, count);
    follow_hint(loader);
    pthread_mutex_unlock(&loader->lock);
}

static bool is_ahead(const struct loader *loader, size_t epoch, const size_t *indices, size_t count)
{
    const struct request *ahead = &loader->ahead;
    return loader->state == BATCH_AHEAD && ahead->epoch == epoch && ahead->count == count &&
           memcmp(ahead->indices, indices, count * sizeof *indices) == 0;
}

/* Makes the batch ahead the newest one. With lock held. */
static enum spira_code take_ahead(struct loader *loader, struct spira_error *err)
{
    struct spira_composed emptied = loader->shown;
    loader->shown = loader->composed;
    loader->composed = emptied;
    loader->state = NOTHING_AHEAD;
    if (loader->code != SPIRA_OK)
        *err = loader->err;
    return loader->code;
}

static enum spira_code load(void *self, size_t epoch, const size_t *indices, size_t count,
                            struct spira_batch *ret_batch, struct spira_error *err)
{
    struct loader *loader = self;
    spira_composed_release(&loader->shown);
    pthread_mutex_lock(&loader->lock);
    while (loader->state == COMPOSING_AHEAD)
        pthread_cond_wait(&loader->changed, &loader->lock);
    enum spira_code code = SPIRA_OK;
    loader->whole = fits(loader, indices, count);
    if (is_ahead(loader, epoch, indices, count)) {
        code = take_ahead(loader, err);
    } else {
        spira_compose(&loader->composition, epoch, indices, count, &loader->shown);
        if (loader->whole)
            code = spira_composed_show(&loader->composition, &loader->shown, 0, loader->shown.count,
                                       err);
        if (loader->hint.count > 0) { /* the caller goes on from another place than it said */
            spira_composed_release(&loader->composed);
            loader->state = NOTHING_AHEAD;
        }
    }
    follow_hint(loader);
    pthread_mutex_unlock(&loader->lock);
    if (code == SPIRA_OK)
        *ret_batch =
            (struct spira_batch){.windows = loader->shown.windows, .count = loader->shown.count};
    return code;
}

static enum spira_code show(void *self, size_t first, size_t count, struct spira_error *err)
{
    struct loader *loader = self;
    return loader->whole
               ? SPIRA_OK
               : spira_composed_show(&loader->composition, &loader->shown, first, count, err);
}

static void close_loader(void *self)
{
    struct loader *loader = self;
    if (loader->has_thread) {
        pthread_mutex_lock(&loader->lock);
        loader->ending = true;
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->lock);
        pthread_join(loader->thread, NULL);
    }
    pthread_mutex_destroy(&loader->lock);
    pthread_cond_destroy(&loader->changed);
    spira_composed_done(&loader->shown);
    spira_composed_done(&loader->composed);
    spira_composition_done(&loader->composition);
    free(loader->ahead.indices);
    free(loader->hint.indices);
    free(loader);
}

static const struct spira_loader_ops ops = {
    .recordings = recordings,
    .prefetch = prefetch,
    .load = load,
    .show = show,
    .name = name,
    .label = label,
    .close = close_loader,
};

enum spira_code spira_dataset_loader(struct spira_tensors tensors,
                                     const struct spira_value *dataset, const char *folder,
                                     const struct spira_loader_options *options,
                                     struct spira_loader *ret_loader, struct spira_error *err)
{
    struct loader *loader = spira_alloc(1, sizeof *loader);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->changed, NULL);
    enum spira_code code =
        spira_composition_init(tensors, dataset, folder, options, &loader->composition, err);
    if (code != SPIRA_OK) {
        close_loader(loader);
        return code;
    }
    *ret_loader = (struct spira_loader){.ops = &ops, .self = loader};
    return SPIRA_OK;
}
