/* The system calls that the sensor looks at, per ABI: what their arguments mean, and how the filter treats them. */
#ifndef WINNOW_SYSCALLS_H
#define WINNOW_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

enum call_kind {
    CALL_OPEN,     /* open flags decide */
    CALL_OPEN2,    /* flags in struct open_how */
    CALL_STAT,
    CALL_READLINK,
    CALL_EXEC,
    CALL_CHDIR,
    CALL_ROOT,     /* chroot, pivot_root */
    CALL_NAME,     /* creates, removes or renames a name: a last symbolic link is not followed */
    CALL_CHANGE,   /* changes what the name stands for */
    CALL_XATTR,
    CALL_OTHER,
    CALL_CONNECT,
    CALL_BIND,
    CALL_SOCKET,   /* socketcall(2) of 32-bit x86 */
    CALL_NAMESPACE,/* setns, unshare: the process may see another tree afterwards */
    CALL_PTRACE,
    CALL_CLONE,    /* stopped only with CLONE_UNTRACED */
    CALL_IO_URING, /* refused */
};

/* When a last symbolic link is not followed, beside what the kind says. */
enum link_rule {
    LINK_FOLLOW,
    LINK_KEEP,
    LINK_AT_FLAG,        /* unless AT_SYMLINK_NOFOLLOW */
    LINK_AT_FOLLOW_FLAG, /* only with AT_SYMLINK_FOLLOW */
};

struct call {
    uint16_t number;
    uint8_t kind;      /* enum call_kind */
    uint8_t link;      /* enum link_rule */
    int8_t dir, path;  /* argument numbers, -1: none */
    int8_t flags;
    int8_t dir2, path2;
};

/* What the filter answers to a call that the engine's default profile refuses without SYS_ADMIN. */
enum refusal { REFUSE_CALL, REFUSE_NAMESPACES /* only with a CLONE_NEW* flag */ };

struct refused {
    uint16_t number;
    uint8_t how; /* enum refusal */
};

struct abi {
    const char *name;     /* as in S records */
    uint32_t audit;       /* AUDIT_ARCH_* */
    const struct call *calls;
    size_t call_count;
    const uint16_t *hot;  /* calls that nearly every program makes, and often: never stopped, assumed in the rare set */
    size_t hot_count;
    const struct refused *refused;
    size_t refused_count;
    uint16_t clone, clone3, io_uring_setup;
    uint16_t fstatat, statx; /* stat calls whose fstat() form is not stopped; 0xffff: none */
};

enum { ABI_NATIVE, ABI_COMPAT, ABI_COUNT, NO_CALL = 0xffff, MAX_CALL = 1024 };

extern const struct abi abi_native, abi_compat;
extern const struct abi *const abis[ABI_COUNT];

/* The description of a call, or NULL when it is not looked at. */
const struct call *abi_call(const struct abi *abi, uint64_t number);

/* The ABI of an AUDIT_ARCH_* value, or NULL. */
const struct abi *abi_of(uint32_t audit);

#define CALL(number_, kind_, dir_, path_, flags_, link_) \
    { .number = (number_), .kind = (kind_), .link = (link_), .dir = (dir_), .path = (path_), .flags = (flags_), .dir2 = -1, .path2 = -1 }
#define CALL2(number_, kind_, dir_, path_, dir2_, path2_) \
    { .number = (number_), .kind = (kind_), .link = LINK_KEEP, .dir = (dir_), .path = (path_), .flags = -1, .dir2 = (dir2_), .path2 = (path2_) }
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
