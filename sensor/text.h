/* A growing run of bytes: records, lists and end payloads are put together in one. */
#ifndef WINNOW_TEXT_H
#define WINNOW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start it zeroed. `failed` sticks once memory ran out; whoever sends the text looks at it once. */
struct text {
    char *data;
    size_t used;
    size_t size;
    bool failed;
};

/* Makes room for `count` more bytes and returns where they go, or NULL (and `failed`). Does not count them as used. */
char *text_room(struct text *text, size_t count);

void text_add(struct text *text, const void *bytes, size_t count);
void text_string(struct text *text, const char *string);
void text_number(struct text *text, uint64_t value, unsigned base);
void text_signed(struct text *text, int64_t value);

/* Adds bytes in the escaping of the protocol; the bytes of `also` are escaped as well. */
void text_escaped(struct text *text, const char *bytes, size_t count, const char *also);

void text_hex(struct text *text, const void *bytes, size_t count);
void text_free(struct text *text);

#define cleanup_text __attribute__((cleanup(text_free)))

#endif
