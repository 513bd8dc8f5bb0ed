#include "adapters/json/json_config.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>

#include "core/base/text.h"

/* A document is read in passes over a private copy:
 *   1. check_encoding refuses what is not UTF-8 (json-c overlooks overlong forms);
 *   2. blank_comments turns comments into spaces, since json-c's strict mode knows none;
 *   3. json-c decides whether the text is JSON;
 *   4. read_value walks the accepted text and builds the tree. json-c's own tree would not do: it
 *      keeps the last of two equal keys, rounds whole numbers to what fits, and knows no lines.
 */

enum { MAX_DEPTH = 32 };

struct reader {
    const char *name; /* the document's */
    const char *text; /* zero-terminated */
    const char *at;
    struct json_tokener *tokener;
    struct spira_error *err;
};

static enum spira_code fail_at(const struct reader *reader, const char *at, const char *what)
{
    size_t line = 1;
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

static enum spira_code check_grammar(const struct reader *reader, size_t size)
{
    json_tokener_set_flags(reader->tokener, JSON_TOKENER_STRICT);
    /* The zero byte is part of the length: it ends a bare number. */
    json_object_put(json_tokener_parse_ex(reader->tokener, reader->text, (int)size + 1));
    enum json_tokener_error error = json_tokener_get_error(reader->tokener);
    if (error == json_tokener_success)
        return SPIRA_OK;
    size_t end = json_tokener_get_parse_end(reader->tokener);
    return fail_at(reader, reader->text + (end < size ? end : size),
                   json_tokener_error_desc(error));
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
    for (; *c != '"'; c++) {
        if ((unsigned char)*c < ' ')
            return fail_at(reader, c, "a control character in a text");
        if (*c != '\\')
            continue;
        c++; /* what is escaped: a quote ends nothing */
        if (strncmp(c, "u0000", 5) == 0)
            return fail_at(reader, c, "a text with a zero character");
    }
    json_tokener_reset(reader->tokener);
    struct json_object *text = json_tokener_parse_ex(reader->tokener, begin, (int)(c + 1 - begin));
    if (!text)
        return fail_at(reader, begin, "a text that cannot be read");
    *ret_text = spira_copy_text(json_object_get_string(text));
    json_object_put(text);
    reader->at = c + 1;
    return SPIRA_OK;
}

/* json-c takes "1." and "-01" for numbers; RFC 8259, section 6 does not. */
static bool number_is_strict(const char *number)
{
    number += *number == '-';
    size_t whole = strspn(number, "0123456789");
    if (whole == 0 || (number[0] == '0' && whole > 1))
        return false;
    return number[whole] != '.' || (number[whole + 1] >= '0' && number[whole + 1] <= '9');
}

static enum spira_code read_number(struct reader *reader, struct spira_value **ret_value)
{
    const char *begin = reader->at;
    size_t length = strspn(begin, "+-.0123456789eE");
    if (!number_is_strict(begin))
        return fail_at(reader, begin, "not a JSON value (true, false, null, a number or \"text\")");
    errno = 0;
    if (strcspn(begin, ".eE") < length) {
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

static enum spira_code read_value(struct reader *reader, int depth, struct spira_value **ret_value);

/* The members of the object whose opening brace is at hand. */
static enum spira_code read_map(struct reader *reader, int depth, struct spira_value *map)
{
    do {
        reader->at++; /* the brace or a comma */
        skip_blanks(reader);
        if (*reader->at == '}')
            break;
        const char *begin = reader->at;
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
        skip_blanks(reader);
        reader->at++; /* the colon */
        struct spira_value *item = NULL;
        code = read_value(reader, depth, &item);
        if (code != SPIRA_OK)
            return code;
        spira_value_set(map, key, item);
        skip_blanks(reader);
    } while (*reader->at == ',');
    reader->at++;
    return SPIRA_OK;
}

/* The items of the list whose opening bracket is at hand. */
static enum spira_code read_list(struct reader *reader, int depth, struct spira_value *list)
{
    do {
        reader->at++; /* the bracket or a comma */
        skip_blanks(reader);
        if (*reader->at == ']')
            break;
        struct spira_value *item = NULL;
        enum spira_code code = read_value(reader, depth, &item);
        if (code != SPIRA_OK)
            return code;
        spira_value_append(list, item);
        skip_blanks(reader);
    } while (*reader->at == ',');
    reader->at++;
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
    case 'f':
        *ret_value = spira_value_bool(*reader->at == 't');
        reader->at += *reader->at == 't' ? strlen("true") : strlen("false");
        return SPIRA_OK;
    case 'n':
        *ret_value = spira_value_null();
        reader->at += strlen("null");
        return SPIRA_OK;
    default:
        return read_number(reader, ret_value);
    }
}

static enum spira_code parse(void *self, const char *name, const char *text, size_t size,
                             struct spira_value **ret_value, struct spira_error *err)
{
    (void)self;
    if (size >= INT_MAX)
        return spira_fail(err, SPIRA_EINVALID, "%s:1: a document of %zu bytes is too long", name,
                          size);
    SPIRA_CLEANUP(spira_free_at)
    char *copy = NULL;
    enum spira_code code = spira_big_alloc(&copy, size + 1, 1, name, err);
    if (code != SPIRA_OK)
        return code;
    memcpy(copy, text, size);
    struct reader reader = {.name = name, .text = copy, .at = copy, .err = err};
    code = check_encoding(&reader, size);
    if (code != SPIRA_OK)
        return code;
    code = blank_comments(&reader, copy);
    if (code != SPIRA_OK)
        return code;
    /* json-c counts one level more than there are open objects and lists. */
    reader.tokener = json_tokener_new_ex(MAX_DEPTH + 1);
    if (!reader.tokener)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory to read it", name);
    code = check_grammar(&reader, size);
    if (code == SPIRA_OK)
        code = read_value(&reader, 0, ret_value);
    json_tokener_free(reader.tokener);
    return code;
}

static const struct spira_config_source_ops ops = {.parse = parse};

struct spira_config_source spira_config_source_json(void)
{
    return (struct spira_config_source){.ops = &ops};
}
