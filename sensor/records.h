/* What was observed, as records of the event file: each thing once. */
#ifndef WINNOW_RECORDS_H
#define WINNOW_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "events.h"
#include "resolve.h"
#include "syscalls.h"
#include "table.h"

struct counters {
    uint64_t stops, unreadable, execs, forks, resolved, vanished;
};

struct records {
    struct events events;
    struct siphash hash; /* the state after the key, for looking up */
    struct table seen;
    struct table exes;
    uint32_t exe_count;
    char dir[PATH_MAX]; /* the sensor's own directory, canonical; nothing below it is reported */
    const char *hide;   /* another one, or NULL */
    struct counters counters;
    uint8_t calls[ABI_COUNT][MAX_CALL]; /* numbers seen */
    bool rare;          /* the native set comes from the rare-set filter */
    bool bpf;           /* the native set comes from eBPF: `bpf_calls` */
    const uint8_t *bpf_calls;
};

/* Creates DIR/NAME. Returns 0, or -1 with errno set. */
int records_open(struct records *records, const char *dir, const char *name, const uint8_t key[SIPHASH_KEY_SIZE]);

/* A key for `size` bytes, and for what they are used: the low byte of `use` is a letter. */
uint64_t records_key(const struct records *records, uint64_t use, const void *bytes, size_t size);

/* Whether a key came before, and notes that it did. Two steps, so that what could not be looked at is tried again. */
bool records_known(const struct records *records, uint64_t key);
void records_note(struct records *records, uint64_t key);

/* The number of an executable; writes its E record the first time. 0 is the launcher. */
uint32_t records_exe(struct records *records, const char *path);

void record_header(struct records *records, const char *level, const char *memory);
void record_process(struct records *records, pid_t pid, pid_t ppid, uint32_t exe, const char *args, size_t size, bool cut);
void record_file(struct records *records, char kind, uint32_t exe, const char *path, enum result result);
void record_link(struct records *records, const char *path, const char *target);
void record_interpreter(struct records *records, const char *path);
void record_socket(struct records *records, char op, const char *family, const char *address, size_t size, unsigned port);
void record_signal(struct records *records, int signal, const char *how);
void record_warning(struct records *records, const char *code, const char *text);

/* The sets of system calls and the end mark, written at once. */
void record_end(struct records *records);

#endif
