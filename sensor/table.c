#include "table.h"

#include <errno.h>
#include <stdlib.h>

/* 4 Mi slots of 16 bytes: the sensor lives in the memory limit of someone else's container. */
enum { FIRST_CAPACITY = 4096, LAST_CAPACITY = 1 << 22 };

static uint64_t identity(uint64_t hash)
{
    return hash ? hash : 1;
}

static struct table_slot *slot_of(const struct table *table, uint64_t hash)
{
    size_t at = hash & (table->capacity - 1);
    while (table->slots[at].hash && table->slots[at].hash != hash)
        at = (at + 1) & (table->capacity - 1);
    return &table->slots[at];
}

static int grow(struct table *table)
{
    struct table bigger = { .capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY, .count = table->count };
    if (bigger.capacity > LAST_CAPACITY) {
        errno = ENOMEM;
        return -1;
    }
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return -1;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].hash)
            *slot_of(&bigger, table->slots[i].hash) = table->slots[i];
    free(table->slots);
    *table = bigger;
    return 0;
}

uint32_t *table_find(const struct table *table, uint64_t hash)
{
    if (table->capacity == 0)
        return NULL;
    struct table_slot *slot = slot_of(table, identity(hash));
    return slot->hash ? &slot->value : NULL;
}

int table_add(struct table *table, uint64_t hash, uint32_t value)
{
    if (table->count * 2 >= table->capacity && grow(table))
        return -1;
    *slot_of(table, identity(hash)) = (struct table_slot) { .hash = identity(hash), .value = value };
    table->count++;
    return 0;
}

bool table_seen(struct table *table, uint64_t hash)
{
    if (table_find(table, hash))
        return true;
    (void) table_add(table, hash, 0);
    return false;
}

void table_free(struct table *table)
{
    free(table->slots);
    *table = (struct table) { 0 };
}
