/* The event file: records are escaped into a buffer, counted into the code (SipHash) and written in batches. */
#ifndef WINNOW_EVENTS_H
#define WINNOW_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "siphash.h"

struct events {
    int fd;
    char *buffer;
    size_t used;
    size_t record;       /* where the record under construction starts */
    bool overflow;       /* the record under construction does not fit */
    bool unsealed;       /* something was added since the last end mark */
    int64_t flushed_ms;  /* monotonic clock of the last flush */
    uint64_t records, lost;
    struct siphash code;
};

/* How many bytes at most escaping makes of `size` bytes. */
#define ESCAPED_SIZE(size) ((size) * 4)

/* Writes `size` bytes of `text` to `out`, bytes below 0x20, 0x7f and the backslash as \xHH. Returns the length. `out`
 * has room for ESCAPED_SIZE(size). */
size_t escape_text(const char *text, size_t size, char *out);

/* Creates DIR/NAME (mode 0600, must not exist). Returns 0, or -1 with errno set. */
int events_open(struct events *events, const char *dir, const char *name, const uint8_t key[SIPHASH_KEY_SIZE]);

/* One record: begin, any number of fields, commit. A record that does not fit is dropped as a whole and counted as lost. */
void events_begin(struct events *events, char type);
void events_text(struct events *events, const char *text, size_t size);
void events_string(struct events *events, const char *text);
void events_number(struct events *events, uint64_t number);
void events_commit(struct events *events);

/* Commits the record under construction as an end mark: `mac=` and the code of every byte before it. */
void events_seal(struct events *events);

/* Writes what is held. Bytes that cannot be written now are kept for the next time. */
void events_flush(struct events *events);

/* Whether something is held, and whether it is held for longer than the format allows (50 ms). */
bool events_pending(const struct events *events);
bool events_late(const struct events *events);

#endif
