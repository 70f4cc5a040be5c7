/* The head of one member of a POSIX pax archive, put together from plain data. */
#ifndef WINNOW_TAR_H
#define WINNOW_TAR_H

#include "text.h"

enum { TAR_BLOCK = 512 };

struct tar_entry {
    const char *name; /* as it stands in the archive: no leading slash, directories with a trailing one */
    const char *link; /* target of a symbolic or hard link, else "" */
    char type; /* '0' file, '1' hard link, '2' symbolic link, '3' character, '4' block, '5' directory, '6' fifo */
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint64_t size; /* of the data that follows */
    int64_t seconds;
    uint32_t nanoseconds;
    uint32_t major;
    uint32_t minor;
};

/* Adds one pax record to `records`. */
void tar_record(struct text *records, const char *key, const void *value, size_t count);

/* Adds the head to `out`: the pax records (those of `records`, and those that the entry needs because ustar cannot hold
 * it), then the ustar block. The same entry gives the same bytes. */
void tar_head(struct text *out, const struct tar_entry *entry, struct text *records);

/* How many zero bytes follow `size` bytes of data. */
size_t tar_padding(uint64_t size);

#endif
