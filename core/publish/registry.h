/* The registry of published models, in the object store:
 *   registry/<model>/versions/000012/model.safetensors   its first put claims the number
 *                                    model.onnx           the same for other runtimes
 *                                    README.md
 *                                    model.json           put last: the version is published
 *   registry/<model>/history/000012.json                  one for each change of the champion
 *   registry/<model>/champion.json                        the last change that was made
 *
 * Every call may be cut off anywhere: the next publish of the same model completes what is missing.
 * Publishers of different models never share a number; a number claimed by one that never came back
 * stays unpublished and is listed nowhere. Any number of threads and processes. */
#ifndef SPIRA_CORE_PUBLISH_REGISTRY_H
#define SPIRA_CORE_PUBLISH_REGISTRY_H

#include "core/base/value.h"
#include "core/ports/config_source.h"
#include "core/ports/digest.h"
#include "core/ports/object_store.h"

/* The ports it works with; borrowed. */
struct spira_registry {
    struct spira_object_store store;
    struct spira_digest digest;
    struct spira_config_source json;
};

/* A model to publish; all borrowed. */
struct spira_publication {
    const char *model;                   /* the name in the registry */
    const char *path;                    /* model.safetensors on this machine */
    const char *sha256;                  /* of that file, in hex */
    const char *onnx_path, *onnx_sha256; /* the same of model.onnx */
    const struct spira_value
        *facts; /* a map: what model.json says; "metrics" goes into README.md */
};

/* Publishes a model that passed the gate, makes it the champion and says its version. model.json is
 * facts and "published": {"model", "version", "sha256", "onnx_sha256"}. A model whose digest is
 * already published keeps its version, model.json and place in the history. Codes of the store. */
SPIRA_MUST_USE enum spira_code spira_registry_publish(const struct spira_registry *registry,
                                                      const struct spira_publication *publication,
                                                      int64_t *ret_version,
                                                      struct spira_error *err);

/* Gives the model.json of every published version, in the order of names and versions, each with
 * "champion": true or false. model NULL: of every model. */
SPIRA_MUST_USE enum spira_code spira_registry_list(const struct spira_registry *registry,
                                                   const char *model, struct spira_value **ret_list,
                                                   struct spira_error *err);

/* Gives the model.json of a version; version 0 is the champion. SPIRA_ENOTFOUND names what there is
 * not. */
SPIRA_MUST_USE enum spira_code spira_registry_show(const struct spira_registry *registry,
                                                   const char *model, int64_t version,
                                                   struct spira_value **ret_manifest,
                                                   struct spira_error *err);

/* The version in force, from champion.json. SPIRA_ENOTFOUND: none was published. */
SPIRA_MUST_USE enum spira_code spira_registry_champion(const struct spira_registry *registry,
                                                       const char *model, int64_t *ret_version,
                                                       struct spira_error *err);

/* The key of a version's file ("model.safetensors"); free with free(). */
char *spira_registry_key(const char *model, int64_t version, const char *file);

#endif
