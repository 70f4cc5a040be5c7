#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"

/* A record is at most 64 KiB (the arguments of a process, escaped) and some paths, so one always fits after a flush. */
enum { CAPACITY = 256 * 1024, FLUSH_FROM = 128 * 1024, FLUSH_MS = 50 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

size_t escape_text(const char *text, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char *start = out;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char) text[i];
        if (byte >= 0x20 && byte != 0x7f && byte != '\\') {
            *out++ = (char) byte;
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return (size_t) (out - start);
}

int events_open(struct events *events, const char *dir, const char *name, const uint8_t key[SIPHASH_KEY_SIZE])
{
    *events = (struct events) { .fd = -1, .flushed_ms = now_ms() };
    siphash_init(&events->code, key);
    cleanup_fd int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return -1;
    events->buffer = malloc(CAPACITY);
    if (!events->buffer)
        return -1;
    /* O_EXCL: an image that holds this name already, as a link or a fifo, must not choose where the events go. */
    events->fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    return events->fd < 0 ? -1 : 0;
}

static void append(struct events *events, const char *bytes, size_t size)
{
    if (events->overflow || size > CAPACITY - events->used) {
        events->overflow = true;
        return;
    }
    memcpy(events->buffer + events->used, bytes, size);
    events->used += size;
}

void events_begin(struct events *events, char type)
{
    if (events->used >= FLUSH_FROM)
        events_flush(events);
    events->record = events->used;
    events->overflow = false;
    append(events, &type, 1);
}

void events_text(struct events *events, const char *text, size_t size)
{
    append(events, "\t", 1);
    if (events->overflow || ESCAPED_SIZE(size) > CAPACITY - events->used) {
        events->overflow = true;
        return;
    }
    events->used += escape_text(text, size, events->buffer + events->used);
}

void events_string(struct events *events, const char *text)
{
    events_text(events, text, strlen(text));
}

void events_number(struct events *events, uint64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    events_text(events, digits, (size_t) length);
}

static void finish(struct events *events)
{
    if (events->overflow) {
        events->used = events->record;
        events->lost++;
        return;
    }
    siphash_update(&events->code, events->buffer + events->record, events->used - events->record);
    events->records++;
}

void events_commit(struct events *events)
{
    append(events, "\n", 1);
    finish(events);
    events->unsealed = true;
}

void events_seal(struct events *events)
{
    append(events, "\tmac=", 5);
    if (!events->overflow) {
        struct siphash code = events->code;
        siphash_update(&code, events->buffer + events->record, events->used - events->record - 4);
        char digits[24];
        int length = snprintf(digits, sizeof digits, "%016" PRIx64 "\n", siphash_final(code));
        append(events, digits, (size_t) length);
    }
    finish(events);
    events->unsealed = events->overflow;
}

void events_flush(struct events *events)
{
    size_t done = 0;
    while (done < events->used) {
        ssize_t written = write(events->fd, events->buffer + done, events->used - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break; /* no space: tried again with the next flush; what finds no room until then is counted as lost */
        done += (size_t) written;
    }
    memmove(events->buffer, events->buffer + done, events->used - done);
    events->used -= done;
    events->record = events->used;
    events->flushed_ms = now_ms();
}

bool events_pending(const struct events *events)
{
    return events->used > 0;
}

bool events_late(const struct events *events)
{
    return events->used > 0 && now_ms() - events->flushed_ms >= FLUSH_MS;
}
