/* The filter is run by an interpreter of classic BPF, for every number of both ABIs and every kind of filter. */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "syscalls.h"
#include "test/unit.h"

enum { BROKEN = 0xdeadbeef & 0x7fffffff, EPERM_ANSWER = SECCOMP_RET_ERRNO | EPERM, ENOSYS_ANSWER = SECCOMP_RET_ERRNO | ENOSYS };

static uint32_t run_filter(const struct filter *filter, const struct seccomp_data *data)
{
    uint32_t value = 0;
    for (size_t at = 0; at < filter->length; at++) {
        const struct sock_filter *op = &filter->code[at];
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (op->k % 4 || op->k >= sizeof *data)
                return BROKEN;
            memcpy(&value, (const char *) data + op->k, sizeof value);
            break;
        case BPF_JMP | BPF_JA:
            at += op->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += value == op->k ? op->jt : op->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += value >= op->k ? op->jt : op->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            at += value & op->k ? op->jt : op->jf;
            break;
        case BPF_RET | BPF_K:
            return op->k;
        default:
            return BROKEN;
        }
    }
    return BROKEN;
}

static uint32_t answer(const struct filter *filter, const struct abi *abi, int number, uint64_t arg0, uint64_t arg2, uint64_t arg3)
{
    struct seccomp_data data = { .nr = number, .arch = abi->audit, .args = { arg0, 0, arg2, arg3 } };
    return run_filter(filter, &data);
}

static bool is_hot(const struct abi *abi, int number)
{
    for (size_t i = 0; i < abi->hot_count; i++)
        if (abi->hot[i] == number)
            return true;
    return false;
}

static bool is_refused(const struct abi *abi, int number)
{
    for (size_t i = 0; i < abi->refused_count; i++)
        if (abi->refused[i].number == number && abi->refused[i].how == REFUSE_CALL)
            return true;
    return false;
}

static uint32_t expected(const struct abi *abi, struct filter_options options, int number)
{
    if (number == abi->clone3)
        return ENOSYS_ANSWER;
    if (number == abi->clone)
        return SECCOMP_RET_ALLOW;
    if (options.refuse && is_refused(abi, number))
        return EPERM_ANSWER;
    if (abi_call(abi, (uint64_t) number))
        return SECCOMP_RET_TRACE;
    bool stop = options.rare || abi != &abi_native;
    return stop && !is_hot(abi, number) ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW;
}

static void check_arguments(struct unit *unit, const struct filter *filter, struct filter_options options)
{
    const struct abi *native = &abi_native, *compat = &abi_compat;
    const uint64_t here = (uint32_t) AT_FDCWD;
    CHECK(unit, answer(filter, native, __NR_newfstatat, 3, 0, AT_EMPTY_PATH) == SECCOMP_RET_ALLOW);
    CHECK(unit, answer(filter, native, __NR_newfstatat, here, 0, AT_EMPTY_PATH) == SECCOMP_RET_TRACE);
    CHECK(unit, answer(filter, native, __NR_newfstatat, 3, AT_EMPTY_PATH, 0) == SECCOMP_RET_TRACE);
    CHECK(unit, answer(filter, native, __NR_statx, 3, AT_EMPTY_PATH, 0) == SECCOMP_RET_ALLOW);
    CHECK(unit, answer(filter, native, __NR_statx, 3, 0, AT_EMPTY_PATH) == SECCOMP_RET_TRACE);
    for (int i = 0; i < ABI_COUNT; i++) {
        const struct abi *abi = abis[i];
        CHECK(unit, answer(filter, abi, abi->clone, CLONE_VM | CLONE_THREAD, 0, 0) == SECCOMP_RET_ALLOW);
        CHECK(unit, answer(filter, abi, abi->clone, CLONE_UNTRACED | CLONE_VM, 0, 0) == SECCOMP_RET_TRACE);
        const uint64_t flags[] = { CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP };
        for (size_t j = 0; j < COUNT_OF(flags); j++)
            CHECK(unit, answer(filter, abi, abi->clone, flags[j], 0, 0) == (options.refuse ? (uint32_t) EPERM_ANSWER : SECCOMP_RET_ALLOW));
    }
    CHECK(unit, answer(filter, native, 0x40000000 | __NR_mount, 0, 0, 0) == SECCOMP_RET_TRACE); /* x32 */
    CHECK(unit, answer(filter, native, 0x40000000 | __NR_read, 0, 0, 0) == SECCOMP_RET_TRACE);
    struct abi unknown = *compat;
    unknown.audit = AUDIT_ARCH_S390X;
    CHECK(unit, answer(filter, &unknown, 1, 0, 0, 0) == ENOSYS_ANSWER);
}

void unit_filter(struct unit *unit)
{
    static struct filter filter;
    for (int kind = 0; kind < 4; kind++) {
        struct filter_options options = { .refuse = kind & 1, .rare = kind & 2 };
        CHECK(unit, filter_build(&filter, options) == 0);
        for (int i = 0; i < ABI_COUNT; i++)
            for (int number = 0; number < MAX_CALL + 64; number++)
                if (number < MAX_CALL || abis[i] != &abi_native || options.rare)
                    CHECK(unit, answer(&filter, abis[i], number, 0, 0, 0) == expected(abis[i], options, number));
        check_arguments(unit, &filter, options);
    }
}
