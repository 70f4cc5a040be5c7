/* The 32-bit ABI of the same machine: 32-bit programs, and `int 0x80` in 64-bit ones. */
#include "syscalls.h"

#include <linux/audit.h>

#if defined(__x86_64__)
#include "syscalls_i386.h"
#define NR(name) I386_##name
#elif defined(__aarch64__)
#include "syscalls_arm.h"
#define NR(name) ARM_##name
#endif

/* number, kind, dirfd, path, flags, link rule */
#define AT(name, kind, dir, path, flags, link) CALL(NR(name), kind, dir, path, flags, link)

static const struct call compat_calls[] = {
#if defined(__x86_64__)
    AT(oldstat, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(oldlstat, CALL_STAT, -1, 0, -1, LINK_KEEP),
    AT(stat, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(lstat, CALL_STAT, -1, 0, -1, LINK_KEEP),
    AT(chown, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lchown, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(utime, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(futimesat, CALL_CHANGE, 0, 1, -1, LINK_FOLLOW),
    AT(umount, CALL_OTHER, -1, 0, -1, LINK_FOLLOW),
    AT(socketcall, CALL_SOCKET, -1, -1, -1, LINK_FOLLOW),
#endif
    AT(open, CALL_OPEN, -1, 0, 1, LINK_FOLLOW),
    AT(creat, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(access, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(stat64, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(lstat64, CALL_STAT, -1, 0, -1, LINK_KEEP),
    AT(fstatat64, CALL_STAT, 0, 1, 3, LINK_AT_FLAG),
    AT(statx, CALL_STAT, 0, 1, 2, LINK_AT_FLAG),
    AT(faccessat, CALL_STAT, 0, 1, -1, LINK_FOLLOW),
    AT(faccessat2, CALL_STAT, 0, 1, 3, LINK_AT_FLAG),
    AT(statfs, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(statfs64, CALL_STAT, -1, 0, -1, LINK_FOLLOW),
    AT(name_to_handle_at, CALL_STAT, 0, 1, 4, LINK_AT_FOLLOW_FLAG),
    AT(openat, CALL_OPEN, 0, 1, 2, LINK_FOLLOW),
    AT(openat2, CALL_OPEN2, 0, 1, 2, LINK_FOLLOW),
    AT(readlink, CALL_READLINK, -1, 0, -1, LINK_KEEP),
    AT(readlinkat, CALL_READLINK, 0, 1, -1, LINK_KEEP),
    AT(execve, CALL_EXEC, -1, 0, -1, LINK_FOLLOW),
    AT(execveat, CALL_EXEC, 0, 1, 4, LINK_AT_FLAG),
    AT(chdir, CALL_CHDIR, -1, 0, -1, LINK_FOLLOW),
    AT(fchdir, CALL_CHDIR, 0, -1, -1, LINK_FOLLOW),
    AT(chroot, CALL_ROOT, -1, 0, -1, LINK_FOLLOW),
    AT(pivot_root, CALL_ROOT, -1, 0, -1, LINK_FOLLOW),
    AT(mkdir, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(rmdir, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(unlink, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(symlink, CALL_NAME, -1, 1, -1, LINK_KEEP),
    AT(mknod, CALL_NAME, -1, 0, -1, LINK_KEEP),
    AT(mkdirat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(unlinkat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(mknodat, CALL_NAME, 0, 1, -1, LINK_KEEP),
    AT(symlinkat, CALL_NAME, 1, 2, -1, LINK_KEEP),
    AT(chmod, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(fchmodat, CALL_CHANGE, 0, 1, -1, LINK_FOLLOW),
    AT(fchownat, CALL_CHANGE, 0, 1, 4, LINK_AT_FLAG),
    AT(chown32, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lchown32, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(utimes, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(utimensat, CALL_CHANGE, 0, 1, 3, LINK_AT_FLAG),
    AT(truncate, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(truncate64, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(setxattr, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lsetxattr, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(removexattr, CALL_CHANGE, -1, 0, -1, LINK_FOLLOW),
    AT(lremovexattr, CALL_CHANGE, -1, 0, -1, LINK_KEEP),
    AT(getxattr, CALL_XATTR, -1, 0, -1, LINK_FOLLOW),
    AT(lgetxattr, CALL_XATTR, -1, 0, -1, LINK_KEEP),
    AT(listxattr, CALL_XATTR, -1, 0, -1, LINK_FOLLOW),
    AT(llistxattr, CALL_XATTR, -1, 0, -1, LINK_KEEP),
    AT(inotify_add_watch, CALL_OTHER, -1, 1, -1, LINK_FOLLOW),
    AT(mount, CALL_OTHER, -1, 1, -1, LINK_FOLLOW),
    AT(umount2, CALL_OTHER, -1, 0, -1, LINK_FOLLOW),
    AT(connect, CALL_CONNECT, -1, -1, -1, LINK_FOLLOW),
    AT(bind, CALL_BIND, -1, -1, -1, LINK_FOLLOW),
    AT(setns, CALL_NAMESPACE, -1, -1, -1, LINK_FOLLOW),
    AT(unshare, CALL_NAMESPACE, -1, -1, -1, LINK_FOLLOW),
    AT(ptrace, CALL_PTRACE, -1, -1, -1, LINK_FOLLOW),
    AT(clone, CALL_CLONE, -1, -1, -1, LINK_FOLLOW),
    AT(io_uring_setup, CALL_IO_URING, -1, -1, -1, LINK_FOLLOW),
    CALL2(NR(rename), CALL_NAME, -1, 0, -1, 1),
    CALL2(NR(link), CALL_NAME, -1, 0, -1, 1),
    CALL2(NR(renameat), CALL_NAME, 0, 1, 2, 3),
    CALL2(NR(renameat2), CALL_NAME, 0, 1, 2, 3),
    CALL2(NR(linkat), CALL_NAME, 0, 1, 2, 3),
};

static const uint16_t compat_hot[] = {
    NR(read), NR(write), NR(readv), NR(writev), NR(pread64), NR(pwrite64), NR(close), NR(fstat64), NR(lseek),
    NR(_llseek), NR(mmap2), NR(mprotect), NR(munmap), NR(brk), NR(madvise), NR(mremap), NR(rt_sigaction),
    NR(rt_sigprocmask), NR(rt_sigreturn), NR(sigreturn), NR(ioctl), NR(fcntl64), NR(futex), NR(futex_time64),
    NR(sched_yield), NR(nanosleep), NR(clock_gettime), NR(clock_gettime64), NR(gettimeofday), NR(getpid), NR(gettid),
    NR(getppid), NR(exit), NR(exit_group), NR(wait4), NR(waitid), NR(sendto), NR(recvfrom), NR(sendmsg), NR(recvmsg),
    NR(epoll_wait), NR(epoll_ctl), NR(poll), NR(ppoll), NR(_newselect), NR(restart_syscall), NR(clone), NR(clone3),
    NR(set_robust_list), NR(dup2), NR(dup3), NR(pipe), NR(pipe2), NR(getrandom), NR(prlimit64), NR(set_tid_address),
    NR(sigaltstack), NR(tgkill), NR(getuid32), NR(geteuid32), NR(getgid32), NR(getegid32), NR(getsockopt),
    NR(setsockopt), NR(shutdown), NR(getdents64),
};

static const struct refused compat_refused[] = {
    { NR(clone), REFUSE_NAMESPACES },
#if defined(__x86_64__)
    { NR(umount), REFUSE_CALL },
#endif
    { NR(mount), REFUSE_CALL },
    { NR(umount2), REFUSE_CALL },
    { NR(setns), REFUSE_CALL },
    { NR(unshare), REFUSE_CALL },
    { NR(bpf), REFUSE_CALL },
    { NR(perf_event_open), REFUSE_CALL },
    { NR(fanotify_init), REFUSE_CALL },
    { NR(fsconfig), REFUSE_CALL },
    { NR(fsmount), REFUSE_CALL },
    { NR(fsopen), REFUSE_CALL },
    { NR(fspick), REFUSE_CALL },
    { NR(move_mount), REFUSE_CALL },
    { NR(open_tree), REFUSE_CALL },
    { NR(mount_setattr), REFUSE_CALL },
    { NR(lookup_dcookie), REFUSE_CALL },
    { NR(quotactl), REFUSE_CALL },
    { NR(quotactl_fd), REFUSE_CALL },
    { NR(setdomainname), REFUSE_CALL },
    { NR(sethostname), REFUSE_CALL },
    { NR(syslog), REFUSE_CALL },
};

const struct abi abi_compat = {
#if defined(__x86_64__)
    .name = "i386",
    .audit = AUDIT_ARCH_I386,
#elif defined(__aarch64__)
    .name = "arm",
    .audit = AUDIT_ARCH_ARM,
#endif
    .calls = compat_calls,
    .call_count = COUNT_OF(compat_calls),
    .hot = compat_hot,
    .hot_count = COUNT_OF(compat_hot),
    .refused = compat_refused,
    .refused_count = COUNT_OF(compat_refused),
    .clone = NR(clone),
    .clone3 = NR(clone3),
    .io_uring_setup = NR(io_uring_setup),
    .fstatat = NO_CALL,
    .statx = NO_CALL,
};
