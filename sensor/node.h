/* What the kernel tells about one entry of the rootfs: its attributes, its extended attributes and a way to read it. */
#ifndef WINNOW_NODE_H
#define WINNOW_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct node {
    uint32_t mode; /* with the type bits */
    uint32_t uid;
    uint32_t gid;
    uint64_t size;
    int64_t seconds;
    uint32_t nanoseconds;
    uint64_t device;
    uint64_t inode;
    uint32_t links;
    uint32_t rdev_major;
    uint32_t rdev_minor;
    uint64_t mount; /* mount id, or 0 where the kernel (before 5.8) does not tell */
};

/* Never follows a last symbolic link. Returns 0, or -1 with errno set. */
int node_read(const char *path, struct node *node);

/* One of "fdlcbps", or '?' */
char node_type(const struct node *node);

/* Opens a regular file for reading and fills *node; touches no access time where that is allowed. Opens nothing else,
 * because opening a fifo blocks and opening a device acts. Returns the fd, or -1 with errno: EISDIR for a directory,
 * ELOOP for a symbolic link, EINVAL for another type. */
int node_open(const char *path, struct node *node);

/* read() that is not stopped by a signal. */
ssize_t node_get(int fd, void *to, size_t count);

enum { XATTRS_MAX = 128 };

/* The extended attributes of one entry at a time; the buffers are used again for the next. */
struct xattrs {
    char *names;
    char *value;
    size_t count;
    const char *name[XATTRS_MAX];
};

int xattrs_init(struct xattrs *xattrs);
void xattrs_free(struct xattrs *xattrs);

/* Lists the names in byte order into `name` and `count`. Left out, because they belong to the host and not to the
 * image: those of overlayfs itself, and the SELinux label that the engine gives to a container's files. */
int xattrs_list(struct xattrs *xattrs, const char *path);

/* Reads one value into `value`. Returns its length, or -1 with errno set. */
ssize_t xattrs_value(struct xattrs *xattrs, const char *path, const char *name);

#endif
