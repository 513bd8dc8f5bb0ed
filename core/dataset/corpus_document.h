/* A corpus as JSON Lines: {"format": 2}, then a row a line in the order of the lists, each with the
 * name of its own as "list": "noises", "duplicates", "rejected", "recordings" (core/dataset/
 * corpus.h). Written and read line by line, so that neither side holds it. */
#ifndef SPIRA_CORE_DATASET_CORPUS_DOCUMENT_H
#define SPIRA_CORE_DATASET_CORPUS_DOCUMENT_H

#include "core/dataset/corpus.h"
#include "core/ports/config_source.h"

/* Writes what the builder hands out. Codes of spira_corpus_each; whether out took it, ferror
 * tells. */
SPIRA_MUST_USE enum spira_code spira_corpus_write(struct spira_corpus_builder *builder, FILE *out,
                                                  struct spira_error *err);

/* Hands out the rows of the document at path, without "list". SPIRA_EINVALID is "<path>:<line>:
 * ..."; SPIRA_ENOTFOUND, SPIRA_EIO; codes of take. */
SPIRA_MUST_USE enum spira_code spira_corpus_read(struct spira_config_source json, const char *path,
                                                 spira_corpus_taker *take, void *context,
                                                 struct spira_error *err);

#endif
