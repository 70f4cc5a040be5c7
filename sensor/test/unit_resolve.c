#include "resolve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit.h"

struct links {
    char text[1024];
};

static void note_link(void *context, const char *path, const char *target)
{
    struct links *links = context;
    size_t length = strlen(links->text);
    snprintf(links->text + length, sizeof links->text - length, " %s>%s", path, target);
}

/* Resolves and compares `result path links...`. */
static void check_path(struct unit *unit, const struct view *view, const char *base, const char *path, bool follow, const char *expected)
{
    struct resolved out;
    struct links links = { "" };
    char text[4096];
    if (resolve(view, base, path, follow, &out, note_link, &links))
        snprintf(text, sizeof text, "too long");
    else
        snprintf(text, sizeof text, "%s %.1000s%s", result_word(out.result), out.path, links.text);
    CHECK_TEXT(unit, text, expected);
}

static void make_tree(const char *dir)
{
    if (chdir(dir) || mkdir("usr", 0755) || mkdir("usr/lib", 0755) || mkdir("jail", 0755) || mkdir("jail/etc", 0755))
        return;
    close(open("usr/lib/file", O_CREAT | O_WRONLY, 0644));
    close(open("jail/etc/file", O_CREAT | O_WRONLY, 0644));
    (void) !symlink("usr/lib", "lib");
    (void) !symlink("/lib/file", "absolute");
    (void) !symlink("../usr/lib/missing", "usr/dangling");
    (void) !symlink("loop", "loop");
    (void) !symlink("/proc/self/mounts", "usr/mtab");
    (void) !symlink("/etc/file", "jail/link");
    (void) !symlink("../../../..", "jail/up");
}

static void check_container_root(struct unit *unit, const struct view *view)
{
    check_path(unit, view, "/", "/", true, "ok /");
    check_path(unit, view, "/", "/lib/file", true, "ok /usr/lib/file /lib>usr/lib");
    check_path(unit, view, "/", "//lib/./../lib//file", true, "ok /usr/lib/file /lib>usr/lib");
    check_path(unit, view, "/", "/absolute", true, "ok /usr/lib/file /absolute>/lib/file /lib>usr/lib");
    check_path(unit, view, "/", "/absolute", false, "ok /absolute");
    check_path(unit, view, "/", "/lib/", false, "ok /usr/lib /lib>usr/lib");
    check_path(unit, view, "/usr", "lib/file", true, "ok /usr/lib/file");
    check_path(unit, view, "/usr/lib", "../../../../usr", true, "ok /usr");
    check_path(unit, view, "/usr/lib", "", true, "ok /usr/lib");
    check_path(unit, view, "/", "/lib/none/of//it", true, "noent /usr/lib/none/of//it /lib>usr/lib");
    check_path(unit, view, "/", "/usr/dangling", true, "noent /usr/lib/missing /usr/dangling>../usr/lib/missing");
    check_path(unit, view, "/", "/usr/lib/file/below", true, "notdir /usr/lib/file/below");
    check_path(unit, view, "/", "/usr/lib/file/", true, "notdir /usr/lib/file/");
    check_path(unit, view, "/", "/usr/mtab", true, "virt /proc/self/mounts /usr/mtab>/proc/self/mounts");
    check_path(unit, view, "/", "/dev", true, "virt /dev");
    check_path(unit, view, "/", "/procfile", true, "noent /procfile");
    struct resolved out;
    struct links links = { "" };
    CHECK(unit, resolve(view, "/", "/loop", true, &out, note_link, &links) == 0 && out.result == RESULT_ERR);
    CHECK(unit, resolve(view, "/", "/", true, &out, note_link, &links) == 0 && S_ISDIR(out.mode));
    CHECK(unit, resolve(view, "/", "/lib", true, &out, note_link, &links) == 0 && S_ISDIR(out.mode));
    CHECK(unit, resolve(view, "/", "/lib", false, &out, note_link, &links) == 0 && S_ISLNK(out.mode));
    char path[PATH_MAX + 1];
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    check_path(unit, view, "/", path, true, "too long");
}

static void check_jail(struct unit *unit, const struct view *view)
{
    check_path(unit, view, "/jail", "/etc/file", true, "ok /jail/etc/file");
    check_path(unit, view, "/jail", "link", true, "ok /jail/etc/file /jail/link>/etc/file");
    check_path(unit, view, "/jail", "up/etc/file", true, "ok /jail/etc/file /jail/up>../../../..");
    check_path(unit, view, "/jail/etc", "../..", true, "ok /jail");
    check_path(unit, view, "/usr", "lib/file", true, "ok /usr/lib/file"); /* a descriptor from outside */
    check_path(unit, view, "/jail", "/proc/1", true, "virt /jail/proc/1");
}

void unit_resolve(struct unit *unit)
{
    char dir[] = "/tmp/winnow-unit-XXXXXX", command[64];
    CHECK(unit, mkdtemp(dir) != NULL);
    make_tree(dir);
    struct view view = { .rootfd = open(dir, O_PATH | O_DIRECTORY) };
    view.topfd = view.rootfd;
    check_container_root(unit, &view);
    struct view jail = { .rootfd = openat(view.rootfd, "jail", O_PATH | O_DIRECTORY), .topfd = view.rootfd, .root = "/jail" };
    check_jail(unit, &jail);
    close(jail.rootfd);
    close(view.rootfd);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK(unit, system(command) == 0);
}
