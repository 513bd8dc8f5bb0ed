#include "adapters/redis/redis_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <sys/un.h>

enum { PORT_DEFAULT = 6379, PORT_MAX = 65535, DATABASE_MAX = 1000000 };

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Gives size bytes of text with their percent escapes decoded. The text is a secret: no message
 * quotes it. */
static enum spira_code decode(const char *part, const char *text, size_t size, char **ret_decoded,
                              struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *decoded = spira_alloc(size + 1, 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            if (size - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
                !isxdigit((unsigned char)text[i + 2]))
                return spira_fail(err, SPIRA_EINVALID,
                                  "Redis URL: %s: a %% without two hexadecimal digits (%%25 is the "
                                  "percent sign)",
                                  part);
            c = (char)(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2]));
            i += 2;
        }
        if (c == '\0')
            return spira_fail(err, SPIRA_EINVALID, "Redis URL: %s: holds a zero byte", part);
        decoded[length++] = c;
    }
    *ret_decoded = decoded;
    decoded = NULL;
    return SPIRA_OK;
}

/* [user]:password, or nothing; an empty part is none. */
static enum spira_code parse_credentials(const char *text, size_t size,
                                         struct redis_address *address, struct spira_error *err)
{
    const char *colon = memchr(text, ':', size);
    size_t user_size = colon ? (size_t)(colon - text) : size;
    size_t password_size = colon ? size - user_size - 1 : 0;
    if (user_size > 0 && password_size == 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "Redis URL: password: is missing (it is user:password@ or :password@)");
    enum spira_code code = SPIRA_OK;
    if (user_size > 0)
        code = decode("user", text, user_size, &address->user, err);
    if (code == SPIRA_OK && password_size > 0)
        code = decode("password", colon + 1, password_size, &address->password, err);
    return code;
}

/* A decimal number without sign or blanks. */
static bool parse_number(const char *text, int min, int max, int *ret_number)
{
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
        return false;
    long number = strtol(text, NULL, 10);
    if (number < min || number > max)
        return false;
    *ret_number = (int)number;
    return true;
}

/* A port that is no number may be the password of a URL whose "@host" was forgotten: it is quoted
 * only after an '@'. */
static enum spira_code parse_port(const char *text, bool after_credentials,
                                  struct redis_address *address, struct spira_error *err)
{
    address->port = PORT_DEFAULT;
    if (!text || parse_number(text, 1, PORT_MAX, &address->port))
        return SPIRA_OK;
    bool number = *text && strspn(text, "0123456789") == strlen(text);
    if (number || after_credentials)
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: port: \"%s\" is no number from 1 to %d",
                          text, PORT_MAX);
    return spira_fail(err, SPIRA_EINVALID,
                      "Redis URL: port: what follows \"%s:\" is no number from 1 to %d",
                      address->host, PORT_MAX);
}

/* host[:port] or [ipv6][:port]; changes text. */
static enum spira_code parse_host(char *text, bool after_credentials, struct redis_address *address,
                                  struct spira_error *err)
{
    static const char *const name_characters = "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    bool bracketed = *text == '[';
    char *end = bracketed ? strchr(text, ']') : text + strcspn(text, ":");
    if (!end)
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: host: \"%s\" lacks its ]", text);
    const char *host = bracketed ? text + 1 : text;
    char *after = bracketed ? end + 1 : end;
    if (*after != '\0' && *after != ':')
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: host: \"%s\" goes on after its ]", text);
    const char *port = *after == ':' ? after + 1 : NULL;
    *after = '\0'; /* before the end: they may be one place */
    *end = '\0';
    if (!*host)
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: host: is missing");
    if (strspn(host, bracketed ? "0123456789abcdefABCDEF:." : name_characters) != strlen(host))
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: host: \"%s\" is no name of a host",
                          host);
    address->host = spira_copy_text(host);
    return parse_port(port, after_credentials, address, err);
}

/* What follows redis://. Neither host nor database can hold an '@': the last one ends the password,
 * even where one inside was not encoded. */
static enum spira_code parse_network(const char *rest, struct redis_address *address,
                                     struct spira_error *err)
{
    const char *at = strrchr(rest, '@');
    enum spira_code code =
        at ? parse_credentials(rest, (size_t)(at - rest), address, err) : SPIRA_OK;
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *host = spira_copy_text(at ? at + 1 : rest);
    char *slash = strchr(host, '/');
    if (slash)
        *slash = '\0';
    code = parse_host(host, at != NULL, address, err);
    if (code != SPIRA_OK)
        return code;
    const char *database = slash ? slash + 1 : "";
    if (*database && !parse_number(database, 0, DATABASE_MAX, &address->database))
        return spira_fail(err, SPIRA_EINVALID,
                          "Redis URL: database: \"%s\" is no number from 0 to %d", database,
                          DATABASE_MAX);
    bool ipv6 = strchr(address->host, ':') != NULL;
    address->name = spira_format("redis://%s%s%s:%d/%d", ipv6 ? "[" : "", address->host,
                                 ipv6 ? "]" : "", address->port, address->database);
    return SPIRA_OK;
}

/* What follows unix: */
static enum spira_code parse_socket(const char *path, struct redis_address *address,
                                    struct spira_error *err)
{
    size_t max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (*path != '/')
        return spira_fail(err, SPIRA_EINVALID, "Redis URL: path: \"%s\" does not begin with /",
                          path);
    if (strlen(path) > max)
        return spira_fail(err, SPIRA_EINVALID,
                          "Redis URL: path: \"%s\" has %zu bytes; a socket's path has at most %zu",
                          path, strlen(path), max);
    address->path = spira_copy_text(path);
    address->name = spira_format("unix:%s", path);
    return SPIRA_OK;
}

static enum spira_code parse(const char *url, struct redis_address *address,
                             struct spira_error *err)
{
    static const char network[] = "redis://", socket_scheme[] = "unix:";
    if (strncmp(url, network, sizeof network - 1) == 0)
        return parse_network(url + sizeof network - 1, address, err);
    if (strncmp(url, socket_scheme, sizeof socket_scheme - 1) == 0)
        return parse_socket(url + sizeof socket_scheme - 1, address, err);
    const char *colon = strstr(url, "://");
    if (!colon)
        return spira_fail(err, SPIRA_EINVALID,
                          "Redis URL: scheme: is missing (it is redis://host:port/database or "
                          "unix:/path)");
    return spira_fail(err, SPIRA_EINVALID, "Redis URL: scheme: \"%.*s\" is neither redis nor unix",
                      (int)(colon - url < 64 ? colon - url : 64), url);
}

enum spira_code spira_redis_url_parse(const char *url, struct redis_address *ret_address,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_redis_url_done)
    struct redis_address address = {0};
    enum spira_code code = parse(url, &address, err);
    if (code != SPIRA_OK)
        return code;
    *ret_address = address;
    address = (struct redis_address){0};
    return SPIRA_OK;
}

void spira_redis_url_done(struct redis_address *address)
{
    free(address->host);
    free(address->path);
    free(address->user);
    free(address->password);
    free(address->name);
    *address = (struct redis_address){0};
}
