/* When secrets were used, out of state files that belong to whomever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/state_use.h"
#include "temp_dir.h"

static const char *const types[] = {"a", "b"};

/* The file under another name, as that of another user, cut to n bytes. */
static void copy(const char *from, const char *to, off_t n)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;

    assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
    assert_int_equal(sendfile(out, in, NULL, (size_t)st.st_size), st.st_size);
    if (n >= 0)
        assert_int_equal(ftruncate(out, n), 0);
    close(in);
    close(out);
}

static void the_latest_of_all_files_counts(void **unused)
{
    struct temp_dir dir = temp_dir_new();
    char own[TEMP_PATH_ROOM], name[96], path[TEMP_PATH_ROOM];
    struct state *s;
    struct state_use use;
    struct fail why = {""};
    unsigned long long layout = state_layout(types, 2);

    (void)unused;
    assert_int_equal(state_use_read(dir.path, types, 2, &use, &why), 0);
    assert_int_equal(use.files, 0);
    assert_int_equal(state_use_last(&use, 7), 0);
    state_use_free(&use);

    s = state_open(dir.path, types, 2, &why);
    assert_non_null(s);
    state_secret_used(s, 7, 1000);
    state_secret_used(s, 8, 500);
    temp_dir_only(&dir, own);
    (void)snprintf(name, sizeof name, "state-4242-%016llx", layout);
    temp_dir_path(&dir, name, path);
    copy(own, path, -1);
    state_secret_used(s, 8, 2000);
    /* Not ours: another layout, one that was cut, another name. */
    (void)snprintf(name, sizeof name, "state-4243-%016llx", layout + 1);
    temp_dir_path(&dir, name, path);
    copy(own, path, -1);
    (void)snprintf(name, sizeof name, "state-4244-%016llx", layout);
    temp_dir_path(&dir, name, path);
    copy(own, path, 100);
    temp_dir_path(&dir, "guichet.log", path);
    copy(own, path, -1);

    assert_int_equal(state_use_read(dir.path, types, 2, &use, &why), 0);
    assert_int_equal(use.files, 2);
    assert_true(use.created_us > 0);
    assert_int_equal(state_use_last(&use, 7), 1000);
    assert_int_equal(state_use_last(&use, 8), 2000);
    assert_int_equal(state_use_last(&use, 9), 0);
    state_use_free(&use);
    assert_int_equal(state_use_read(dir.path, types, 1, &use, &why), 0);
    assert_int_equal(use.files, 0);
    state_use_free(&use);
    state_close(s);
    temp_dir_remove(&dir);
}

static void what_cannot_be_read_is_said(void **unused)
{
    struct temp_dir dir = temp_dir_new();
    char name[96], path[TEMP_PATH_ROOM];
    struct state_use use;
    struct fail why = {""};

    (void)unused;
    assert_int_equal(state_use_read("/nonexistent/state", types, 2, &use, &why), 0);
    assert_int_equal(use.files, 0);
    state_use_free(&use);
    assert_int_equal(state_use_read("/dev/null", types, 2, &use, &why), -1);
    assert_non_null(strstr(why.text, "cannot open the state folder"));
    state_use_free(&use);
    (void)snprintf(name, sizeof name, "state-1-%016llx",
                   (unsigned long long)state_layout(types, 2));
    temp_dir_path(&dir, name, path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(state_use_read(dir.path, types, 2, &use, &why), -1);
    assert_non_null(strstr(why.text, "cannot read"));
    state_use_free(&use);
    temp_dir_remove(&dir);
}

static void one_caller_in_a_while_may_explain(void **unused)
{
    static struct state_provider p;

    (void)unused;
    assert_true(state_may_explain(&p, 1000, 100));
    assert_false(state_may_explain(&p, 1000, 100));
    assert_false(state_may_explain(&p, 1099, 100));
    assert_true(state_may_explain(&p, 1100, 100));
    /* A clock that was set back does not silence it for long. */
    assert_true(state_may_explain(&p, 500, 100));
    assert_false(state_may_explain(&p, 599, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_of_all_files_counts),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(one_caller_in_a_while_may_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
