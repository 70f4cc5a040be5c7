#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* as the kernel's */

struct walk {
    const struct view *view;
    struct resolved *out;
    size_t length;           /* of out->path */
    char rest[2 * PATH_MAX]; /* what is still to be walked */
    char *next;              /* where in `rest` */
    int links;
    bool follow;
    link_fn *on_link;
    void *context;
};

const char *result_word(enum result result)
{
    static const char *const words[] = { "ok", "noent", "notdir", "err", "virt" };
    return words[result];
}

static bool is_below(const char *path, const char *dir)
{
    size_t length = strlen(dir);
    return !strncmp(path, dir, length) && (path[length] == '/' || path[length] == '\0');
}

/* The descriptor and relative name under which a canonical path is found. A directory descriptor that was passed into a
 * chroot from outside lies above its root; such paths are looked up from the container's root. */
static int locate(const struct view *view, const char *path, const char **name)
{
    bool inside = is_below(path, view->root);
    *name = inside ? path + strlen(view->root) : path;
    while (**name == '/')
        (*name)++;
    if (!**name)
        *name = ".";
    return inside ? view->rootfd : view->topfd;
}

int view_open(const struct view *view, const char *path, int flags)
{
    const char *name;
    int fd = locate(view, path, &name);
    return openat(fd, name, flags);
}

static bool has_dotdot(const char *path)
{
    for (; path && *path; path = strchr(path, '/')) {
        path += strspn(path, "/");
        if (!strncmp(path, "..", 2) && (path[2] == '/' || path[2] == '\0'))
            return true;
    }
    return false;
}

static bool is_virtual(const char *path)
{
    return !strcmp(path, "/proc") || !strcmp(path, "/sys") || !strcmp(path, "/dev");
}

static void set_path(struct walk *walk, const char *path)
{
    walk->length = strlen(path);
    memcpy(walk->out->path, path, walk->length + 1);
}

static void go_up(struct walk *walk)
{
    char *path = walk->out->path;
    if (!strcmp(path, walk->view->root))
        return; /* `..` of a root is that root */
    while (walk->length > 0 && path[--walk->length] != '/')
        ;
    path[walk->length] = '\0';
}

/* Ends the walk with what is left appended as it was given. */
static int end_walk(struct walk *walk, enum result result)
{
    size_t left = strlen(walk->next);
    if (walk->length + left + 1 > sizeof walk->out->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->out->path + walk->length, walk->next, left + 1);
    walk->next += left;
    walk->out->result = result;
    walk->out->mode = 0;
    return 0;
}

static enum result result_of(int error)
{
    return error == ENOENT ? RESULT_NOENT : error == ENOTDIR ? RESULT_NOTDIR : RESULT_ERR;
}

/* Replaces the link at the end of the path by its target. Returns 1 to go on, 0 when the walk ended here, -1 on failure. */
static int follow_link(struct walk *walk, int fd, const char *name, size_t parent)
{
    char target[PATH_MAX];
    ssize_t size = readlinkat(fd, name, target, sizeof target - 1);
    if (size <= 0 || ++walk->links > MAX_LINKS)
        return end_walk(walk, RESULT_ERR);
    target[size] = '\0';
    walk->on_link(walk->context, walk->out->path, target);
    char rest[2 * PATH_MAX];
    int length = snprintf(rest, sizeof rest, "%s%s", target, walk->next);
    if (length < 0 || (size_t) length >= sizeof rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->rest, rest, (size_t) length + 1);
    walk->next = walk->rest;
    walk->length = parent;
    walk->out->path[parent] = '\0';
    if (target[0] == '/')
        set_path(walk, walk->view->root);
    return 1;
}

/* Walks one component. Returns 1 to go on, 0 when the walk ended here, -1 on failure. */
static int step(struct walk *walk)
{
    char *start = walk->next;
    size_t size = strcspn(start, "/"), parent = walk->length;
    walk->next += size;
    if (size == 1 && start[0] == '.')
        return 1;
    if (size == 2 && !strncmp(start, "..", 2)) {
        go_up(walk);
        walk->out->mode = S_IFDIR;
        return 1;
    }
    if (parent + size + 2 > sizeof walk->out->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    walk->out->path[parent] = '/';
    memcpy(walk->out->path + parent + 1, start, size);
    walk->length = parent + 1 + size;
    walk->out->path[walk->length] = '\0';
    if ((is_virtual(walk->out->path) || is_virtual(walk->out->path + strlen(walk->view->root))) && !has_dotdot(walk->next))
        return end_walk(walk, RESULT_VIRT);

    const char *name;
    int fd = locate(walk->view, walk->out->path, &name);
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return end_walk(walk, result_of(errno));
    if (S_ISLNK(st.st_mode) && (*walk->next || walk->follow))
        return follow_link(walk, fd, name, parent);
    walk->out->mode = st.st_mode;
    if (*walk->next && !S_ISDIR(st.st_mode))
        return end_walk(walk, RESULT_NOTDIR);
    return 1;
}

/* Whether a path has components that walking it would drop. */
static bool has_idle_parts(const char *path)
{
    size_t size = strlen(path);
    bool ends = size >= 2 && !strcmp(path + size - 2, "/.");
    return ends || strstr(path, "//") || strstr(path, "/./") || path[0] == '.' || has_dotdot(path);
}

static bool starts_virtual(const char *path)
{
    return is_below(path, "/proc") || is_below(path, "/sys") || is_below(path, "/dev");
}

/* Most paths hold no symbolic link, and then one call of the kernel (Linux 5.6) finds what the walk would. Returns false when
 * only the walk can tell. */
static bool resolve_at_once(const struct view *view, const char *base, const char *path, bool follow, struct resolved *out)
{
    const char *above = path[0] == '/' || !strcmp(base, "/") ? "" : base;
    int length = snprintf(out->path, sizeof out->path, "%s%s%s", above, path[0] == '/' ? "" : "/", path);
    if (view->root[0] || length < 2 || out->path[length - 1] == '/' || has_idle_parts(path) || starts_virtual(out->path))
        return false;
    struct open_how how = { .flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW), .resolve = RESOLVE_NO_SYMLINKS };
    struct stat st = { .st_mode = 0 };
    int fd = (int) syscall(__NR_openat2, view->topfd, out->path + 1, &how, sizeof how);
    out->result = fd >= 0 ? RESULT_OK : result_of(errno);
    bool known = fd >= 0 ? !fstat(fd, &st) : out->result != RESULT_ERR;
    if (fd >= 0)
        close(fd);
    out->mode = st.st_mode;
    return known;
}

int resolve(const struct view *view, const char *base, const char *path, bool follow, struct resolved *out, link_fn *on_link,
            void *context)
{
    struct walk walk;
    size_t size = strlen(path);
    if (size >= PATH_MAX || strlen(base) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (resolve_at_once(view, base, path, follow, out))
        return 0;
    out->result = RESULT_OK;
    out->mode = 0;
    walk.view = view;
    walk.out = out;
    walk.links = 0;
    walk.follow = follow;
    walk.on_link = on_link;
    walk.context = context;
    memcpy(walk.rest, path, size + 1);
    walk.next = walk.rest;
    set_path(&walk, path[0] == '/' ? view->root : !strcmp(base, "/") ? "" : base);
    for (;;) {
        walk.next += strspn(walk.next, "/");
        if (!*walk.next)
            break;
        int more = step(&walk);
        if (more <= 0 || !*walk.next) {
            if (more < 0)
                return -1;
            break;
        }
    }
    if (!*out->path)
        memcpy(out->path, "/", 2);
    if (out->result == RESULT_OK && out->mode == 0) { /* no component: the base itself, which execveat allows to be a file */
        const char *name;
        struct stat st;
        int fd = locate(view, out->path, &name);
        out->mode = fstatat(fd, name, &st, 0) ? 0 : st.st_mode;
    }
    return 0;
}
