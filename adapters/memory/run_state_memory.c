#include "adapters/memory/run_state_memory.h"

#include <assert.h>
#include <pthread.h>
#include <search.h>

/* All is kept as one kind of node: a text, a number, or children ordered by key (a tsearch tree).
 */
struct node {
    char *key;
    char *text;
    int64_t number;
    void *children;
    size_t child_count;
};

struct memory_state {
    pthread_mutex_t lock; /* guards the nodes */
    struct spira_clock clock;
    struct node runs;     /* run id: {"fields": {name: text}, "sets": {name: {member: text}}} */
    struct node counters; /* name: number */
    struct node offsets;  /* topic/partition: number */
    struct node progress; /* run id: {step: text, number the time it expires} */
};

static int by_key(const void *a, const void *b)
{
    const struct node *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static void free_node(void *memory)
{
    struct node *node = memory;
    tdestroy(node->children, free_node);
    free(node->key);
    free(node->text);
    free(node);
}

static void clear_node(struct node *node)
{
    tdestroy(node->children, free_node);
    node->children = NULL;
    node->child_count = 0;
}

/* NULL when parent is NULL or has no such child. */
static struct node *find_child(const struct node *parent, const char *key)
{
    if (!parent)
        return NULL;
    struct node **found = tfind(&(struct node){.key = (char *)key}, &parent->children, by_key);
    return found ? *found : NULL;
}

/* The child, made empty when it is not there. */
static struct node *make_child(struct node *parent, const char *key)
{
    struct node *found = find_child(parent, key);
    if (found)
        return found;
    struct node *child = spira_alloc(1, sizeof *child);
    child->key = spira_copy_text(key);
    void *placed = tsearch(child, &parent->children, by_key);
    assert(placed);
    parent->child_count++;
    return child;
}

static void set_text(struct node *node, const char *text)
{
    free(node->text);
    node->text = spira_copy_text(text);
}

static void add_to_map(const void *tree_node, VISIT which, void *context);

static struct spira_value *to_value(const struct node *node)
{
    if (node->text)
        return spira_value_text(node->text);
    struct spira_value *map = spira_value_map();
    twalk_r(node->children, add_to_map, map);
    return map;
}

static void add_to_map(const void *tree_node, VISIT which, void *context)
{
    const struct node *node = *(struct node *const *)tree_node;
    if (which == postorder || which == leaf)
        spira_value_set(context, node->key, to_value(node));
}

static struct node *make_run(struct memory_state *state, const char *run_id)
{
    struct node *run = make_child(&state->runs, run_id);
    make_child(run, "fields");
    make_child(run, "sets");
    return run;
}

static void set_first(struct node *fields, const struct spira_state_operation *operation)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("%s.order", operation->name);
    struct node *order = make_child(fields, name);
    if (order->text && strcmp(order->text, operation->member) <= 0)
        return;
    set_text(order, operation->member);
    set_text(make_child(fields, operation->name), operation->value);
}

static void operate(struct memory_state *state, const struct spira_state_operation *operation)
{
    if (operation->action == SPIRA_STATE_COUNT) {
        make_child(&state->counters, operation->name)->number++;
        return;
    }
    struct node *run = make_run(state, operation->run_id);
    if (operation->action == SPIRA_STATE_SET_FIRST) {
        set_first(find_child(run, "fields"), operation);
        return;
    }
    struct node *node =
        operation->action == SPIRA_STATE_ADD
            ? make_child(make_child(find_child(run, "sets"), operation->name), operation->member)
            : make_child(find_child(run, "fields"), operation->name);
    if (operation->action == SPIRA_STATE_SET || !node->text)
        set_text(node, operation->value);
}

/* The node that holds a partition's applied offset. */
static struct node *make_offset(struct memory_state *state, const char *topic, int32_t partition)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%s/%d", topic, (int)partition);
    return make_child(&state->offsets, key);
}

static enum spira_code apply(void *self, const struct spira_state_change *change, bool *ret_applied,
                             struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *applied = make_offset(state, change->topic, change->partition);
    *ret_applied = change->offset <= applied->number;
    if (change->offset == applied->number) {
        for (size_t i = 0; i < change->count; i++)
            operate(state, &change->operations[i]);
        applied->number++;
    }
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code applied_offset(void *self, const char *topic, int32_t partition,
                                      int64_t *ret_offset, struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    *ret_offset = make_offset(state, topic, partition)->number;
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code get_run(void *self, const char *run_id, struct spira_value **ret_run,
                               struct spira_error *err)
{
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *run = find_child(&state->runs, run_id);
    if (run)
        *ret_run = to_value(run);
    pthread_mutex_unlock(&state->lock);
    return run ? SPIRA_OK : spira_fail(err, SPIRA_ENOTFOUND, "%s: no such run", run_id);
}

static enum spira_code get_field(void *self, const char *run_id, const char *name, char **ret_text,
                                 struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *field = find_child(find_child(find_child(&state->runs, run_id), "fields"), name);
    *ret_text = field ? spira_copy_text(field->text) : NULL;
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code set_size(void *self, const char *run_id, const char *name, size_t *ret_size,
                                struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *run = find_child(&state->runs, run_id);
    struct node *set = find_child(find_child(run, "sets"), name);
    *ret_size = set ? set->child_count : 0;
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code list_runs(void *self, spira_run_visit *visit, void *context,
                                 struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *runs = to_value(&state->runs); /* a copy, so that a visit may call us */
    pthread_mutex_unlock(&state->lock);
    for (size_t i = spira_value_count(runs); i > 0; i--)
        if (!visit(context, spira_value_key_at(runs, i - 1)))
            break;
    return SPIRA_OK;
}

static enum spira_code get_counter(void *self, const char *name, int64_t *ret_count,
                                   struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *counter = find_child(&state->counters, name);
    *ret_count = counter ? counter->number : 0;
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code put_progress(void *self, const char *run_id, const char *step,
                                    const char *text, int64_t ttl_ms, struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    struct node *progress = make_child(make_child(&state->progress, run_id), step);
    set_text(progress, text);
    progress->number = spira_clock_monotonic_ms(state->clock) + ttl_ms;
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

/* What a walk over the steps of a run needs. */
struct unexpired {
    int64_t now_ms;
    struct spira_value *map;
};

static void add_unexpired(const void *tree_node, VISIT which, void *context)
{
    const struct node *step = *(struct node *const *)tree_node;
    struct unexpired *unexpired = context;
    if ((which == postorder || which == leaf) && step->number > unexpired->now_ms)
        spira_value_set_text(unexpired->map, step->key, step->text);
}

static enum spira_code get_progress(void *self, const char *run_id,
                                    struct spira_value **ret_progress, struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    struct unexpired unexpired = {.now_ms = spira_clock_monotonic_ms(state->clock),
                                  .map = spira_value_map()};
    pthread_mutex_lock(&state->lock);
    struct node *run = find_child(&state->progress, run_id);
    if (run)
        twalk_r(run->children, add_unexpired, &unexpired);
    pthread_mutex_unlock(&state->lock);
    *ret_progress = unexpired.map;
    return SPIRA_OK;
}

static enum spira_code clear(void *self, struct spira_error *err)
{
    (void)err;
    struct memory_state *state = self;
    pthread_mutex_lock(&state->lock);
    clear_node(&state->runs);
    clear_node(&state->counters);
    clear_node(&state->offsets);
    clear_node(&state->progress);
    pthread_mutex_unlock(&state->lock);
    return SPIRA_OK;
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    (void)self;
    (void)err;
    return SPIRA_OK;
}

static void close_state(void *self)
{
    struct memory_state *state = self;
    struct spira_error err;
    (void)!clear(state, &err);
    pthread_mutex_destroy(&state->lock);
    free(state);
}

struct spira_run_state spira_run_state_memory(struct spira_clock clock)
{
    static const struct spira_run_state_ops ops = {.apply = apply,
                                                   .applied = applied_offset,
                                                   .run = get_run,
                                                   .field = get_field,
                                                   .set_size = set_size,
                                                   .runs = list_runs,
                                                   .counter = get_counter,
                                                   .put_progress = put_progress,
                                                   .progress = get_progress,
                                                   .clear = clear,
                                                   .probe = probe,
                                                   .close = close_state};
    struct memory_state *state = spira_alloc(1, sizeof *state);
    state->clock = clock;
    pthread_mutex_init(&state->lock, NULL);
    return (struct spira_run_state){.ops = &ops, .self = state};
}
