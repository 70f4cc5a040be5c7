#include "tar.h"

#include <stdbool.h>
#include <string.h>

struct ustar {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char rest[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a ustar head is one block");

/* Returns whether the value fits; else the field holds zeros and a pax record has to say it. */
static bool put_octal(char *field, size_t size, uint64_t value)
{
    bool fits = value >> (3 * (size - 1)) == 0;
    if (!fits)
        value = 0;
    field[size - 1] = '\0';
    for (size_t i = size - 1; i-- > 0; value >>= 3)
        field[i] = (char) ('0' + (value & 7));
    return fits;
}

/* Puts as much as the field holds. Returns whether that is all, and plain ASCII: what a reader makes of other bytes in
 * a ustar field is its own affair, in a pax record it is not. */
static bool put_text(char *field, size_t size, const char *text)
{
    size_t length = strlen(text);
    bool plain = length <= size;
    for (size_t i = 0; i < length && plain; i++)
        plain = (unsigned char) text[i] < 0x80;
    memcpy(field, text, length < size ? length : size);
    return plain;
}

static size_t decimal_width(size_t value)
{
    size_t width = 1;
    for (; value >= 10; value /= 10)
        width++;
    return width;
}

void tar_record(struct text *records, const char *key, const void *value, size_t count)
{
    /* The length counts its own digits. */
    size_t rest = strlen(key) + count + 3;
    size_t length = rest + decimal_width(rest);
    length = rest + decimal_width(length);
    text_number(records, length, 10);
    text_string(records, " ");
    text_string(records, key);
    text_string(records, "=");
    text_add(records, value, count);
    text_string(records, "\n");
}

static void number_record(struct text *records, const char *key, uint64_t value)
{
    cleanup_text struct text text = {0};
    text_number(&text, value, 10);
    records->failed |= text.failed;
    tar_record(records, key, text.data, text.used);
}

/* A time before 1970 counts its fraction backwards too: 1.25 s before it is -1.25, which the kernel keeps as -2 s and
 * 750000000 ns. */
static void time_record(struct text *records, int64_t seconds, uint32_t nanoseconds)
{
    cleanup_text struct text text = {0};
    if (seconds < 0 && nanoseconds) {
        seconds++;
        nanoseconds = 1000000000 - nanoseconds;
        if (seconds == 0)
            text_string(&text, "-");
    }
    text_signed(&text, seconds);
    if (nanoseconds) {
        text_string(&text, ".");
        for (uint32_t digit = 100000000; nanoseconds; nanoseconds %= digit, digit /= 10)
            text_number(&text, nanoseconds / digit, 10);
    }
    records->failed |= text.failed;
    tar_record(records, "mtime", text.data, text.used);
}

static void finish_block(struct ustar *block)
{
    memcpy(block->magic, "ustar", 6);
    memcpy(block->version, "00", 2);
    memset(block->checksum, ' ', sizeof block->checksum);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof *block; i++)
        sum += ((const unsigned char *) block)[i];
    put_octal(block->checksum, 7, sum);
}

static void fill_block(struct ustar *block, const struct tar_entry *entry, struct text *records)
{
    block->type = entry->type;
    if (!put_text(block->name, sizeof block->name, entry->name))
        tar_record(records, "path", entry->name, strlen(entry->name));
    if (!put_text(block->link, sizeof block->link, entry->link))
        tar_record(records, "linkpath", entry->link, strlen(entry->link));
    put_octal(block->mode, sizeof block->mode, entry->mode & 07777);
    if (!put_octal(block->uid, sizeof block->uid, entry->uid))
        number_record(records, "uid", entry->uid);
    if (!put_octal(block->gid, sizeof block->gid, entry->gid))
        number_record(records, "gid", entry->gid);
    if (!put_octal(block->size, sizeof block->size, entry->size))
        number_record(records, "size", entry->size);
    uint64_t seconds = entry->seconds < 0 ? 0 : (uint64_t) entry->seconds;
    if (!put_octal(block->mtime, sizeof block->mtime, seconds) || entry->seconds < 0 || entry->nanoseconds)
        time_record(records, entry->seconds, entry->nanoseconds);
    put_octal(block->major, sizeof block->major, entry->major);
    put_octal(block->minor, sizeof block->minor, entry->minor);
}

void tar_head(struct text *out, const struct tar_entry *entry, struct text *records)
{
    static const char zeros[TAR_BLOCK];
    struct ustar block = {0};
    fill_block(&block, entry, records);
    finish_block(&block);
    if (records->used) {
        struct ustar pax = {.type = 'x'};
        put_text(pax.name, sizeof pax.name, "PaxHeaders/entry");
        put_octal(pax.mode, sizeof pax.mode, 0644);
        put_octal(pax.uid, sizeof pax.uid, 0);
        put_octal(pax.gid, sizeof pax.gid, 0);
        put_octal(pax.size, sizeof pax.size, records->used);
        put_octal(pax.mtime, sizeof pax.mtime, 0);
        finish_block(&pax);
        text_add(out, &pax, sizeof pax);
        text_add(out, records->data, records->used);
        text_add(out, zeros, tar_padding(records->used));
    }
    text_add(out, &block, sizeof block);
    out->failed |= records->failed;
}

size_t tar_padding(uint64_t size)
{
    return (size_t) (-size % TAR_BLOCK);
}
