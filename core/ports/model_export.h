/* Port: a trained model as a file of another runtime. Adapters: adapters/onnx. */
#ifndef SPIRA_CORE_PORTS_MODEL_EXPORT_H
#define SPIRA_CORE_PORTS_MODEL_EXPORT_H

#include "core/model/description.h"
#include "core/model/network.h"

/* A model to export; all borrowed. */
struct spira_exported_model {
    const struct spira_network *network;
    const struct spira_model_description *description; /* the one network was made from */
    const char *sha256;                                /* of model.safetensors, in hex */
    const char *version;                               /* of the program that exports */
};

struct spira_model_export_ops {
    const char *format; /* what people call it: "onnx" */
    /* Writes path whole or not at all; an older file is replaced. The same model gives the same
     * bytes. SPIRA_ETOOBIG: the format has no room for it. SPIRA_ENOMEMORY, SPIRA_EIO. */
    enum spira_code (*write)(void *self, const struct spira_exported_model *model, const char *path,
                             struct spira_error *err);
};

/* Stateless; any thread. */
struct spira_model_export {
    const struct spira_model_export_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code
spira_model_export_write(struct spira_model_export port, const struct spira_exported_model *model,
                         const char *path, struct spira_error *err)
{
    return port.ops->write(port.self, model, path, err);
}

#endif
