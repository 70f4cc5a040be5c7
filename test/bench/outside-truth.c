/* Records which files of one container's rootfs are opened and executed, from outside: nothing of it runs in the container.
 *
 *   outside-truth MERGED
 *
 * MERGED is where the engine is going to mount the container's overlay. Waits for the mount and marks its file system, so
 * that every mount of it in any namespace counts. Standard output has one record for each event, `KIND PATH` and a NUL:
 * `x` opened to be executed, `o` opened otherwise, with the path inside the container. The first record is `r` alone, when
 * the mark is set. Ends with 0 when standard input does and every event before that is written.
 *
 * FAN_ACCESS is not asked for: nothing is read or mapped that was not opened, and a mapping gives no event at all. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory is a mount point when it is on another device than its parent. */
static int is_mounted(const char *path)
{
    char parent[PATH_MAX];
    struct stat at, above;
    if (snprintf(parent, sizeof parent, "%s/..", path) >= (int) sizeof parent)
        return 0;
    return stat(path, &at) == 0 && stat(parent, &above) == 0 && at.st_dev != above.st_dev;
}

/* Wait until `path` is mounted; the mount table polls as POLLPRI when it changes. Returns -1 with errno set, ECANCELED when
 * standard input ended first. */
static int await_mount(const char *path)
{
    int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (table < 0)
        return -1;
    int done = 0;
    while (!done && !is_mounted(path)) {
        struct pollfd fds[] = {{.fd = table, .events = POLLPRI}, {.fd = STDIN_FILENO, .events = POLLIN}};
        /* the limit is for a change between the look and the wait */
        if (poll(fds, 2, 20) < 0 && errno != EINTR)
            done = errno;
        else if (fds[1].revents)
            done = ECANCELED;
    }
    close(table);
    errno = done;
    return done ? -1 : 0;
}

/* The container's own mount has no way up to our root, so its paths begin at the root of the container. A path through
 * `merged` is the engine's: it prepares the rootfs from outside. Returns -1 with errno set for a file without a path. */
static int record(const struct fanotify_event_metadata *event, const char *merged)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", event->fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return -1;
    path[length] = '\0';
    if (strncmp(path, merged, strlen(merged)) != 0)
        printf("%c %s%c", event->mask & FAN_OPEN_EXEC ? 'x' : 'o', path, '\0');
    return 0;
}

/* Write all events that are waiting. Returns how many, or -1 with errno set. */
static int drain(int group, const char *merged)
{
    _Alignas(struct fanotify_event_metadata) char buffer[1 << 16];
    ssize_t got = read(group, buffer, sizeof buffer);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    int count = 0;
    const struct fanotify_event_metadata *event = (const void *) buffer;
    for (; FAN_EVENT_OK(event, got); event = FAN_EVENT_NEXT(event, got), count++) {
        if (event->mask & FAN_Q_OVERFLOW) {
            errno = EOVERFLOW;
            return -1;
        }
        if (event->fd < 0) {
            errno = EBADF;
            return -1;
        }
        int recorded = record(event, merged);
        close(event->fd);
        if (recorded < 0)
            return -1;
    }
    return count;
}

static int follow(int group, const char *merged)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = group, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return -1;
        int count = drain(group, merged);
        if (count < 0 || fflush(stdout) != 0)
            return -1;
        if (count == 0 && fds[1].revents)
            return 0;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: outside-truth MERGED\n");
        return 2;
    }
    /* An opened FIFO must not block us, nor the look at a file change its access time. */
    int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
                              O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
    if (group < 0 || await_mount(argv[1]) < 0 ||
        fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_OPEN_EXEC, AT_FDCWD, argv[1]) < 0) {
        perror("outside-truth");
        return 1;
    }
    printf("r%c", '\0');
    fflush(stdout);
    if (follow(group, argv[1]) < 0) {
        perror("outside-truth");
        return 1;
    }
    return 0;
}
