#include "workers/common/step/scratch.h"

#include <errno.h>

#include "core/base/file.h"

void spira_scratch_at(const char *top, struct spira_scratch *ret_scratch)
{
    ret_scratch->top = spira_copy_text(top);
    ret_scratch->inputs = spira_format("%s/in", top);
    ret_scratch->outputs = spira_format("%s/out", top);
}

void spira_scratch_forget(struct spira_scratch *scratch)
{
    free(scratch->top);
    free(scratch->inputs);
    free(scratch->outputs);
    *scratch = (struct spira_scratch){0};
}

enum spira_code spira_scratch_make(const struct spira_worker *worker, const char *name,
                                   struct spira_scratch *ret_scratch, struct spira_error *err)
{
    enum spira_code code = spira_folder_make(worker->scratch, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *top = spira_format("%s/%s-XXXXXX", worker->scratch, name);
    if (!mkdtemp(top))
        return spira_fail_errno(err, errno, "%s", top);
    spira_scratch_at(top, ret_scratch);
    code = spira_folder_make(ret_scratch->inputs, err);
    return code == SPIRA_OK ? spira_folder_make(ret_scratch->outputs, err) : code;
}

void spira_scratch_done(struct spira_scratch *scratch)
{
    struct spira_error unremoved;
    if (scratch->top)
        (void)!spira_tree_remove(scratch->top, &unremoved);
    spira_scratch_forget(scratch);
}
