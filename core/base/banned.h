/* Force-included before every source of ours: these functions do not compile. */
#ifndef SPIRA_CORE_BASE_BANNED_H
#define SPIRA_CORE_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison sprintf vsprintf strcpy strcat strncpy strncat strtok atoi atol atof gets rand  \
    srand
#pragma GCC poison localtime gmtime asctime ctime

#endif
