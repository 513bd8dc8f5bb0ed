#include "adapters/json/json_config.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>

#include "core/base/text.h"

/* A document is read in passes over a private copy:
 *   1. check_encoding refuses what is not UTF-8 (json-c overlooks overlong forms);
 *   2. blank_comments turns comments into spaces; from here on every text has its closing quote;
 *   3. read_value checks the grammar and builds the tree. json-c reads texts with escapes and
 *      nothing else: its own tree keeps the last of two equal keys, rounds whole numbers to what
 *      fits, knows no lines, and would be held as a whole beside ours.
 */

enum { MAX_DEPTH = 32 };

static const char not_a_value[] = "not a JSON value (true, false, null, a number or \"text\")";

struct reader {
    const char *name; /* the document's */
    size_t first_line;
    const char *text; /* zero-terminated */
    const char *at;
    struct json_tokener *tokener;
    struct spira_error *err;
};

static enum spira_code fail_at(const struct reader *reader, const char *at, const char *what)
{
    size_t line = reader->first_line;
    for (const char *c = reader->text; c < at; c++)
        line += *c == '\n';
    return spira_fail(reader->err, SPIRA_EINVALID, "%s:%zu: %s", reader->name, line, what);
}

static enum spira_code check_encoding(const struct reader *reader, size_t size)
{
    const char *line = reader->text;
    while (*line) {
        size_t length = strcspn(line, "\n");
        if (!spira_utf8_valid(line, length))
            return fail_at(reader, line, "not UTF-8");
        line += length + (line[length] == '\n');
    }
    return line == reader->text + size ? SPIRA_OK : fail_at(reader, line, "a zero byte");
}

/* The end of the text in double quotes that begins at quote: its closing quote, or NULL. */
static char *closing_quote(char *quote)
{
    for (char *c = quote + 1; *c; c++) {
        if (*c == '"')
            return c;
        if (*c == '\\' && c[1])
            c++;
    }
    return NULL;
}

static enum spira_code blank_comments(const struct reader *reader, char *text)
{
    for (char *c = text; *c; c++) {
        if (*c == '"') {
            char *end = closing_quote(c);
            if (!end)
                return fail_at(reader, c, "a text without its closing quote");
            c = end;
        } else if (*c == '\'') {
            return fail_at(reader, c, "texts go in double quotes");
        } else if (c[0] == '/' && c[1] == '/') {
            size_t length = strcspn(c, "\n");
            memset(c, ' ', length);
            c += length - 1;
        } else if (c[0] == '/' && c[1] == '*') {
            const char *end = strstr(c + 2, "*/");
            if (!end)
                return fail_at(reader, c, "a comment without its end");
            for (end += 2; c < end; c++)
                if (*c != '\n')
                    *c = ' ';
            c--;
        }
    }
    return SPIRA_OK;
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

/* Gives the text whose opening quote is at hand, its escapes resolved. */
static enum spira_code read_text(struct reader *reader, char **ret_text)
{
    const char *begin = reader->at;
    const char *c = begin + 1;
    bool escaped = false;
    for (; *c != '"'; c++) {
        if ((unsigned char)*c < ' ')
            return fail_at(reader, c, "a control character in a text");
        if (*c != '\\')
            continue;
        escaped = true;
        c++; /* what is escaped: a quote ends nothing */
        if (strncmp(c, "u0000", 5) == 0)
            return fail_at(reader, c, "a text with a zero character");
    }
    reader->at = c + 1;
    if (!escaped) {
        *ret_text = spira_format("%.*s", (int)(c - begin - 1), begin + 1);
        return SPIRA_OK;
    }
    json_tokener_reset(reader->tokener);
    struct json_object *text = json_tokener_parse_ex(reader->tokener, begin, (int)(c + 1 - begin));
    if (!text)
        return fail_at(reader, begin, "a text that cannot be read");
    *ret_text = spira_copy_text(json_object_get_string(text));
    json_object_put(text);
    return SPIRA_OK;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Characters of the number that begins the text (RFC 8259, section 6), and whether it is a whole
 * one; 0: none does. */
static size_t number_length(const char *text, bool *ret_whole)
{
    const char *c = text + (*text == '-');
    size_t whole = digits(c);
    if (whole == 0 || (*c == '0' && whole > 1))
        return 0;
    c += whole;
    *ret_whole = true;
    if (*c == '.') {
        *ret_whole = false;
        if (digits(c + 1) == 0)
            return 0;
        c += 1 + digits(c + 1);
    }
    if (*c == 'e' || *c == 'E') {
        *ret_whole = false;
        c += 1 + (c[1] == '+' || c[1] == '-');
        if (digits(c) == 0)
            return 0;
        c += digits(c);
    }
    return (size_t)(c - text);
}

static enum spira_code read_number(struct reader *reader, struct spira_value **ret_value)
{
    const char *begin = reader->at;
    bool whole = false;
    size_t length = number_length(begin, &whole);
    if (length == 0)
        return fail_at(reader, begin, not_a_value);
    errno = 0;
    if (!whole) {
        double real = strtod(begin, NULL);
        if (!isfinite(real))
            return fail_at(reader, begin, "a number beyond what a double holds");
        *ret_value = spira_value_real(real);
    } else {
        long long integer = strtoll(begin, NULL, 10);
        if (errno == ERANGE)
            return fail_at(reader, begin, "a whole number beyond 64 bits");
        *ret_value = spira_value_int(integer);
    }
    reader->at = begin + length;
    return SPIRA_OK;
}

/* Takes value: what the word at hand means. */
static enum spira_code read_word(struct reader *reader, const char *word, struct spira_value *value,
                                 struct spira_value **ret_value)
{
    if (strncmp(reader->at, word, strlen(word)) != 0) {
        spira_value_free(value);
        return fail_at(reader, reader->at, not_a_value);
    }
    reader->at += strlen(word);
    *ret_value = value;
    return SPIRA_OK;
}

/* Steps over what must come next. */
static enum spira_code expect(struct reader *reader, char wanted, const char *otherwise)
{
    skip_blanks(reader);
    if (*reader->at != wanted)
        return fail_at(reader, reader->at, otherwise);
    reader->at++;
    return SPIRA_OK;
}

/* Steps over the comma before another child, or over the closing bracket. */
static enum spira_code next_child(struct reader *reader, char closing, bool *ret_more,
                                  struct spira_value *parent)
{
    skip_blanks(reader);
    *ret_more = *reader->at == ',';
    if (*ret_more) {
        reader->at++;
        return SPIRA_OK;
    }
    return expect(reader, closing,
                  spira_value_type(parent) == SPIRA_MAP ? "no comma or closing brace"
                                                        : "no comma or closing bracket");
}

static enum spira_code read_value(struct reader *reader, int depth, struct spira_value **ret_value);

static enum spira_code read_item(struct reader *reader, int depth, struct spira_value *list)
{
    struct spira_value *item = NULL;
    enum spira_code code = read_value(reader, depth, &item);
    if (code == SPIRA_OK)
        spira_value_append(list, item);
    return code;
}

/* The items of the list whose opening bracket is at hand. */
static enum spira_code read_list(struct reader *reader, int depth, struct spira_value *list)
{
    reader->at++;
    skip_blanks(reader);
    bool more = *reader->at != ']';
    if (!more)
        reader->at++;
    while (more) {
        enum spira_code code = read_item(reader, depth, list);
        if (code == SPIRA_OK)
            code = next_child(reader, ']', &more, list);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code read_member(struct reader *reader, int depth, struct spira_value *map)
{
    skip_blanks(reader);
    const char *begin = reader->at;
    if (*begin != '"')
        return fail_at(reader, begin, "a key of an object is a text in double quotes");
    SPIRA_CLEANUP(spira_free_at)
    char *key = NULL;
    enum spira_code code = read_text(reader, &key);
    if (code != SPIRA_OK)
        return code;
    if (spira_value_get(map, key)) {
        SPIRA_CLEANUP(spira_free_at)
        char *what = spira_format("the key \"%s\" is here twice", key);
        return fail_at(reader, begin, what);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *item = NULL;
    code = expect(reader, ':', "no colon behind a key");
    if (code == SPIRA_OK)
        code = read_value(reader, depth, &item);
    if (code != SPIRA_OK)
        return code;
    spira_value_set(map, key, item);
    item = NULL;
    return SPIRA_OK;
}

/* The members of the object whose opening brace is at hand. */
static enum spira_code read_map(struct reader *reader, int depth, struct spira_value *map)
{
    reader->at++;
    skip_blanks(reader);
    bool more = *reader->at != '}';
    if (!more)
        reader->at++;
    while (more) {
        enum spira_code code = read_member(reader, depth, map);
        if (code == SPIRA_OK)
            code = next_child(reader, '}', &more, map);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code read_children(struct reader *reader, int depth,
                                     struct spira_value **ret_value)
{
    if (depth == MAX_DEPTH)
        return fail_at(reader, reader->at, "nested deeper than 32");
    bool is_map = *reader->at == '{';
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *parent = is_map ? spira_value_map() : spira_value_list();
    enum spira_code code =
        is_map ? read_map(reader, depth + 1, parent) : read_list(reader, depth + 1, parent);
    if (code != SPIRA_OK)
        return code;
    *ret_value = parent;
    parent = NULL;
    return SPIRA_OK;
}

/* depth: how many objects and lists are open around the value. */
static enum spira_code read_value(struct reader *reader, int depth, struct spira_value **ret_value)
{
    skip_blanks(reader);
    switch (*reader->at) {
    case '{':
    case '[':
        return read_children(reader, depth, ret_value);
    case '"': {
        SPIRA_CLEANUP(spira_free_at)
        char *text = NULL;
        enum spira_code code = read_text(reader, &text);
        if (code == SPIRA_OK)
            *ret_value = spira_value_text(text);
        return code;
    }
    case 't':
        return read_word(reader, "true", spira_value_bool(true), ret_value);
    case 'f':
        return read_word(reader, "false", spira_value_bool(false), ret_value);
    case 'n':
        return read_word(reader, "null", spira_value_null(), ret_value);
    default:
        return read_number(reader, ret_value);
    }
}

/* The one value of a document. */
static enum spira_code read_document(struct reader *reader, struct spira_value **ret_value)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    enum spira_code code = read_value(reader, 0, &value);
    if (code != SPIRA_OK)
        return code;
    skip_blanks(reader);
    if (*reader->at)
        return fail_at(reader, reader->at, "something behind the end of the document");
    *ret_value = value;
    value = NULL;
    return SPIRA_OK;
}

static enum spira_code parse(void *self, const char *name, size_t first_line, const char *text,
                             size_t size, struct spira_value **ret_value, struct spira_error *err)
{
    (void)self;
    if (size >= INT_MAX)
        return spira_fail(err, SPIRA_EINVALID, "%s:%zu: a document of %zu bytes is too long", name,
                          first_line, size);
    SPIRA_CLEANUP(spira_free_at)
    char *copy = NULL;
    enum spira_code code = spira_big_alloc(&copy, size + 1, 1, name, err);
    if (code != SPIRA_OK)
        return code;
    memcpy(copy, text, size);
    struct reader reader = {
        .name = name, .text = copy, .at = copy, .first_line = first_line, .err = err};
    code = check_encoding(&reader, size);
    if (code != SPIRA_OK)
        return code;
    code = blank_comments(&reader, copy);
    if (code != SPIRA_OK)
        return code;
    reader.tokener = json_tokener_new();
    if (!reader.tokener)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory to read it", name);
    json_tokener_set_flags(reader.tokener, JSON_TOKENER_STRICT);
    code = read_document(&reader, ret_value);
    json_tokener_free(reader.tokener);
    return code;
}

static const struct spira_config_source_ops ops = {.parse = parse};

struct spira_config_source spira_config_source_json(void)
{
    return (struct spira_config_source){.ops = &ops};
}
