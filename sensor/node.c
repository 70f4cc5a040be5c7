#define _GNU_SOURCE
#include "node.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { XATTR_BYTES = 65536 }; /* the kernel's limit for a list of names and for one value */

static int describe(int dir, const char *path, int flags, struct node *node)
{
    struct statx x;
    unsigned mask = STATX_BASIC_STATS | STATX_MNT_ID;
    if (syscall(SYS_statx, dir, path, flags | AT_NO_AUTOMOUNT, mask, &x) != 0)
        return -1;
    *node = (struct node) {
        .mode = x.stx_mode,
        .uid = x.stx_uid,
        .gid = x.stx_gid,
        .size = x.stx_size,
        .seconds = x.stx_mtime.tv_sec,
        .nanoseconds = x.stx_mtime.tv_nsec,
        .device = (uint64_t) x.stx_dev_major << 32 | x.stx_dev_minor,
        .inode = x.stx_ino,
        .links = x.stx_nlink,
        .rdev_major = x.stx_rdev_major,
        .rdev_minor = x.stx_rdev_minor,
        .mount = x.stx_mask & STATX_MNT_ID ? x.stx_mnt_id : 0,
    };
    return 0;
}

int node_read(const char *path, struct node *node)
{
    return describe(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, node);
}

char node_type(const struct node *node)
{
    switch (node->mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFCHR: return 'c';
    case S_IFBLK: return 'b';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    default: return '?';
    }
}

/* Sets errno for a node that is no regular file. */
static int must_be_file(const struct node *node)
{
    if (S_ISREG(node->mode))
        return 0;
    errno = S_ISDIR(node->mode) ? EISDIR : S_ISLNK(node->mode) ? ELOOP : EINVAL;
    return -1;
}

int node_open(const char *path, struct node *node)
{
    if (node_read(path, node) != 0 || must_be_file(node) != 0)
        return -1;
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    cleanup_fd int fd = open(path, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd = open(path, flags);
    if (fd < 0)
        return -1;
    if (describe(fd, "", AT_EMPTY_PATH, node) != 0 || must_be_file(node) != 0)
        return -1;
    int opened = fd;
    fd = -1;
    return opened;
}

ssize_t node_get(int fd, void *to, size_t count)
{
    ssize_t got;
    do
        got = read(fd, to, count);
    while (got < 0 && errno == EINTR);
    return got;
}

int xattrs_init(struct xattrs *xattrs)
{
    *xattrs = (struct xattrs) {.names = malloc(XATTR_BYTES), .value = malloc(XATTR_BYTES)};
    return xattrs->names && xattrs->value ? 0 : -1;
}

void xattrs_free(struct xattrs *xattrs)
{
    free(xattrs->names);
    free(xattrs->value);
    *xattrs = (struct xattrs) {0};
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *) left, *(const char *const *) right);
}

static int is_of_host(const char *name)
{
    return strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0 ||
           strcmp(name, "security.selinux") == 0;
}

int xattrs_list(struct xattrs *xattrs, const char *path)
{
    xattrs->count = 0;
    ssize_t length = llistxattr(path, xattrs->names, XATTR_BYTES);
    if (length < 0)
        return errno == ENOTSUP ? 0 : -1;
    for (const char *name = xattrs->names; name < xattrs->names + length; name += strlen(name) + 1) {
        if (is_of_host(name))
            continue;
        if (xattrs->count == XATTRS_MAX) {
            errno = E2BIG;
            return -1;
        }
        xattrs->name[xattrs->count++] = name;
    }
    qsort(xattrs->name, xattrs->count, sizeof *xattrs->name, by_name);
    return 0;
}

ssize_t xattrs_value(struct xattrs *xattrs, const char *path, const char *name)
{
    return lgetxattr(path, name, xattrs->value, XATTR_BYTES);
}
