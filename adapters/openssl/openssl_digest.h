/* The digest port over OpenSSL's libcrypto. */
#ifndef SPIRA_ADAPTERS_OPENSSL_OPENSSL_DIGEST_H
#define SPIRA_ADAPTERS_OPENSSL_OPENSSL_DIGEST_H

#include "core/ports/digest.h"

/* Needs no closing; any thread. */
struct spira_digest spira_digest_openssl(void);

#endif
