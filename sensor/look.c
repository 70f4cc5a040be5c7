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

/* Opens the root directory of the process. Returns 0 with the descriptor in `view->rootfd`, or -1 with errno set. */
static int open_view(const struct observer *observer, const struct process *process, struct view *view)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/root", process->tid);
    *view = (struct view) { .rootfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), .topfd = observer->topfd };
    if (view->rootfd < 0 && (errno == EACCES || errno == EPERM))
        view->rootfd = fcntl(observer->topfd, F_DUPFD_CLOEXEC, 3); /* a process of another user: most likely not in a chroot */
    else if (observer->rooted && process_link(process->tid, "root", view->root, sizeof view->root) == 1)
        view->root[0] = '\0';
    return view->rootfd < 0 ? -1 : 0;
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

/* The first look. Returns 0, or -1 when nothing could be learnt. */
static int look_closely(struct observer *observer, const struct look *look, const char *base)
{
    struct view view;
    if (open_view(observer, look->process, &view)) {
        look_failed(observer, look->process);
        return -1;
    }
    cleanup_fd int rootfd = view.rootfd;
    struct resolved found;
    observer->records->counters.resolved++;
    if (resolve(&view, base, look->path, look->follow, &found, write_link, observer->records)) {
        record_warning(observer->records, "resolve", look->path);
        return -1;
    }
    /* Opened without O_DIRECTORY, a directory is for reading its entries all the same; getdents is not stopped at. */
    char kind = look->kind == 'r' && S_ISDIR(found.mode) ? 'd' : look->kind;
    record_file(observer->records, kind, observer_exe(observer, look->process), found.path, found.result);
    look->process->blocks = S_ISFIFO(found.mode) || S_ISCHR(found.mode) || !strncmp(found.path, "/dev/", 5);
    if (kind == 'x' && found.result == RESULT_OK && S_ISREG(found.mode))
        look_at_interpreters(observer, look, &view, base, found.path);
    (void) rootfd;
    return 0;
}

void look_at(struct observer *observer, const struct look *look)
{
    char base[PATH_MAX] = "/", text[3 * PATH_MAX];
    if (look->path[0] != '/' && find_base(observer, look, base, sizeof base))
        return;
    char root[PATH_MAX] = "/";
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
