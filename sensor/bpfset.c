#include "bpfset.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "syscalls.h"

/* Where the tracepoint's registers tell a 32-bit caller, whose numbers mean other calls: CS on x86-64 (33: the selector of
 * 64-bit code), the mode bit of PSTATE on arm64. Offsets in struct pt_regs, which is ABI. */
#if defined(__x86_64__)
enum { MODE_OFFSET = 17 * 8, MODE_MASK = 0xffff, MODE_NATIVE = 0x33 };
#elif defined(__aarch64__)
enum { MODE_OFFSET = 33 * 8, MODE_MASK = 0x10, MODE_NATIVE = 0 };
#endif

enum { R0, R1, R2, R3, R4, R6 = 6, R7, R8, R9, FP };

static int bpf(int command, union bpf_attr *attr)
{
    return (int) syscall(__NR_bpf, command, attr, sizeof *attr);
}

static struct bpf_insn op(int code, int dst, int src, int off, int imm)
{
    return (struct bpf_insn) { .code = (uint8_t) code, .dst_reg = (uint8_t) dst & 15, .src_reg = (uint8_t) src & 15, .off = (int16_t) off, .imm = imm };
}

/* First halves of the two-slot instruction that loads a 64-bit constant. */
static struct bpf_insn load64(int dst, int src, int imm)
{
    return op(BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, imm);
}

static struct bpf_insn move(int dst, int src)
{
    return op(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

/* A conditional jump to the end; patched when that is known. */
static struct bpf_insn leave_if(int test, int reg, int imm)
{
    return op(BPF_JMP | test | BPF_K, reg, 0, -1, imm);
}

/* Assembles the program. `device` and `inode` name the pid namespace. Returns the number of instructions. */
static size_t assemble(struct bpf_insn *code, int map, uint64_t device, uint64_t inode, pid_t self)
{
    const struct bpf_insn program[] = {
        op(BPF_LDX | BPF_DW | BPF_MEM, R6, R1, 0, 0), /* registers of the caller */
        op(BPF_LDX | BPF_DW | BPF_MEM, R7, R1, 8, 0), /* number of the call */
        leave_if(BPF_JGT, R7, MAX_CALL - 1),
        load64(R8, BPF_PSEUDO_MAP_VALUE, map),
        op(0, 0, 0, 0, 0),
        op(BPF_ALU64 | BPF_ADD | BPF_X, R8, R7, 0, 0),
        op(BPF_LDX | BPF_B | BPF_MEM, R0, R8, 0, 0),
        leave_if(BPF_JNE, R0, 0), /* seen already: the common way out */
        load64(R1, 0, (int) device),
        op(0, 0, 0, 0, (int) (device >> 32)),
        load64(R2, 0, (int) inode),
        op(0, 0, 0, 0, (int) (inode >> 32)),
        move(R3, FP),
        op(BPF_ALU64 | BPF_ADD | BPF_K, R3, 0, 0, -8),
        op(BPF_ALU64 | BPF_MOV | BPF_K, R4, 0, 0, 8),
        op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_ns_current_pid_tgid),
        leave_if(BPF_JNE, R0, 0), /* not of this container */
        op(BPF_LDX | BPF_W | BPF_MEM, R1, FP, -4, 0),
        leave_if(BPF_JEQ, R1, self),
        move(R1, FP),
        op(BPF_ALU64 | BPF_ADD | BPF_K, R1, 0, 0, -8),
        op(BPF_ALU64 | BPF_MOV | BPF_K, R2, 0, 0, 8),
        move(R3, R6),
        op(BPF_ALU64 | BPF_ADD | BPF_K, R3, 0, 0, MODE_OFFSET),
        op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel),
        leave_if(BPF_JNE, R0, 0),
        op(BPF_LDX | BPF_DW | BPF_MEM, R1, FP, -8, 0),
        op(BPF_ALU64 | BPF_AND | BPF_K, R1, 0, 0, MODE_MASK),
        leave_if(BPF_JNE, R1, MODE_NATIVE),
        op(BPF_ST | BPF_B | BPF_MEM, R8, 0, 0, 1),
        op(BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, 0), /* the end */
        op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    const int count = (int) COUNT_OF(program), end = count - 2;
    for (int i = 0; i < count; i++) {
        code[i] = program[i];
        if ((code[i].code & 7) == BPF_JMP && code[i].off == -1)
            code[i].off = (int16_t) (end - i - 1);
    }
    return (size_t) count;
}

static int load_program(int map, pid_t self)
{
    struct stat ns;
    if (stat("/proc/self/ns/pid", &ns))
        return -1;
    uint64_t device = (uint64_t) major(ns.st_dev) << 20 | minor(ns.st_dev); /* the kernel's own encoding */
    struct bpf_insn code[64];
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
    attr.insn_cnt = (uint32_t) assemble(code, map, device, ns.st_ino, self);
    attr.insns = (uintptr_t) code;
    attr.license = (uintptr_t) "GPL"; /* what the helpers ask for */
    return bpf(BPF_PROG_LOAD, &attr);
}

static int create_map(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = sizeof(uint32_t);
    attr.value_size = MAX_CALL;
    attr.max_entries = 1;
    attr.map_flags = BPF_F_MMAPABLE;
    return bpf(BPF_MAP_CREATE, &attr);
}

int bpfset_attach(struct bpfset *set)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.raw_tracepoint.name = (uintptr_t) "sys_enter";
    attr.raw_tracepoint.prog_fd = (uint32_t) set->program;
    set->link = bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
    return set->link < 0 ? -1 : 0;
}

static int give_up(struct bpfset *set)
{
    int error = errno;
    if (set->seen)
        munmap(set->seen, set->size);
    if (set->program >= 0)
        close(set->program);
    if (set->map >= 0)
        close(set->map);
    *set = (struct bpfset) BPFSET_NONE;
    errno = error;
    return -1;
}

int bpfset_load(struct bpfset *set, pid_t self)
{
    *set = (struct bpfset) BPFSET_NONE;
    set->size = (size_t) sysconf(_SC_PAGESIZE);
    set->map = create_map();
    if (set->map < 0)
        return give_up(set);
    void *seen = mmap(NULL, set->size, PROT_READ | PROT_WRITE, MAP_SHARED, set->map, 0);
    if (seen == MAP_FAILED)
        return give_up(set);
    set->seen = seen;
    set->program = load_program(set->map, self);
    if (set->program < 0 || bpfset_attach(set))
        return give_up(set);
    close(set->link);
    set->link = -1;
    memset(set->seen, 0, set->size);
    return 0;
}
