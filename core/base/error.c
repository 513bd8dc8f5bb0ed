#include "core/base/error.h"

#include <assert.h>
#include <errno.h>

/* For the static analyzer these are macros; here are the functions. */
#undef spira_fail
#undef spira_fail_errno
#undef spira_fail_within

static const struct {
    const char *name;
    const char *text;
    enum spira_error_kind kind;
} codes[] = {
#define X(name, kind, text) {#name, text, SPIRA_KIND_##kind},
    SPIRA_CODES(X)
#undef X
};

const char *spira_code_text(enum spira_code code)
{
    return codes[code].text;
}

const char *spira_code_name(enum spira_code code)
{
    return codes[code].name;
}

enum spira_error_kind spira_code_kind(enum spira_code code)
{
    return codes[code].kind;
}

bool spira_code_from_name(const char *name, enum spira_code *ret_code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i].name, name) != 0)
            continue;
        *ret_code = (enum spira_code)i;
        return true;
    }
    return false;
}

static void fill(struct spira_error *err, enum spira_code code, const char *format, va_list args)
{
    err->code = code;
    vsnprintf(err->message, sizeof err->message, format, args);
    for (char *c = err->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

enum spira_code spira_fail(struct spira_error *err, enum spira_code code, const char *format, ...)
{
    assert(code != SPIRA_OK);
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return code;
}

enum spira_code spira_fail_errno(struct spira_error *err, int errno_value, const char *format, ...)
{
    enum spira_code code = errno_value == ENOENT   ? SPIRA_ENOTFOUND
                           : errno_value == EINTR  ? SPIRA_EINTERRUPTED
                           : errno_value == ENOMEM ? SPIRA_ENOMEMORY
                                                   : SPIRA_EIO;
    char text[128];
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s",
             strerror_r(errno_value, text, sizeof text));
    return code;
}

enum spira_code spira_fail_within(struct spira_error *err, const char *format, ...)
{
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    fill(err, err->code, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
    return err->code;
}
