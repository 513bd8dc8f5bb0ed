/* Runs a fuzz target over the files of a folder, where there is no libFuzzer. */
#include <glob.h>

#include "core/base/file.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_FILE = 1 << 20 };

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *pattern = spira_format("%s/*", argv[1]);
    glob_t files = {0};
    if (glob(pattern, 0, NULL, &files) != 0) {
        fprintf(stderr, "%s: no files\n", argv[1]);
        return 1;
    }
    struct spira_error err;
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < files.gl_pathc; i++) {
        SPIRA_CLEANUP(spira_bytes_done)
        struct spira_bytes bytes = {0};
        code = spira_file_read(files.gl_pathv[i], MAX_FILE, &bytes, &err);
        if (code == SPIRA_OK)
            LLVMFuzzerTestOneInput(bytes.data, bytes.size);
        else
            fprintf(stderr, "%s\n", err.message);
    }
    printf("%zu files\n", files.gl_pathc);
    globfree(&files);
    return code == SPIRA_OK ? 0 : 1;
}
