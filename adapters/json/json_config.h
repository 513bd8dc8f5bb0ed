/* The config_source port over json-c: JSON (RFC 8259) with // and block comments. */
#ifndef SPIRA_ADAPTERS_JSON_JSON_CONFIG_H
#define SPIRA_ADAPTERS_JSON_JSON_CONFIG_H

#include "core/ports/config_source.h"

/* A document is any one JSON value, a bare 3 or "x" too. A number without '.' and exponent is a
 * SPIRA_INT and must fit 64 bits with a sign; any other is a SPIRA_REAL and must be finite.
 * Refused: trailing commas, NaN and Infinity, invalid UTF-8, zero bytes and control characters in
 * texts. Needs no closing; any thread. */
struct spira_config_source spira_config_source_json(void);

#endif
