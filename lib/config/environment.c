#include "config/environment.h"

#include <stddef.h>
#include <string.h>

const char *environment_value(char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (strncmp(environment[i], name, n) == 0 && environment[i][n] == '=')
            return environment[i] + n + 1;
    return NULL;
}
