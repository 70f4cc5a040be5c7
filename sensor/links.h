/* Remembers the first packed name of every file that has more than one. */
#ifndef WINNOW_LINKS_H
#define WINNOW_LINKS_H

#include <stddef.h>
#include <stdint.h>

struct link {
    uint64_t device;
    uint64_t inode;
    const char *path; /* NULL: a free place */
};

/* Start it zeroed. */
struct links {
    struct link *places;
    size_t size;
    size_t used;
};

/* Returns the path that came first with this device and inode, which is `path` itself when it is new and is then
 * kept (not copied). NULL when memory ran out. */
const char *links_first(struct links *links, uint64_t device, uint64_t inode, const char *path);
void links_free(struct links *links);

#endif
