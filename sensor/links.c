#include "links.h"

#include <stdlib.h>

/* The place of the key, or the free place where it belongs. The table has a power of two places and is never full. */
static struct link *find(const struct links *links, uint64_t device, uint64_t inode)
{
    uint64_t hash = (inode ^ device << 17) * 0x9e3779b97f4a7c15u;
    for (size_t i = (size_t) (hash >> 20);; i++) {
        struct link *place = &links->places[i & (links->size - 1)];
        if (!place->path || (place->device == device && place->inode == inode))
            return place;
    }
}

static int grow(struct links *links)
{
    struct links larger = {.size = links->size ? links->size * 2 : 64, .used = links->used};
    larger.places = calloc(larger.size, sizeof *larger.places);
    if (!larger.places)
        return -1;
    for (size_t i = 0; i < links->size; i++)
        if (links->places[i].path)
            *find(&larger, links->places[i].device, links->places[i].inode) = links->places[i];
    free(links->places);
    *links = larger;
    return 0;
}

const char *links_first(struct links *links, uint64_t device, uint64_t inode, const char *path)
{
    if (links->used * 2 >= links->size && grow(links) != 0)
        return NULL;
    struct link *place = find(links, device, inode);
    if (!place->path) {
        *place = (struct link) {device, inode, path};
        links->used++;
    }
    return place->path;
}

void links_free(struct links *links)
{
    free(links->places);
    *links = (struct links) {0};
}
