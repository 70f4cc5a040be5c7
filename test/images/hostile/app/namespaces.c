/* Mounts and namespaces: what SYS_ADMIN would allow, in every way that the kernel takes it. */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MS_BIND
#define MS_REMOUNT 32
#define MS_BIND 4096
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

static int call(long result)
{
    return result < 0 ? -1 : 0;
}

static int mount_tmpfs(void)
{
    return call(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, ""));
}

static int mount_proc(void)
{
    return call(syscall(SYS_mount, "proc", "/mnt", "proc", 0, ""));
}

/* A control group file system of one's own has a release_agent, which the host runs. */
static int mount_cgroup(void)
{
    return call(syscall(SYS_mount, "cgroup", "/mnt", "cgroup", 0, "rdma"));
}

static int mount_bind(void)
{
    return call(syscall(SYS_mount, "/etc", "/mnt", NULL, MS_BIND, NULL));
}

/* /proc/sys is mounted read-only over /proc. */
static int remount_proc_sys(void)
{
    return call(syscall(SYS_mount, "proc", "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int umount_proc_sys(void)
{
    return call(syscall(SYS_umount2, "/proc/sys", 2));
}

static int umount_hosts(void)
{
    return call(syscall(SYS_umount2, "/etc/hosts", 2));
}

static int new_fsopen(void)
{
    return call(syscall(SYS_fsopen, "tmpfs", 0));
}

static int new_fspick(void)
{
    return call(syscall(SYS_fspick, AT_FDCWD, "/", 0));
}

static int new_open_tree(void)
{
    return call(syscall(SYS_open_tree, AT_FDCWD, "/etc", OPEN_TREE_CLONE));
}

static int new_move_mount(void)
{
    return call(syscall(SYS_move_mount, AT_FDCWD, "/proc/sys", AT_FDCWD, "/mnt", 0));
}

static int new_mount_setattr(void)
{
    uint64_t attributes[4] = {0, 1, 0, 0}; /* clear MOUNT_ATTR_RDONLY */
    return call(syscall(__NR_mount_setattr, AT_FDCWD, "/proc/sys", 0, attributes, sizeof attributes));
}

static int change_root(void)
{
    return call(syscall(SYS_pivot_root, "/", "/mnt"));
}

static int unshare_user(void)
{
    return call(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int unshare_mounts(void)
{
    return call(syscall(SYS_unshare, CLONE_NEWNS));
}

static int unshare_pids(void)
{
    return call(syscall(SYS_unshare, CLONE_NEWPID));
}

static int unshare_network(void)
{
    return call(syscall(SYS_unshare, CLONE_NEWNET));
}

static int clone_with(uint64_t flags)
{
    long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t) child, NULL, 0);
    return call(child);
}

static int clone_user(void)
{
    return clone_with(CLONE_NEWUSER);
}

static int clone_mounts(void)
{
    return clone_with(CLONE_NEWNS);
}

/* The upper half of the flags' register is not for the kernel, nor may it hide the lower from a filter. */
static int clone_high_bits(void)
{
    return clone_with(CLONE_NEWNS | 1ull << 40);
}

static int clone3_with(uint64_t flags)
{
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t) child, NULL, 0);
    return call(child);
}

static int clone3_user(void)
{
    return clone3_with(CLONE_NEWUSER);
}

static int clone3_mounts(void)
{
    return clone3_with(CLONE_NEWNS);
}

static int setns_to(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : call(syscall(SYS_setns, fd, 0));
}

static int setns_init_mounts(void)
{
    return setns_to(1, "mnt");
}

static int setns_init_network(void)
{
    return setns_to(1, "net");
}

static int setns_tracer_mounts(void)
{
    pid_t tracer = find_tracer();
    return tracer < 0 ? -1 : setns_to(tracer, "mnt");
}

static int setns_tracer_pidfd(void)
{
    pid_t tracer = find_tracer();
    int fd = tracer < 0 ? -1 : (int) syscall(SYS_pidfd_open, tracer, 0);
    return fd < 0 ? -1 : call(syscall(SYS_setns, fd, CLONE_NEWNS));
}

#ifdef __x86_64__
/* The same calls with the numbers of the 32-bit ABI; this program is linked at addresses that it can name. */
static int compat_call(long number, const void *a, const void *b, const void *c, unsigned long d)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0l) : "memory", "r8", "r9", "r10", "r11");
    if ((int) result >= 0)
        return 0;
    errno = -(int) result;
    return -1;
}

static int compat_mount(void)
{
    return compat_call(21, "none", "/mnt", "tmpfs", 0);
}

static int compat_umount(void)
{
    return compat_call(22, "/proc/sys", NULL, NULL, 0);
}

static int compat_unshare(void)
{
    return compat_call(310, (const void *) (uintptr_t) CLONE_NEWUSER, NULL, NULL, 0);
}

static int compat_bpf(void)
{
    return compat_call(357, NULL, NULL, NULL, 0);
}

/* And with those of x32, which share the architecture of the filter. */
static int x32_unshare(void)
{
    return call(syscall(0x40000000 | SYS_unshare, CLONE_NEWUSER));
}

static int x32_mount(void)
{
    return call(syscall(0x40000000 | SYS_mount, "none", "/mnt", "tmpfs", 0, ""));
}
#endif

const struct attempt namespace_attempts[] = {
    {"mount-tmpfs", mount_tmpfs},
    {"mount-proc", mount_proc},
    {"mount-cgroup", mount_cgroup},
    {"mount-bind", mount_bind},
    {"remount-proc-sys", remount_proc_sys},
    {"umount-proc-sys", umount_proc_sys},
    {"umount-hosts", umount_hosts},
    {"fsopen", new_fsopen},
    {"fspick", new_fspick},
    {"open-tree", new_open_tree},
    {"move-mount", new_move_mount},
    {"mount-setattr", new_mount_setattr},
    {"pivot-root", change_root},
    {"unshare-user", unshare_user},
    {"unshare-mounts", unshare_mounts},
    {"unshare-pids", unshare_pids},
    {"unshare-network", unshare_network},
    {"clone-user", clone_user},
    {"clone-mounts", clone_mounts},
    {"clone-high-bits", clone_high_bits},
    {"clone3-user", clone3_user},
    {"clone3-mounts", clone3_mounts},
    {"setns-init-mounts", setns_init_mounts},
    {"setns-init-network", setns_init_network},
    {"setns-tracer-mounts", setns_tracer_mounts},
    {"setns-tracer-pidfd", setns_tracer_pidfd},
#ifdef __x86_64__
    {"compat-mount", compat_mount},
    {"compat-umount", compat_umount},
    {"compat-unshare", compat_unshare},
    {"compat-bpf", compat_bpf},
    {"x32-unshare", x32_unshare},
    {"x32-mount", x32_mount},
#endif
    {NULL, NULL},
};
