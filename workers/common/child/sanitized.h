/* Whether a sanitizer watches this process: it maps more address space than any limit, and looks
 * into its own process. */
#ifndef SPIRA_WORKERS_COMMON_CHILD_SANITIZED_H
#define SPIRA_WORKERS_COMMON_CHILD_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPIRA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SPIRA_SANITIZED 1
#endif
#endif
#ifndef SPIRA_SANITIZED
#define SPIRA_SANITIZED 0
#endif

#endif
