#include <criterion/criterion.h>
#include <string.h>

#include "adapters/redis/redis_url.h"

static struct redis_address parsed(const char *url)
{
    struct redis_address address;
    struct spira_error err = {0};
    cr_assert_eq(spira_redis_url_parse(url, &address, &err), SPIRA_OK, "%s: %s", url, err.message);
    return address;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

Test(redis_url, names_host_port_database_user_and_password)
{
    static const struct {
        const char *url, *host;
        int port, database;
        const char *user, *password, *name;
    } cases[] = {
        {"redis://localhost", "localhost", 6379, 0, NULL, NULL, "redis://localhost:6379/0"},
        {"redis://r-1.a_b:1/", "r-1.a_b", 1, 0, NULL, NULL, "redis://r-1.a_b:1/0"},
        {"redis://10.0.0.7:65535/15", "10.0.0.7", 65535, 15, NULL, NULL,
         "redis://10.0.0.7:65535/15"},
        {"redis://:s3cret@h/2", "h", 6379, 2, NULL, "s3cret", "redis://h:6379/2"},
        {"redis://ana:s3:cr@t/x@h:7", "h", 7, 0, "ana", "s3:cr@t/x", "redis://h:7/0"},
        {"redis://a%40:%25%2f%C3%a9@h", "h", 6379, 0, "a@", "%/\xC3\xA9", "redis://h:6379/0"},
        {"redis://:@h", "h", 6379, 0, NULL, NULL, "redis://h:6379/0"},
        {"redis://@h", "h", 6379, 0, NULL, NULL, "redis://h:6379/0"},
        {"redis://[::1]:7/3", "::1", 7, 3, NULL, NULL, "redis://[::1]:7/3"},
        {"redis://:p]@[fe80::2]", "fe80::2", 6379, 0, NULL, "p]", "redis://[fe80::2]:6379/0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_redis_url_done)
        struct redis_address address = parsed(cases[i].url);
        cr_expect(same(address.host, cases[i].host), "%s", cases[i].url);
        cr_expect_null(address.path);
        cr_expect_eq(address.port, cases[i].port, "%s", cases[i].url);
        cr_expect_eq(address.database, cases[i].database, "%s", cases[i].url);
        cr_expect(same(address.user, cases[i].user), "%s", cases[i].url);
        cr_expect(same(address.password, cases[i].password), "%s", cases[i].url);
        cr_expect(same(address.name, cases[i].name), "%s: %s", cases[i].url, address.name);
    }
}

Test(redis_url, names_a_socket)
{
    SPIRA_CLEANUP(spira_redis_url_done)
    struct redis_address address = parsed("unix:/run/re@dis/redis.sock");
    cr_assert_str_eq(address.path, "/run/re@dis/redis.sock");
    cr_assert_str_eq(address.name, "unix:/run/re@dis/redis.sock");
    cr_assert_null(address.host);
    cr_assert_null(address.password);
}

Test(redis_url, what_is_wrong_is_named_with_its_value)
{
    static const struct {
        const char *url, *message;
    } cases[] = {{"", "scheme: is missing"},
                 {"localhost:6379", "scheme: is missing"},
                 {"http://h", "scheme: \"http\""},
                 {"rediss://h", "scheme: \"rediss\""},
                 {"redis://", "host: is missing"},
                 {"redis://:6379", "host: is missing"},
                 {"redis://:pw@", "host: is missing"},
                 {"redis://a b", "host: \"a b\""},
                 {"redis://h?x=1", "host: \"h?x=1\""},
                 {"redis://[::1", "host: \"[::1\""},
                 {"redis://[::1]7", "host: \"[::1]7\""},
                 {"redis://[]", "host: is missing"},
                 {"redis://[host]", "host: \"host\""},
                 {"redis://::1", "host: is missing"},
                 {"redis://h:", "port: "},
                 {"redis://h:0", "port: \"0\""},
                 {"redis://h:65536", "port: \"65536\""},
                 {"redis://h:99999999999999999999", "port: \"99999999999999999999\""},
                 {"redis://h:-1", "port: what follows \"h:\""},
                 {"redis://:pw@h:6a", "port: \"6a\""},
                 {"redis://h/zero", "database: \"zero\""},
                 {"redis://h/-1", "database: \"-1\""},
                 {"redis://h/1/2", "database: \"1/2\""},
                 {"redis://h/4294967296", "database: \"4294967296\""},
                 {"redis://ana@h", "password: is missing"},
                 {"redis://ana:@h", "password: is missing"},
                 {"redis://:a%@h", "password: a % without"},
                 {"redis://:%4@h", "password: a % without"},
                 {"redis://:%4g@h", "password: a % without"},
                 {"redis://:%00@h", "password: holds a zero byte"},
                 {"redis://%zz:b@h", "user: a % without"},
                 {"unix:", "path: \"\""},
                 {"unix:redis.sock", "path: \"redis.sock\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_address address;
        struct spira_error err = {0};
        enum spira_code code = spira_redis_url_parse(cases[i].url, &address, &err);
        cr_expect_eq(code, SPIRA_EINVALID, "%s", cases[i].url);
        cr_expect(strstr(err.message, cases[i].message), "%s: %s", cases[i].url, err.message);
    }
}

Test(redis_url, the_path_of_a_socket_has_the_length_the_system_allows)
{
    char url[128] = "unix:/";
    memset(url + 6, 'x', 106);
    SPIRA_CLEANUP(spira_redis_url_done)
    struct redis_address address = parsed(url);
    cr_assert_eq(strlen(address.path), 107);
    url[6 + 106] = 'x';
    struct redis_address none;
    struct spira_error err = {0};
    cr_assert_eq(spira_redis_url_parse(url, &none, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "108 bytes"), "%s", err.message);
}

Test(redis_url, no_message_tells_the_password)
{
    static const char *const urls[] = {"redis://:hunter2",
                                       "redis://ana:hunter2",
                                       "redis://:hunter2@",
                                       "redis://:hunter2@h:x",
                                       "redis://:hunter2@h/x",
                                       "redis://:hunter2@h h",
                                       "redis://:hunter2%@h",
                                       "redis://:hunter2%00@h",
                                       "redis://:hunter2/@h:70000",
                                       "rediss://:hunter2@h:6379",
                                       "http://ana:hunter2@h:6379/",
                                       ":hunter2@h:6379",
                                       "hunter2@h",
                                       "redis:/:hunter2@h",
                                       "redis://:hun@hunter2/@h:x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct redis_address address;
        struct spira_error err = {0};
        cr_expect_eq(spira_redis_url_parse(urls[i], &address, &err), SPIRA_EINVALID, "%s", urls[i]);
        cr_expect(!strstr(err.message, "hunter2"), "%s: %s", urls[i], err.message);
    }
}
