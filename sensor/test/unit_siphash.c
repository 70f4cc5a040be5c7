#include "siphash.h"
#include "table.h"
#include "test/unit.h"

static uint64_t code_of(size_t size, size_t step)
{
    uint8_t key[SIPHASH_KEY_SIZE], message[64];
    struct siphash state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t) i;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t) i;
    siphash_init(&state, key);
    for (size_t at = 0; at < size; at += step)
        siphash_update(&state, message + at, step < size - at ? step : size - at);
    return siphash_final(state);
}

void unit_siphash(struct unit *unit)
{
    /* the reference implementation's vectors */
    CHECK(unit, code_of(0, 1) == 0x726fdb47dd0e0e31ull);
    CHECK(unit, code_of(1, 1) == 0x74f839c593dc67fdull);
    CHECK(unit, code_of(8, 8) == 0x93f5f5799a932462ull);
    CHECK(unit, code_of(15, 15) == 0xa129ca6149be45e5ull);
    CHECK(unit, code_of(63, 63) == 0x958a324ceb064572ull);
    for (size_t step = 1; step < 20; step++)
        CHECK(unit, code_of(63, step) == 0x958a324ceb064572ull);

    struct table table = { 0 };
    CHECK(unit, table_find(&table, 7) == NULL);
    for (uint64_t i = 0; i < 20000; i++)
        CHECK(unit, table_seen(&table, i << 32) == false);
    CHECK(unit, table_seen(&table, 5ull << 32) && table_seen(&table, 0) && !table_seen(&table, 20000ull << 32));
    CHECK(unit, table.count == 20001);
    table_free(&table);
}
