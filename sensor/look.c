#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "loader.h"

enum { MAX_INTERPRETERS = 5 }; /* the kernel gives up a chain of `#!` files there, too */

static void write_link(void *context, const char *path, const char *target)
{
    record_link(context, path, target);
}

void look_failed(struct observer *observer, struct process *process)
{
    if (errno == ESRCH || errno == ENOENT) {
        observer->records->counters.vanished++; /* killed while it was stopped */
        return;
    }
    char exe[PATH_MAX];
    if (process_link(process->tid, "exe", exe, sizeof exe) < 0)
        snprintf(exe, sizeof exe, "executable %u", observer_exe(observer, process));
    observer->records->counters.unreadable++;
    record_warning(observer->records, "unreadable", exe);
}

/* The directory that a relative path starts from. Returns 0, -1 when there is none or it cannot be known. */
static int find_base(struct observer *observer, const struct look *look, char *base, size_t size)
{
    char name[32] = "cwd";
    if (look->dirfd != AT_FDCWD)
        snprintf(name, sizeof name, "fd/%d", look->dirfd);
    if (process_link(look->process->tid, name, base, size) < 0) {
        if (errno != ENOENT || look->dirfd == AT_FDCWD) /* ENOENT: no such descriptor, the call fails by itself */
            look_failed(observer, look->process);
        return -1;
    }
    return base[0] == '/' ? 0 : -1; /* a pipe, a socket, a memfd */
}

/* Opens the root directory of the process, where that may be another than the container's. Returns 0 with the descriptor in
 * `view->rootfd`, or -1 with errno set. */
static int open_view(const struct observer *observer, const struct process *process, struct view *view)
{
    char path[32];
    view->rootfd = view->topfd = observer->topfd;
    view->root[0] = '\0';
    if (!observer->rooted)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/root", process->tid);
    view->rootfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (view->rootfd < 0 && (errno == EACCES || errno == EPERM))
        view->rootfd = observer->topfd; /* a process of another user: most likely not in a chroot */
    else if (process_link(process->tid, "root", view->root, sizeof view->root) == 1)
        view->root[0] = '\0';
    return view->rootfd < 0 ? -1 : 0;
}

static void close_view(const struct view *view)
{
    if (view->rootfd != view->topfd)
        close(view->rootfd);
}

/* Follows the chain of interpreters of an executed file. */
static void look_at_interpreters(struct observer *observer, const struct look *look, const struct view *view, const char *base,
                                 const char *file)
{
    struct resolved at;
    char name[PATH_MAX];
    snprintf(at.path, sizeof at.path, "%s", file);
    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        cleanup_fd int fd = view_open(view, at.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        long length = fd < 0 ? -1 : loader_interpreter(fd, name, sizeof name);
        if (length < 0)
            record_warning(observer->records, "unreadable", at.path);
        if (length <= 0 || resolve(view, base, name, true, &at, write_link, observer->records))
            return;
        record_interpreter(observer->records, at.path);
        if (at.result != RESULT_OK)
            record_file(observer->records, 'x', observer_exe(observer, look->process), at.path, at.result);
        if (at.result != RESULT_OK || !S_ISREG(at.mode))
            return;
    }
}

static void write_found(struct observer *observer, const struct look *look, const struct view *view, const char *base,
                        const struct resolved *found)
{
    /* Opened without O_DIRECTORY, a directory is for reading its entries all the same; getdents is not stopped at. */
    char kind = look->kind == 'r' && S_ISDIR(found->mode) ? 'd' : look->kind;
    record_file(observer->records, kind, observer_exe(observer, look->process), found->path, found->result);
    look->process->blocks = S_ISFIFO(found->mode) || S_ISCHR(found->mode) || !strncmp(found->path, "/dev/", 5);
    if (kind == 'x' && found->result == RESULT_OK && S_ISREG(found->mode))
        look_at_interpreters(observer, look, view, base, found->path);
}

/* The first look. Returns 0, or -1 when nothing could be learnt. */
static int look_closely(struct observer *observer, const struct look *look, const char *base)
{
    struct view view;
    if (open_view(observer, look->process, &view)) {
        look_failed(observer, look->process);
        return -1;
    }
    struct resolved found;
    observer->records->counters.resolved++;
    int failed = resolve(&view, base, look->path, look->follow, &found, write_link, observer->records);
    if (failed)
        record_warning(observer->records, "resolve", look->path);
    else
        write_found(observer, look, &view, base, &found);
    close_view(&view);
    return failed;
}

void look_at(struct observer *observer, const struct look *look)
{
    char base[PATH_MAX], root[PATH_MAX], text[3 * PATH_MAX];
    memcpy(base, "/", 2); /* not as initialisers, which would fill whole pages with zeros in every call */
    memcpy(root, "/", 2);
    if (look->path[0] != '/' && find_base(observer, look, base, sizeof base))
        return;
    if (observer->rooted)
        (void) process_link(look->process->tid, "root", root, sizeof root);
    /* NUL stands between the parts: no two of them run together. */
    int size = snprintf(text, sizeof text, "%s%c%s%c%s", root, 0, base, 0, look->path);
    uint64_t use = (uint64_t) (unsigned char) look->kind | (uint64_t) look->follow << 8 | (uint64_t) look->process->exe << 16;
    uint64_t key = records_key(observer->records, use, text, (size_t) size);
    if (records_known(observer->records, key))
        return;
    if (!look_closely(observer, look, base) && !look->process->blocks)
        records_note(observer->records, key);
}
