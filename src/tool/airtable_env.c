/* The variables of these verbs from a file, in the form that systemd's EnvironmentFile has, so that the unit's
 * own file serves by hand, too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/value.h"
#include "tool/airtable.h"

/* Takes the value out of the quotes around it, if there are any. */
static struct slice unquoted(struct slice s)
{
    bool quoted = s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0];

    return quoted ? (struct slice){s.p + 1, s.n - 2} : s;
}

/* NAME=value, empty, or a comment. */
static bool take_line(struct slice line)
{
    const char *equals;
    struct slice name, value;
    char *variable, *content;
    bool taken;

    line = text_trim(line);
    if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
        return true;
    equals = memchr(line.p, '=', line.n);
    name = (struct slice){line.p, equals != NULL ? (size_t)(equals - line.p) : 0};
    if (equals == NULL || !value_is_variable(name))
        return false;
    value = unquoted(slice_from(line, name.n + 1));
    variable = strndup(name.p, name.n);
    content = strndup(value.n > 0 ? value.p : "", value.n);
    taken = variable != NULL && content != NULL && setenv(variable, content, 1) == 0;
    if (content != NULL)
        explicit_bzero(content, value.n);
    free(content);
    free(variable);
    return taken;
}

enum verdict airtable_read_variables(struct call *c)
{
    const char *path = call_option(c, "env-file");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    enum verdict v = VERDICT_USAGE;
    struct stat st;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (path == NULL)
        return VERDICT_DONE;
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        (void)call_end(c, v, "cannot open %s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & 07) != 0) {
        (void)call_end(c, v,
                       "%s holds a token, but others may read it, or it is no file; chmod 640 %s",
                       path, path);
        goto done;
    }
    v = VERDICT_DONE;
    for (int number = 1; v == VERDICT_DONE && (n = getline(&line, &room, file)) >= 0; number++)
        if (!take_line(
                (struct slice){line, n > 0 && line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n}))
            v = call_end(c, VERDICT_USAGE, "%s:%d: a line must be NAME=value", path, number);

done:
    if (line != NULL)
        explicit_bzero(line, room);
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return v;
}
