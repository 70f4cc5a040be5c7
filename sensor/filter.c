#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "syscalls.h"

enum {
    X32_BIT = 0x40000000,
    /* CLONE_NEWTIME is not among them: clone(2) reads that bit as part of the exit signal. */
    NAMESPACE_FLAGS = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

/* What happens to a call. Numbers with the same treatment next to each other become one range of the search tree. */
enum action {
    ACTION_ALLOW,
    ACTION_STOP,
    ACTION_LOOK, /* stop, or notify */
    ACTION_EPERM,
    ACTION_ENOSYS,
    ACTION_STAT_3, /* look at a stat call with its flags in argument 3 */
    ACTION_STAT_2,
    ACTION_CLONE,        /* stop with CLONE_UNTRACED */
    ACTION_CLONE_REFUSE, /* that, and refuse namespaces */
};

struct range {
    uint32_t start;
    enum action action;
};

static void add(struct filter *filter, struct sock_filter instruction)
{
    if (filter->length < FILTER_CAPACITY)
        filter->code[filter->length] = instruction;
    filter->length++;
}

static void add_return(struct filter *filter, uint32_t value)
{
    add(filter, (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value));
}

static void add_load(struct filter *filter, size_t offset)
{
    add(filter, (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t) offset));
}

static void add_jump(struct filter *filter, uint16_t test, uint32_t value, uint8_t if_true, uint8_t if_false)
{
    add(filter, (struct sock_filter) BPF_JUMP((uint16_t) (BPF_JMP | BPF_K | test), value, if_true, if_false));
}

/* A jump of any length: the tests of classic BPF reach 255 instructions only. The target is set later. */
static size_t add_far_jump(struct filter *filter)
{
    add(filter, (struct sock_filter) BPF_STMT(BPF_JMP | BPF_JA, 0));
    return filter->length - 1;
}

static void land(struct filter *filter, size_t jump)
{
    if (jump < FILTER_CAPACITY)
        filter->code[jump].k = (uint32_t) (filter->length - jump - 1);
}

/* Offset of the low half of a system call's argument; both architectures are little endian. */
static size_t argument(int number)
{
    return offsetof(struct seccomp_data, args) + (size_t) number * sizeof(uint64_t);
}

/* glibc's fstat() is a stat call with AT_EMPTY_PATH and a descriptor: not a look at a path. With AT_FDCWD it may be one. */
static void add_stat(struct filter *filter, int flags, uint32_t look)
{
    add_load(filter, argument(flags));
    add_jump(filter, BPF_JSET, AT_EMPTY_PATH, 0, 3);
    add_load(filter, argument(0));
    add_jump(filter, BPF_JEQ, (uint32_t) AT_FDCWD, 1, 0);
    add_return(filter, SECCOMP_RET_ALLOW);
    add_return(filter, look);
}

static void add_clone(struct filter *filter, bool refuse)
{
    add_load(filter, argument(0));
    if (refuse) {
        add_jump(filter, BPF_JSET, NAMESPACE_FLAGS, 0, 1);
        add_return(filter, SECCOMP_RET_ERRNO | EPERM);
    }
    add_jump(filter, BPF_JSET, CLONE_UNTRACED, 0, 1);
    add_return(filter, SECCOMP_RET_TRACE);
    add_return(filter, SECCOMP_RET_ALLOW);
}

static void add_action(struct filter *filter, enum action action, uint32_t look)
{
    switch (action) {
    case ACTION_ALLOW:
        add_return(filter, SECCOMP_RET_ALLOW);
        break;
    case ACTION_STOP:
        add_return(filter, SECCOMP_RET_TRACE);
        break;
    case ACTION_LOOK:
        add_return(filter, look);
        break;
    case ACTION_EPERM:
        add_return(filter, SECCOMP_RET_ERRNO | EPERM);
        break;
    case ACTION_ENOSYS:
        add_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
        break;
    case ACTION_STAT_3:
        add_stat(filter, 3, look);
        break;
    case ACTION_STAT_2:
        add_stat(filter, 2, look);
        break;
    case ACTION_CLONE:
    case ACTION_CLONE_REFUSE:
        add_clone(filter, action == ACTION_CLONE_REFUSE);
        break;
    }
}

/* Binary search over the ranges, the number is in the accumulator. */
static void add_tree(struct filter *filter, const struct range *ranges, size_t count, uint32_t look)
{
    if (count == 1) {
        add_action(filter, ranges[0].action, look);
        return;
    }
    size_t middle = count / 2;
    add_jump(filter, BPF_JGE, ranges[middle].start, 0, 1);
    size_t upper = add_far_jump(filter);
    add_tree(filter, ranges, middle, look);
    land(filter, upper);
    add_tree(filter, ranges + middle, count - middle, look);
}

/* The others are changed or refused by the tracer, or its own view changes with them, or they end with EINTR by themselves. */
bool is_only_looked_at(const struct call *call)
{
    switch (call->kind) {
    case CALL_EXEC:
    case CALL_ROOT:
    case CALL_NAMESPACE:
    case CALL_PTRACE:
    case CALL_CLONE:
    case CALL_IO_URING:
    case CALL_CONNECT:
    case CALL_BIND:
    case CALL_SOCKET:
        return false;
    default:
        return true;
    }
}

static void choose_actions(const struct abi *abi, struct filter_options options, enum action actions[MAX_CALL])
{
    bool stop_unknown = options.rare || abi != &abi_native; /* eBPF cannot tell the numbers of the compat ABI apart */
    for (int i = 0; i < MAX_CALL; i++)
        actions[i] = stop_unknown ? ACTION_STOP : ACTION_ALLOW;
    for (size_t i = 0; i < abi->hot_count; i++)
        actions[abi->hot[i]] = ACTION_ALLOW;
    for (size_t i = 0; i < abi->call_count; i++)
        actions[abi->calls[i].number] = is_only_looked_at(&abi->calls[i]) ? ACTION_LOOK : ACTION_STOP;
    if (abi->fstatat != NO_CALL)
        actions[abi->fstatat] = ACTION_STAT_3;
    if (abi->statx != NO_CALL)
        actions[abi->statx] = ACTION_STAT_2;
    for (size_t i = 0; options.refuse && i < abi->refused_count; i++)
        actions[abi->refused[i].number] = ACTION_EPERM;
    actions[abi->clone] = options.refuse ? ACTION_CLONE_REFUSE : ACTION_CLONE;
    /* The flags of clone3 lie in memory, out of the filter's sight. Engines answer ENOSYS for the same reason, and every
     * libc falls back to clone. */
    actions[abi->clone3] = ACTION_ENOSYS;
}

static void add_abi(struct filter *filter, const struct abi *abi, struct filter_options options)
{
    enum action actions[MAX_CALL];
    choose_actions(abi, options, actions);
    struct range ranges[MAX_CALL] = { { .start = 0, .action = actions[0] } };
    size_t count = 1;
    for (uint32_t i = 1; i < MAX_CALL; i++)
        if (actions[i] != actions[i - 1])
            ranges[count++] = (struct range) { .start = i, .action = actions[i] };
    add_load(filter, offsetof(struct seccomp_data, nr));
    if (abi == &abi_native) { /* x32 shares the audit value of x86_64; the tracer reports it and refuses it */
        add_jump(filter, BPF_JSET, X32_BIT, 0, 1);
        add_return(filter, SECCOMP_RET_TRACE);
    }
    add_tree(filter, ranges, count, options.notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE);
}

int filter_build(struct filter *filter, struct filter_options options)
{
    filter->length = 0;
    for (int i = 0; i < ABI_COUNT; i++) {
        add_load(filter, offsetof(struct seccomp_data, arch));
        add_jump(filter, BPF_JEQ, abis[i]->audit, 1, 0);
        size_t other = add_far_jump(filter);
        add_abi(filter, abis[i], options);
        land(filter, other);
    }
    add_return(filter, SECCOMP_RET_ERRNO | ENOSYS); /* an ABI nobody knows */
    if (filter->length <= FILTER_CAPACITY)
        return 0;
    errno = E2BIG;
    return -1;
}

int filter_install(const struct filter *filter)
{
    struct sock_fprog program = { .len = (unsigned short) filter->length, .filter = (struct sock_filter *) filter->code };
    return (int) syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
