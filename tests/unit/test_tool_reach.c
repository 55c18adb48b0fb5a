/* What another user may do with a path, by owners and modes alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/reach.h"

static char top[64], folder[96], file[128];

static int set_up(void **state)
{
    int fd;

    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/guichet-reach.XXXXXX");
    if (mkdtemp(top) == NULL)
        return -1;
    (void)snprintf(folder, sizeof folder, "%s/folder", top);
    (void)snprintf(file, sizeof file, "%s/file", folder);
    if (chmod(top, 0755) != 0 || mkdir(folder, 0755) != 0)
        return -1;
    fd = open(file, O_CREAT | O_WRONLY, 0644);
    return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(file) | rmdir(folder) | rmdir(top);
}

/* Modes of the folder and the file, who asks, for what, and the answer. The file is ours. */
static const struct row {
    mode_t folder, file;
    enum { OWNER, GROUP, OTHER, ROOT } who;
    int want;
    bool may;
    const char *what;
} rows[] = {
    {0755, 0600, OWNER, REACH_READ, true, "the owner reads"},
    {0755, 0200, OWNER, REACH_READ, false, "not without the owner's bit"},
    {0755, 0066, OWNER, REACH_READ, false, "the bits of others do not help the owner"},
    {0755, 0640, GROUP, REACH_READ, true, "the group reads"},
    {0755, 0604, GROUP, REACH_READ, false, "the bits of others do not help the group"},
    {0755, 0660, GROUP, REACH_WRITE, true, "the group writes"},
    {0755, 0640, GROUP, REACH_WRITE, false, "reading is not writing"},
    {0755, 0644, OTHER, REACH_READ, true, "others read"},
    {0755, 0660, OTHER, REACH_WRITE, false, "others do not write"},
    {0700, 0666, OTHER, REACH_WRITE, false, "a folder in the way"},
    {0711, 0666, OTHER, REACH_WRITE, true, "one that lets through"},
    {0744, 0666, OTHER, REACH_READ, false, "reading a folder is not passing through it"},
    {0700, 0600, ROOT, REACH_WRITE, true, "root may all"},
};

static struct reach_user user_of(int who)
{
    uid_t other = geteuid() + 1;
    gid_t stranger = getegid() + 1;
    struct reach_user u = {.name = "x", .uid = other, .group = {stranger}, .ngroups = 1};

    if (who == OWNER)
        u.uid = geteuid();
    else if (who == GROUP)
        u.group[u.ngroups++] = getegid();
    else if (who == ROOT)
        u.uid = 0;
    return u;
}

static void test_modes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        struct reach_user u = user_of(r->who);
        struct fail why = {""};
        /* Root as the owner may all. */
        bool may = r->may || u.uid == 0;
        assert_int_equal(chmod(folder, r->folder), 0);
        assert_int_equal(chmod(file, r->file), 0);
        if (reach_path(&u, file, r->want, &why) != may)
            fail_msg("%s: %s", r->what, why.text);
        assert_true(may == (why.text[0] == '\0'));
    }
    assert_int_equal(chmod(folder, 0755), 0);
}

static void test_says_what_is_in_the_way(void **state)
{
    struct reach_user u = user_of(OTHER);
    struct fail why = {""};

    (void)state;
    assert_int_equal(chmod(folder, 0700), 0);
    assert_false(reach_path(&u, file, REACH_READ, &why));
    assert_non_null(strstr(why.text, "pass through"));
    assert_non_null(strstr(why.text, folder));
    assert_null(strstr(why.text, file));
    assert_int_equal(chmod(folder, 0755), 0);
}

static void test_what_is_no_path(void **state)
{
    struct reach_user u = user_of(OWNER);
    char longest[PATH_MAX + 2];
    struct fail why = {""};

    (void)state;
    assert_false(reach_path(&u, "", REACH_READ, &why));
    assert_false(reach_path(&u, "relative", REACH_READ, &why));
    assert_false(reach_path(&u, "/nonexistent/x", REACH_READ, &why));
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_false(reach_path(&u, longest, REACH_READ, &why));
}

static void test_users(void **state)
{
    struct reach_user u;

    (void)state;
    assert_true(reach_find("root", &u));
    assert_int_equal(u.uid, 0);
    assert_true(reach_find("54321", &u));
    assert_int_equal(u.uid, 54321);
    assert_int_equal(u.ngroups, 0);
    assert_false(reach_find("no-such-user-here", &u));
    assert_false(reach_find("", &u));
    assert_false(reach_find("-1", &u));
    assert_false(reach_find("4294967296", &u));
    reach_self(&u);
    assert_int_equal(u.uid, geteuid());
    assert_true(u.ngroups > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_says_what_is_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_path, set_up, tear_down),
        cmocka_unit_test(test_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
