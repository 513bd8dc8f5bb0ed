/* README.md of a published model. */
#ifndef SPIRA_CORE_PUBLISH_MODEL_CARD_H
#define SPIRA_CORE_PUBLISH_MODEL_CARD_H

#include "core/base/value.h"

/* Gives the text (free with free()) for model.json of a published version (registry.h): what the
 * model is, its metrics, how to use it, and what it is not. Borrows manifest. */
char *spira_model_card(const struct spira_value *manifest);

#endif
