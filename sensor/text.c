#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

char *text_room(struct text *text, size_t count)
{
    if (text->failed)
        return NULL;
    if (text->size - text->used < count) {
        size_t size = text->size < 128 ? 256 : text->size * 2;
        if (size - text->used < count)
            size = text->used + count;
        char *data = realloc(text->data, size);
        if (!data) {
            text->failed = true;
            return NULL;
        }
        text->data = data;
        text->size = size;
    }
    return text->data + text->used;
}

void text_add(struct text *text, const void *bytes, size_t count)
{
    char *to = text_room(text, count);
    if (!to || count == 0)
        return;
    memcpy(to, bytes, count);
    text->used += count;
}

void text_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t value, unsigned base)
{
    char buffer[64];
    size_t at = sizeof buffer;
    do {
        buffer[--at] = digits[value % base];
        value /= base;
    } while (value);
    text_add(text, buffer + at, sizeof buffer - at);
}

void text_signed(struct text *text, int64_t value)
{
    if (value < 0)
        text_add(text, "-", 1);
    text_number(text, value < 0 ? -(uint64_t) value : (uint64_t) value, 10);
}

void text_escaped(struct text *text, const char *bytes, size_t count, const char *also)
{
    char *to = text_room(text, count * 4);
    if (!to)
        return;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char) bytes[i];
        if (byte < 0x20 || byte == 0x7f || byte == '\\' || strchr(also, byte)) {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = digits[byte >> 4];
            *to++ = digits[byte & 15];
        } else {
            *to++ = (char) byte;
        }
    }
    text->used = (size_t) (to - text->data);
}

void text_hex(struct text *text, const void *bytes, size_t count)
{
    char *to = text_room(text, count * 2);
    if (!to)
        return;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = ((const unsigned char *) bytes)[i];
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    text->used += count * 2;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text) {0};
}
