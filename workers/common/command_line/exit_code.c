#include "workers/common/command_line/exit_code.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "workers/common/command_line/stop_signal.h"

int spira_exit_code(enum spira_code code)
{
    switch (code) {
    case SPIRA_OK:
        return SPIRA_EXIT_SUCCESS;
    case SPIRA_ENOTFOUND:
        return SPIRA_EXIT_NOT_FOUND;
    case SPIRA_EREJECTED:
        return SPIRA_EXIT_REJECTED;
    case SPIRA_ECANCELED:
        return SPIRA_EXIT_CANCELED;
    case SPIRA_EUNREACHABLE:
    case SPIRA_ETIMEOUT:
        return SPIRA_EXIT_UNREACHABLE;
    case SPIRA_EINTERRUPTED:
        return SPIRA_EXIT_SIGNAL + (spira_stop_signal() ? spira_stop_signal() : SIGINT);
    default:
        return SPIRA_EXIT_FAILED;
    }
}

int spira_exit_code_of_usage(enum spira_code code)
{
    if (code == SPIRA_EINVALID || code == SPIRA_ETOOBIG || code == SPIRA_ETOOLONG ||
        code == SPIRA_EUNSUPPORTED)
        return SPIRA_EXIT_USAGE;
    return spira_exit_code(code);
}

int spira_report(const struct spira_error *err)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, err->message);
    return spira_exit_code(err->code);
}

int spira_report_usage(const struct spira_error *err)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, err->message);
    return spira_exit_code_of_usage(err->code);
}
