/* The registers of a stopped tracee. */
#ifndef WINNOW_REGS_H
#define WINNOW_REGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether this architecture lets a tracer do the latter: elsewhere the kernel has decided before the tracer is asked. */
#if defined(__x86_64__)
#define REGS_CAN_RESTART true
#else
#define REGS_CAN_RESTART false
#endif

struct stop {
    uint32_t audit; /* AUDIT_ARCH_* */
    uint64_t number;
    uint64_t args[6];
};

/* Which system call the tracee stopped at. Returns 0, or -1 with errno set (ESRCH: it was killed meanwhile). */
int regs_syscall(pid_t tid, struct stop *stop);

/* Whether the tracee, stopped at a signal, gave up a system call for it that fails with EINTR unless its handler restarts calls.
 * Fills in which one. */
bool regs_interrupted(pid_t tid, struct stop *stop);

/* Makes that call start anew after the handler, whatever the handler wants. Returns 0, or -1 with errno set. */
int regs_restart(pid_t tid);

/* Makes the call that the tracee stopped at fail with ENOSYS. Returns 0, or -1 with errno set. */
int regs_refuse(pid_t tid);

/* Clears `flag` in the first argument of the call that the tracee stopped at. Returns 0, or -1 with errno set. */
int regs_clear_flag(pid_t tid, const struct stop *stop, uint64_t flag);

#endif
