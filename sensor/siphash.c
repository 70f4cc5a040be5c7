#include "siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static void rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void compress(struct siphash *state, uint64_t word)
{
    state->v[3] ^= word;
    rounds(state->v, 2);
    state->v[0] ^= word;
}

void siphash_init(struct siphash *state, const uint8_t key[SIPHASH_KEY_SIZE])
{
    uint64_t k0 = load_word(key), k1 = load_word(key + 8);
    *state = (struct siphash) {
        .v = { k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull, k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull },
    };
}

void siphash_update(struct siphash *state, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (; size > 0 && state->length % 8 != 0; size--) {
        state->tail |= (uint64_t) *bytes++ << (state->length++ % 8 * 8);
        if (state->length % 8 == 0) {
            compress(state, state->tail);
            state->tail = 0;
        }
    }
    for (; size >= 8; size -= 8, bytes += 8, state->length += 8)
        compress(state, load_word(bytes));
    for (; size > 0; size--)
        state->tail |= (uint64_t) *bytes++ << (state->length++ % 8 * 8);
}

uint64_t siphash_final(struct siphash state)
{
    compress(&state, state.tail | state.length << 56);
    state.v[2] ^= 0xff;
    rounds(state.v, 4);
    return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
}
