/* A growing hash table from 64-bit hashes to numbers. Hashes are taken as the identity of what they stand for. */
#ifndef WINNOW_TABLE_H
#define WINNOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash; /* 0: empty */
    uint32_t value;
};

struct table {
    struct table_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* The value of `hash`, or NULL. Valid until the next addition. */
uint32_t *table_find(const struct table *table, uint64_t hash);

/* Adds `hash`, which must not be there. Returns 0, or -1 with errno ENOMEM. */
int table_add(struct table *table, uint64_t hash, uint32_t value);

/* Whether `hash` was there already; it is afterwards. When memory is short the answer is no: a record is then written
 * twice, which is harmless, instead of not at all. */
bool table_seen(struct table *table, uint64_t hash);

void table_free(struct table *table);

#endif
