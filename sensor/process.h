/* The threads and processes that are traced, by thread id. */
#ifndef WINNOW_PROCESS_H
#define WINNOW_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "regs.h"

enum { PROCESS_BUCKETS = 4096, PROCESS_GONE = 64, EXE_UNKNOWN = UINT32_MAX };

struct process {
    pid_t tid;
    uint32_t exe; /* number of the executable, EXE_UNKNOWN: not looked up yet */
    struct stop noticed; /* the last call that there was a notification of */
    bool blocks;         /* it opens what can keep it waiting: a fifo, a terminal */
    struct process *next;
};

struct processes {
    struct process *buckets[PROCESS_BUCKETS];
    pid_t gone[PROCESS_GONE]; /* the last that were forgotten, in a ring */
    unsigned gone_next;
};

/* The entry of `tid`, or NULL. */
struct process *process_find(const struct processes *processes, pid_t tid);

/* The entry of `tid`, made if it is new. NULL with errno ENOMEM. */
struct process *process_get(struct processes *processes, pid_t tid);

void process_forget(struct processes *processes, pid_t tid);

/* Whether `tid` is traced, or was a moment ago: a signal may be seen after its sender has gone. */
bool process_known(const struct processes *processes, pid_t tid);

/* A line of /proc/TID/status as a number: `field` with its colon, `base` of the number. Returns 0, or -1 with errno set. */
int process_status(pid_t tid, const char *field, int base, uint64_t *value);

/* Reads a link below /proc/TID. Returns its length, or -1 with errno set. */
ssize_t process_link(pid_t tid, const char *name, char *out, size_t size);

#endif
