#include "regs.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

enum { SYSCALL_INFO_SECCOMP = 3, RESTART_UNLESS_HANDLED = 512, RESTART_ALWAYS = 513 /* inside the kernel: ERESTARTSYS, ERESTARTNOINTR */ };

/* As in <linux/ptrace.h>, which cannot be included beside <sys/ptrace.h>. */
struct syscall_info {
    uint8_t op;
    uint8_t pad[3];
    uint32_t arch;
    uint64_t instruction_pointer, stack_pointer;
    uint64_t number, args[6];
    uint32_t ret_data;
};

#if defined(__x86_64__)

typedef struct user_regs_struct registers;

enum { USER_CS_32 = 0x23 };

static int get_registers(pid_t tid, registers *regs)
{
    return (int) ptrace(PTRACE_GETREGS, tid, NULL, regs);
}

static int set_registers(pid_t tid, registers *regs)
{
    return (int) ptrace(PTRACE_SETREGS, tid, NULL, regs);
}

static void fill(struct stop *stop, const registers *regs)
{
    bool compat = regs->cs == USER_CS_32;
    *stop = (struct stop) { .audit = compat ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64, .number = regs->orig_rax };
    uint64_t wide[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
    uint64_t narrow[6] = { regs->rbx, regs->rcx, regs->rdx, regs->rsi, regs->rdi, regs->rbp };
    memcpy(stop->args, compat ? narrow : wide, sizeof stop->args);
}

static void clear_first_argument(registers *regs, uint32_t audit, uint64_t flag)
{
    if (audit == AUDIT_ARCH_I386)
        regs->rbx &= ~flag;
    else
        regs->rdi &= ~flag;
}

static int skip_call(pid_t tid, registers *regs)
{
    regs->orig_rax = UINT64_MAX;
    regs->rax = (uint64_t) -ENOSYS;
    return set_registers(tid, regs);
}

static int32_t result_in(const registers *regs)
{
    return (int32_t) regs->rax;
}

static void set_result(registers *regs, int32_t result)
{
    regs->rax = (uint64_t) (int64_t) result;
}

#elif defined(__aarch64__)

typedef struct user_regs_struct registers;

enum { ARM_SYSTEM_CALL = 0x404 };

static int get_registers(pid_t tid, registers *regs)
{
    struct iovec area = { regs, sizeof *regs };
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &area))
        return -1;
    if (area.iov_len == sizeof *regs)
        return 0;
    errno = ENOTSUP; /* a 32-bit tracee */
    return -1;
}

static int set_registers(pid_t tid, registers *regs)
{
    struct iovec area = { regs, sizeof *regs };
    return (int) ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &area);
}

static void fill(struct stop *stop, const registers *regs)
{
    *stop = (struct stop) { .audit = AUDIT_ARCH_AARCH64, .number = regs->regs[8] };
    for (int i = 0; i < 6; i++)
        stop->args[i] = regs->regs[i];
}

static void clear_first_argument(registers *regs, uint32_t audit, uint64_t flag)
{
    (void) audit;
    regs->regs[0] &= ~flag;
}

static int skip_call(pid_t tid, registers *regs)
{
    int none = -1;
    struct iovec area = { &none, sizeof none };
    if (ptrace(PTRACE_SETREGSET, tid, ARM_SYSTEM_CALL, &area))
        return -1;
    regs->regs[0] = (uint64_t) -ENOSYS;
    return set_registers(tid, regs);
}

static int32_t result_in(const registers *regs)
{
    return (int32_t) regs->regs[0];
}

static void set_result(registers *regs, int32_t result)
{
    regs->regs[0] = (uint64_t) (int64_t) result;
}

#endif

bool regs_interrupted(pid_t tid, struct stop *stop)
{
    registers regs;
    if (get_registers(tid, &regs) || result_in(&regs) != -RESTART_UNLESS_HANDLED)
        return false;
    fill(stop, &regs);
    return stop->number != UINT64_MAX; /* that one was not in a system call */
}

int regs_restart(pid_t tid)
{
    registers regs;
    if (get_registers(tid, &regs))
        return -1;
    set_result(&regs, -RESTART_ALWAYS);
    return set_registers(tid, &regs);
}

int regs_syscall(pid_t tid, struct stop *stop)
{
    struct syscall_info info = { 0 };
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0 && info.op == SYSCALL_INFO_SECCOMP) {
        *stop = (struct stop) { .audit = info.arch, .number = info.number };
        memcpy(stop->args, info.args, sizeof stop->args);
        return 0;
    }
    if (errno == ESRCH)
        return -1;
    registers regs; /* before Linux 5.3 */
    if (get_registers(tid, &regs))
        return -1;
    fill(stop, &regs);
    return 0;
}

int regs_refuse(pid_t tid)
{
    registers regs;
    return get_registers(tid, &regs) ? -1 : skip_call(tid, &regs);
}

int regs_clear_flag(pid_t tid, const struct stop *stop, uint64_t flag)
{
    registers regs;
    if (get_registers(tid, &regs))
        return -1;
    clear_first_argument(&regs, stop->audit, flag);
    return set_registers(tid, &regs);
}
