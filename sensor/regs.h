/* The registers of a stopped tracee. */
#ifndef WINNOW_REGS_H
#define WINNOW_REGS_H

#include <stdint.h>
#include <sys/types.h>

struct stop {
    uint32_t audit; /* AUDIT_ARCH_* */
    uint64_t number;
    uint64_t args[6];
};

/* Which system call the tracee stopped at. Returns 0, or -1 with errno set (ESRCH: it was killed meanwhile). */
int regs_syscall(pid_t tid, struct stop *stop);

/* Makes the call that the tracee stopped at fail with ENOSYS. Returns 0, or -1 with errno set. */
int regs_refuse(pid_t tid);

/* Clears `flag` in the first argument of the call that the tracee stopped at. Returns 0, or -1 with errno set. */
int regs_clear_flag(pid_t tid, const struct stop *stop, uint64_t flag);

#endif
