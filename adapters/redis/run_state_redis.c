#include "adapters/redis/run_state_redis.h"

#include <errno.h>

#include "adapters/redis/redis_link.h"
#include "adapters/redis/redis_run.h"

enum { PREFIX_MAX = 64, OPERATIONS_MAX = 65536, RUNS_PER_PAGE = 1000 };

/* Progress longer ahead than three hundred years is the same to everybody, and to Lua's numbers. */
static const int64_t ttl_max_ms = 10000000000000;

/* KEYS: applied, runs, and of each operation what it changes. ARGV: partition, offset, and of each
 * operation: action, run id, field, value, and what goes with it: of "add" the field that counts
 * the set's members, of "set first" the order. Returns the applied offset as it was, as text: Lua's
 * numbers end at 2^53. Types are looked at first, so that no error comes when half is done. */
static const char *const apply_text =
    "local found = redis.call('HGET', KEYS[1], ARGV[1]) or '0'\n"
    "if found ~= ARGV[2] then return found end\n"
    "for i = 2, #KEYS do\n"
    "  local kind = redis.call('TYPE', KEYS[i]).ok\n"
    "  if kind ~= 'none' and kind ~= (i == 2 and 'zset' or 'hash') then\n"
    "    return redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' is a ' .. kind)\n"
    "  end\n"
    "end\n"
    "for i = 3, #KEYS do\n"
    "  local at = 5 * (i - 3) + 3\n"
    "  local action, run, field, value, more = unpack(ARGV, at, at + 4)\n"
    "  if action == 'count' then\n"
    "    redis.call('HINCRBY', KEYS[i], field, 1)\n"
    "  else\n"
    "    redis.call('ZADD', KEYS[2], 0, run)\n"
    "    if action == 'set' then\n"
    "      redis.call('HSET', KEYS[i], field, value)\n"
    "    elseif action == 'set first' then\n"
    "      local order = redis.call('HGET', KEYS[i], field .. '.order')\n"
    "      if not order or more < order then\n"
    "        redis.call('HSET', KEYS[i], field, value, field .. '.order', more)\n"
    "      end\n"
    "    elseif redis.call('HSETNX', KEYS[i], field, value) == 1 and action == 'add' then\n"
    "      redis.call('HINCRBY', KEYS[i], more, 1)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "redis.call('HINCRBY', KEYS[1], ARGV[1], 1)\n"
    "return found\n";

/* The server's own time, in whole milliseconds. */
#define NOW                                                                                        \
    "local time = redis.call('TIME')\n"                                                            \
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"

/* KEYS: the run's progress. ARGV: step, text, ttl. */
static const char *const put_progress_text =
    NOW "local ttl = tonumber(ARGV[3])\n"
        "local left = redis.call('PTTL', KEYS[1])\n"
        "redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f:', now + ttl) .. ARGV[2])\n"
        "if left < ttl then\n"
        "  redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
        "end\n"
        "return redis.status_reply('OK')\n";

/* KEYS: the run's progress. Returns steps and texts in turn. */
static const char *const progress_text =
    NOW "local all = redis.call('HGETALL', KEYS[1])\n"
        "local left = {}\n"
        "for i = 1, #all, 2 do\n"
        "  local colon = string.find(all[i + 1], ':', 1, true)\n"
        "  if tonumber(string.sub(all[i + 1], 1, colon - 1)) > now then\n"
        "    left[#left + 1] = all[i]\n"
        "    left[#left + 1] = string.sub(all[i + 1], colon + 1)\n"
        "  end\n"
        "end\n"
        "return left\n";

/* KEYS: applied, counters, runs. ARGV: patterns of the other keys. */
static const char *const clear_text = "for i = 1, #ARGV do\n"
                                      "  for _, key in ipairs(redis.call('KEYS', ARGV[i])) do\n"
                                      "    redis.call('UNLINK', key)\n"
                                      "  end\n"
                                      "end\n"
                                      "redis.call('UNLINK', unpack(KEYS))\n"
                                      "return redis.status_reply('OK')\n";

struct redis_state {
    struct redis_link *link;
    char *prefix;
    struct redis_script apply;
    struct redis_script put_progress;
    struct redis_script progress;
    struct redis_script clear;
};

/* A key; to be freed with free(). */
static char *make_key(const struct redis_state *state, const char *kind, const char *name)
{
    return spira_format("%s%s%s", state->prefix, kind, name);
}

static char *run_key(const struct redis_state *state, const char *run_id)
{
    return make_key(state, "run:", run_id);
}

static char *progress_key(const struct redis_state *state, const char *run_id)
{
    return make_key(state, "progress:", run_id);
}

static char *partition_name(const char *topic, int32_t partition)
{
    return spira_format("%s/%d", topic, (int)partition);
}

/* A number of a hash; nothing there is 0. */
static enum spira_code read_number(const struct redis_state *state, const redisReply *reply,
                                   const char *what, int64_t *ret_number, struct spira_error *err)
{
    if (reply->type == REDIS_REPLY_NIL) {
        *ret_number = 0;
        return SPIRA_OK;
    }
    char *end = NULL;
    errno = 0;
    long long number = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, &end, 10) : 0;
    if (!end || end == reply->str || *end || errno != 0)
        return spira_fail(err, SPIRA_EBUG, "%s: %s of %s is no number: %s",
                          spira_redis_link_name(state->link), what, state->prefix,
                          reply->str ? reply->str : "no text");
    *ret_number = number;
    return SPIRA_OK;
}

/* The number in a field of a hash; takes key and field. */
static enum spira_code get_number(const struct redis_state *state, char *key, char *field,
                                  int64_t *ret_number, struct spira_error *err)
{
    const char *texts[] = {"HGET", key, field};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = spira_redis_call(state->link, 3, texts, &reply, err);
    if (code == SPIRA_OK)
        code = read_number(state, reply, field, ret_number, err);
    free(key);
    free(field);
    return code;
}

/* The five arguments of an operation. */
static void add_operation(struct redis_args *args, const struct spira_state_operation *operation)
{
    static const char *const actions[] = {[SPIRA_STATE_SET] = "set",
                                          [SPIRA_STATE_SET_ABSENT] = "set absent",
                                          [SPIRA_STATE_SET_FIRST] = "set first",
                                          [SPIRA_STATE_ADD] = "add",
                                          [SPIRA_STATE_COUNT] = "count"};
    const char *name = operation->name;
    spira_redis_args_add(args, spira_copy_text(actions[operation->action]));
    if (operation->action == SPIRA_STATE_COUNT) {
        spira_redis_args_add(args, spira_copy_text(""));
        spira_redis_args_add(args, spira_copy_text(name));
        spira_redis_args_add(args, spira_copy_text(""));
        spira_redis_args_add(args, spira_copy_text(""));
        return;
    }
    bool add = operation->action == SPIRA_STATE_ADD;
    spira_redis_args_add(args, spira_copy_text(operation->run_id));
    spira_redis_args_add(args, add ? spira_redis_run_member(name, operation->member)
                                   : spira_redis_run_field(name));
    spira_redis_args_add(args, spira_copy_text(operation->value));
    spira_redis_args_add(args, add ? spira_redis_run_size(name)
                                   : spira_copy_text(operation->member ? operation->member : ""));
}

static enum spira_code apply(void *self, const struct spira_state_change *change, bool *ret_applied,
                             struct spira_error *err)
{
    struct redis_state *state = self;
    if (change->count > OPERATIONS_MAX)
        return spira_fail(err, SPIRA_ETOOBIG, "%s/%d offset %lld: a change of %zu operations",
                          change->topic, (int)change->partition, (long long)change->offset,
                          change->count);
    SPIRA_CLEANUP(spira_redis_args_done)
    struct redis_args args = {0};
    spira_redis_args_add(&args, make_key(state, "applied", ""));
    spira_redis_args_add(&args, make_key(state, "runs", ""));
    for (size_t i = 0; i < change->count; i++)
        spira_redis_args_add(&args, change->operations[i].action == SPIRA_STATE_COUNT
                                        ? make_key(state, "counters", "")
                                        : run_key(state, change->operations[i].run_id));
    spira_redis_args_add(&args, partition_name(change->topic, change->partition));
    spira_redis_args_add(&args, spira_format("%lld", (long long)change->offset));
    for (size_t i = 0; i < change->count; i++)
        add_operation(&args, &change->operations[i]);
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code =
        spira_redis_run_script(state->link, &state->apply, 2 + change->count, &args, &reply, err);
    int64_t found = 0;
    if (code == SPIRA_OK)
        code = read_number(state, reply, "applied", &found, err);
    if (code == SPIRA_OK)
        *ret_applied = change->offset <= found;
    return code;
}

static enum spira_code applied_offset(void *self, const char *topic, int32_t partition,
                                      int64_t *ret_offset, struct spira_error *err)
{
    return get_number(self, make_key(self, "applied", ""), partition_name(topic, partition),
                      ret_offset, err);
}

static enum spira_code get_run(void *self, const char *run_id, struct spira_value **ret_run,
                               struct spira_error *err)
{
    struct redis_state *state = self;
    SPIRA_CLEANUP(spira_free_at)
    char *key = run_key(state, run_id);
    const char *texts[] = {"HGETALL", key};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = spira_redis_call(state->link, 2, texts, &reply, err);
    if (code != SPIRA_OK)
        return code;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0)
        return spira_fail(err, SPIRA_ENOTFOUND, "%s: no such run", run_id);
    return spira_redis_run_value(reply, key, ret_run, err);
}

static enum spira_code get_field(void *self, const char *run_id, const char *name, char **ret_text,
                                 struct spira_error *err)
{
    struct redis_state *state = self;
    SPIRA_CLEANUP(spira_free_at)
    char *key = run_key(state, run_id);
    SPIRA_CLEANUP(spira_free_at)
    char *field = spira_redis_run_field(name);
    const char *texts[] = {"HGET", key, field};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code = spira_redis_call(state->link, 3, texts, &reply, err);
    if (code == SPIRA_OK)
        *ret_text = reply->type == REDIS_REPLY_STRING ? spira_copy_text(reply->str) : NULL;
    return code;
}

static enum spira_code set_size(void *self, const char *run_id, const char *name, size_t *ret_size,
                                struct spira_error *err)
{
    int64_t size = 0;
    enum spira_code code =
        get_number(self, run_key(self, run_id), spira_redis_run_size(name), &size, err);
    if (code == SPIRA_OK)
        *ret_size = (size_t)size;
    return code;
}

/* Gives the next run ids below the limit ("+", or "(" and the last id). */
static enum spira_code get_page(const struct redis_state *state, const char *limit,
                                redisReply **ret_reply, struct spira_error *err)
{
    char count[16];
    snprintf(count, sizeof count, "%d", RUNS_PER_PAGE);
    SPIRA_CLEANUP(spira_free_at)
    char *key = make_key(state, "runs", "");
    const char *texts[] = {"ZREVRANGEBYLEX", key, limit, "-", "LIMIT", "0", count};
    return spira_redis_call(state->link, sizeof texts / sizeof *texts, texts, ret_reply, err);
}

static enum spira_code list_runs(void *self, spira_run_visit *visit, void *context,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *limit = spira_copy_text("+");
    for (;;) {
        SPIRA_CLEANUP(spira_redis_reply_done)
        redisReply *page = NULL;
        enum spira_code code = get_page(self, limit, &page, err);
        if (code != SPIRA_OK)
            return code;
        for (size_t i = 0; i < page->elements; i++)
            if (!visit(context, page->element[i]->str))
                return SPIRA_OK;
        if (page->elements < RUNS_PER_PAGE)
            return SPIRA_OK;
        free(limit);
        limit = spira_format("(%s", page->element[page->elements - 1]->str);
    }
}

static enum spira_code get_counter(void *self, const char *name, int64_t *ret_count,
                                   struct spira_error *err)
{
    return get_number(self, make_key(self, "counters", ""), spira_copy_text(name), ret_count, err);
}

static enum spira_code put_progress(void *self, const char *run_id, const char *step,
                                    const char *text, int64_t ttl_ms, struct spira_error *err)
{
    struct redis_state *state = self;
    int64_t ttl = ttl_ms < 0 ? 0 : ttl_ms > ttl_max_ms ? ttl_max_ms : ttl_ms;
    SPIRA_CLEANUP(spira_redis_args_done)
    struct redis_args args = {0};
    spira_redis_args_add(&args, progress_key(state, run_id));
    spira_redis_args_add(&args, spira_copy_text(step));
    spira_redis_args_add(&args, spira_copy_text(text));
    spira_redis_args_add(&args, spira_format("%lld", (long long)ttl));
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    return spira_redis_run_script(state->link, &state->put_progress, 1, &args, &reply, err);
}

static enum spira_code get_progress(void *self, const char *run_id,
                                    struct spira_value **ret_progress, struct spira_error *err)
{
    struct redis_state *state = self;
    SPIRA_CLEANUP(spira_redis_args_done)
    struct redis_args args = {0};
    spira_redis_args_add(&args, progress_key(state, run_id));
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    enum spira_code code =
        spira_redis_run_script(state->link, &state->progress, 1, &args, &reply, err);
    return code == SPIRA_OK ? spira_redis_map_value(reply, args.items[0], ret_progress, err) : code;
}

/* The pattern of every key that begins so; to be freed with free(). */
static char *make_pattern(const struct redis_state *state, const char *kind)
{
    char escaped[2 * PREFIX_MAX + 1];
    size_t size = 0;
    for (const char *at = state->prefix; *at; at++) {
        if (strchr("*?[]\\^", *at))
            escaped[size++] = '\\';
        escaped[size++] = *at;
    }
    escaped[size] = '\0';
    return spira_format("%s%s*", escaped, kind);
}

static enum spira_code clear(void *self, struct spira_error *err)
{
    struct redis_state *state = self;
    SPIRA_CLEANUP(spira_redis_args_done)
    struct redis_args args = {0};
    spira_redis_args_add(&args, make_key(state, "applied", ""));
    spira_redis_args_add(&args, make_key(state, "counters", ""));
    spira_redis_args_add(&args, make_key(state, "runs", ""));
    spira_redis_args_add(&args, make_pattern(state, "run:"));
    spira_redis_args_add(&args, make_pattern(state, "progress:"));
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    return spira_redis_run_script(state->link, &state->clear, 3, &args, &reply, err);
}

static enum spira_code probe(void *self, struct spira_error *err)
{
    struct redis_state *state = self;
    const char *texts[] = {"PING"};
    SPIRA_CLEANUP(spira_redis_reply_done)
    redisReply *reply = NULL;
    return spira_redis_call(state->link, 1, texts, &reply, err);
}

static void close_state(void *self)
{
    struct redis_state *state = self;
    spira_redis_link_free(state->link);
    free(state->prefix);
    free(state);
}

enum spira_code spira_run_state_redis(const char *url, const char *prefix,
                                      struct spira_run_state *ret_state, struct spira_error *err)
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
    if (!*prefix || strlen(prefix) > PREFIX_MAX)
        return spira_fail(err, SPIRA_EINVALID, "prefix of Redis keys: \"%s\" has not 1 to %d bytes",
                          prefix, PREFIX_MAX);
    struct redis_address address;
    enum spira_code code = spira_redis_url_parse(url, &address, err);
    if (code != SPIRA_OK)
        return code;
    struct redis_state *state = spira_alloc(1, sizeof *state);
    state->link = spira_redis_link_new(&address);
    state->prefix = spira_copy_text(prefix);
    state->apply.text = apply_text;
    state->put_progress.text = put_progress_text;
    state->progress.text = progress_text;
    state->clear.text = clear_text;
    *ret_state = (struct spira_run_state){.ops = &ops, .self = state};
    return SPIRA_OK;
}
