/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit code, here both the code of the event file and the hash of
 * everything that is looked up by text, so that no image can construct collisions. */
#ifndef WINNOW_SIPHASH_H
#define WINNOW_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_SIZE = 16 };

struct siphash {
    uint64_t v[4];
    uint64_t tail;   /* the bytes that do not fill a word yet, the first in the lowest byte */
    uint64_t length; /* of everything, in bytes */
};

void siphash_init(struct siphash *state, const uint8_t key[SIPHASH_KEY_SIZE]);
void siphash_update(struct siphash *state, const void *data, size_t size);

/* The code of everything so far. The state is passed by value: one can go on adding to it afterwards. */
uint64_t siphash_final(struct siphash state);

#endif
