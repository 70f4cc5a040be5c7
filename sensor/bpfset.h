/* The set of system calls, found by an eBPF program at the sys_enter tracepoint: exact, and cheap enough for every call. */
#ifndef WINNOW_BPFSET_H
#define WINNOW_BPFSET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpfset {
    int map, program, link; /* -1: absent */
    uint8_t *seen;          /* one byte per number, shared with the kernel */
    size_t size;
};

#define BPFSET_NONE { .map = -1, .program = -1, .link = -1, .seen = NULL, .size = 0 }

/* Loads the program, which counts the processes of the caller's pid namespace except `self`, and tries to attach it. It is
 * detached again: the launcher's own calls do not belong to the application. Returns 0, or -1 with errno set (EPERM, or
 * EINVAL before Linux 5.7). */
int bpfset_load(struct bpfset *set, pid_t self);

/* Starts counting. Returns 0, or -1 with errno set. */
int bpfset_attach(struct bpfset *set);

#endif
