#include "syscalls.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#ifndef __NR_quotactl_fd
#define __NR_quotactl_fd 443
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

/* number, kind, dirfd, path, flags, link rule */
#define AT(name, kind, dir, path, flags, link) CALL(__NR_##name, kind, dir, path, flags, link)

static const struct call native_calls[] = {
#ifdef __NR_open /* the calls without a directory descriptor that newer architectures lack */
    AT(open, CALL_OPEN, -1, 0, 1, LINK_FOLLOW),
    AT(creat, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(stat, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(lstat, CALL_STAT, -1, 0, -1, LINK_KEEP),
    AT(access, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(readlink, CALL_READLINK, -1, 0, -1, LINK_KEEP),
    AT(mkdir, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(rmdir, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(unlink, CALL_NAME, -1, 0, -1, LINK_KEEP),
    CALL2(__NR_rename, CALL_NAME, -1, 0, -1, 1),
    CALL2(__NR_link, CALL_NAME, -1, 0, -1, 1),
    AT(symlink, CALL_NAME, -1, 1, -1, LINK_KEEP),
    AT(mknod, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(chmod, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(chown, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lchown, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(utime, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(utimes, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(futimesat, CALL_CHANGE, 0, 1, -1, LINK_FOLLOW),
#endif
    AT(openat, CALL_OPEN, 0, 1, 2, LINK_FOLLOW),
    AT(openat2, CALL_OPEN2, 0, 1, 2, LINK_FOLLOW),
    AT(newfstatat, CALL_STAT, 0, 1, 3, LINK_AT_FLAG),
    AT(statx, CALL_STAT, 0, 1, 2, LINK_AT_FLAG),
    AT(faccessat, CALL_STAT, 0, 1, -1, LINK_FOLLOW),
    AT(faccessat2, CALL_STAT, 0, 1, 3, LINK_AT_FLAG),
    AT(statfs, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(name_to_handle_at, CALL_STAT, 0, 1, 4, LINK_AT_FOLLOW_FLAG),
    AT(readlinkat, CALL_READLINK, 0, 1, -1, LINK_KEEP),
    AT(execve, CALL_EXEC, -1, 0, -1, LINK_FOLLOW),
    AT(execveat, CALL_EXEC, 0, 1, 4, LINK_AT_FLAG),
    AT(chdir, CALL_CHDIR, -1, 0, -1, LINK_FOLLOW),
    AT(fchdir, CALL_CHDIR, 0, -1, -1, LINK_FOLLOW),
    AT(chroot, CALL_ROOT, -1, 0, -1, LINK_FOLLOW),
    AT(pivot_root, CALL_ROOT, -1, 0, -1, LINK_FOLLOW),
    AT(mkdirat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(unlinkat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(mknodat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(symlinkat, CALL_NAME, 1, 2, -1, LINK_KEEP),
#ifdef __NR_renameat
    CALL2(__NR_renameat, CALL_NAME, 0, 1, 2, 3),
#endif
    CALL2(__NR_renameat2, CALL_NAME, 0, 1, 2, 3),
    CALL2(__NR_linkat, CALL_NAME, 0, 1, 2, 3),
    AT(fchmodat, CALL_CHANGE, 0, 1, -1, LINK_FOLLOW),
    AT(fchmodat2, CALL_CHANGE, 0, 1, 3, LINK_AT_FLAG),
    AT(fchownat, CALL_CHANGE, 0, 1, 4, LINK_AT_FLAG),
    AT(utimensat, CALL_CHANGE, 0, 1, 3, LINK_AT_FLAG),
    AT(truncate, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(setxattr, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lsetxattr, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(removexattr, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lremovexattr, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(getxattr, CALL_XATTR, -1, 0, -1, LINK_FOLLOW),
    AT(lgetxattr, CALL_XATTR, -1, 0, -1, LINK_KEEP),
    AT(listxattr, CALL_XATTR, -1, 0, -1, LINK_FOLLOW),
    AT(llistxattr, CALL_XATTR, -1, 0, -1, LINK_KEEP),
    AT(inotify_add_watch, CALL_OTHER, -1, 1, -1, LINK_FOLLOW),
    AT(swapon, CALL_OTHER, -1, 0, -1, LINK_FOLLOW),
    AT(mount, CALL_OTHER, -1, 1, -1, LINK_FOLLOW),
    AT(umount2, CALL_OTHER, -1, 0, -1, LINK_FOLLOW),
    AT(connect, CALL_CONNECT, -1, -1, -1, LINK_FOLLOW),
    AT(bind, CALL_BIND, -1, -1, -1, LINK_FOLLOW),
    AT(setns, CALL_NAMESPACE, -1, -1, -1, LINK_FOLLOW),
    AT(unshare, CALL_NAMESPACE, -1, -1, -1, LINK_FOLLOW),
    AT(ptrace, CALL_PTRACE, -1, -1, -1, LINK_FOLLOW),
    AT(clone, CALL_CLONE, -1, -1, -1, LINK_FOLLOW),
    AT(io_uring_setup, CALL_IO_URING, -1, -1, -1, LINK_FOLLOW),
};

static const uint16_t native_hot[] = {
    __NR_read, __NR_write, __NR_readv, __NR_writev, __NR_pread64, __NR_pwrite64, __NR_close, __NR_fstat, __NR_newfstatat,
    __NR_statx, __NR_lseek, __NR_mmap, __NR_mprotect, __NR_munmap, __NR_brk, __NR_madvise, __NR_mremap, __NR_rt_sigaction,
    __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_ioctl, __NR_fcntl, __NR_futex, __NR_sched_yield, __NR_nanosleep,
    __NR_clock_nanosleep, __NR_clock_gettime, __NR_gettimeofday, __NR_getpid, __NR_gettid, __NR_getppid, __NR_exit,
    __NR_exit_group, __NR_wait4, __NR_waitid, __NR_sendto, __NR_recvfrom, __NR_sendmsg, __NR_recvmsg, __NR_epoll_pwait,
    __NR_epoll_ctl, __NR_ppoll, __NR_pselect6, __NR_accept4, __NR_restart_syscall, __NR_clone, __NR_set_robust_list,
    __NR_rseq, __NR_dup3, __NR_pipe2, __NR_getrandom, __NR_prlimit64, __NR_set_tid_address, __NR_sigaltstack, __NR_tgkill,
    __NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid, __NR_timerfd_settime, __NR_getsockopt, __NR_setsockopt,
    __NR_shutdown, __NR_membarrier, __NR_sched_getaffinity, __NR_getrusage, __NR_clone3, __NR_getdents64,
#ifdef __NR_epoll_wait
    __NR_epoll_wait, __NR_poll, __NR_select, __NR_dup2, __NR_pipe, __NR_vfork, __NR_fork, __NR_time, __NR_arch_prctl,
    __NR_getdents,
#endif
};

static const struct refused native_refused[] = {
    { __NR_clone, REFUSE_NAMESPACES },
    { __NR_mount, REFUSE_CALL },
    { __NR_umount2, REFUSE_CALL },
    { __NR_setns, REFUSE_CALL },
    { __NR_unshare, REFUSE_CALL },
    { __NR_bpf, REFUSE_CALL },
    { __NR_perf_event_open, REFUSE_CALL },
    { __NR_fanotify_init, REFUSE_CALL },
    { __NR_fsconfig, REFUSE_CALL },
    { __NR_fsmount, REFUSE_CALL },
    { __NR_fsopen, REFUSE_CALL },
    { __NR_fspick, REFUSE_CALL },
    { __NR_move_mount, REFUSE_CALL },
    { __NR_open_tree, REFUSE_CALL },
    { __NR_open_tree_attr, REFUSE_CALL },
    { __NR_mount_setattr, REFUSE_CALL },
    { __NR_lookup_dcookie, REFUSE_CALL },
    { __NR_quotactl, REFUSE_CALL },
    { __NR_quotactl_fd, REFUSE_CALL },
    { __NR_setdomainname, REFUSE_CALL },
    { __NR_sethostname, REFUSE_CALL },
    { __NR_syslog, REFUSE_CALL },
};

const struct abi abi_native = {
#if defined(__x86_64__)
    .name = "x86_64",
    .audit = AUDIT_ARCH_X86_64,
#elif defined(__aarch64__)
    .name = "aarch64",
    .audit = AUDIT_ARCH_AARCH64,
#else
#error "the sensor knows the system calls of x86_64 and aarch64"
#endif
    .calls = native_calls,
    .call_count = COUNT_OF(native_calls),
    .hot = native_hot,
    .hot_count = COUNT_OF(native_hot),
    .refused = native_refused,
    .refused_count = COUNT_OF(native_refused),
    .clone = __NR_clone,
    .clone3 = __NR_clone3,
    .io_uring_setup = __NR_io_uring_setup,
    .fstatat = __NR_newfstatat,
    .statx = __NR_statx,
};
