#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/unit.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "app:x:1000:1001::/home/app:/bin/sh\n"
                             "app:x:2000:2000::/second:\n"
                             "4711:x:5000:5000::/odd:\n"
                             "short:x:7\n";
static const char group[] = "root:x:0:\nwheel:x:10:root,app\napp:x:1001:\naudio:x:29:other,app\nnear:x:30:application\n";

static char dir[] = "/tmp/winnow-unit-XXXXXX", passwd_path[64], group_path[64];

static void write_file(char *path, const char *name, const char *text)
{
    snprintf(path, 64, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fputs(text, file);
    fclose(file);
}

static void check_user(struct unit *unit, const char *spec, const char *expected)
{
    struct user user;
    char text[256];
    if (user_resolve(&user, spec, passwd_path, group_path)) {
        snprintf(text, sizeof text, "%s", errno == ENOENT ? "ENOENT" : errno == ERANGE ? "ERANGE" : "?");
    } else {
        int length = snprintf(text, sizeof text, "%u:%u %s", user.uid, user.gid, user.home);
        for (size_t i = 0; i < user.group_count; i++)
            length += snprintf(text + length, sizeof text - (size_t) length, " %u", user.groups[i]);
    }
    CHECK_TEXT(unit, text, expected);
}

static void check_groups(struct unit *unit)
{
    struct user user;
    gid_t out[8];
    const gid_t modern[] = { 0, 77 }, older[] = { 77 };
    CHECK(unit, user_resolve(&user, "app", passwd_path, group_path) == 0);
    CHECK(unit, user_groups(&user, modern, 2, out, 8) == 4 && out[0] == 1001 && out[1] == 10 && out[2] == 29 && out[3] == 77);
    CHECK(unit, user_groups(&user, older, 1, out, 8) == 3 && out[0] == 10 && out[1] == 29 && out[2] == 77);
    CHECK(unit, user_groups(&user, modern, 2, out, 2) == 2);
}

void unit_user(struct unit *unit)
{
    CHECK(unit, mkdtemp(dir) != NULL);
    write_file(passwd_path, "passwd", passwd);
    write_file(group_path, "group", group);
    check_user(unit, "", "0:0 /root 10");
    check_user(unit, "root", "0:0 /root 10");
    check_user(unit, "app", "1000:1001 /home/app 10 29");
    check_user(unit, "1000", "1000:1001 /home/app 10 29");
    check_user(unit, "app:audio", "1000:29 /home/app");
    check_user(unit, "app:29", "1000:29 /home/app");
    check_user(unit, "app:4242", "1000:4242 /home/app");
    check_user(unit, ":audio", "0:29 /root");
    check_user(unit, "4711", "4711:0 /"); /* what reads as a number is one, whatever a name says */
    check_user(unit, "99:98", "99:98 /");
    check_user(unit, "7", "7:0 /");
    check_user(unit, "nobody", "ENOENT");
    check_user(unit, "app:nogroup", "ENOENT");
    check_user(unit, "-1", "ERANGE");
    check_user(unit, "2147483648", "ERANGE");
    check_user(unit, "0:2147483648", "ERANGE");
    check_groups(unit);
    unlink(passwd_path);
    unlink(group_path);
    check_user(unit, "", "0:0 /");
    check_user(unit, "1000", "1000:0 /");
    check_user(unit, "app", "ENOENT");
    rmdir(dir);
}
