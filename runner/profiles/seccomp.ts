/** The part of the engine's seccomp file that we write (moby `profiles/seccomp`, after the OCI runtime specification). */
export type SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO";
  defaultErrnoRet: number;
  archMap: { architecture: string; subArchitectures: string[] }[];
  syscalls: SeccompRule[];
};

type SeccompRule = {
  names: string[];
  action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo: number; op: "SCMP_CMP_MASKED_EQ" | "SCMP_CMP_EQ" }[];
  comment: string;
};

type SeccompInput = {
  /** Names of what the application called, in any order. */
  syscalls: readonly string[];
  /** As the image's config writes it. */
  architecture: "amd64" | "arm64";
  /** False: programs of the 32-bit ABIs of the same processor are killed. True by default, as the engine's profile has it. */
  compat?: boolean;
  /** Capabilities beyond the engine's default set that the container is run with, `CAP_SYS_ADMIN` or `SYS_ADMIN`. */
  capabilities?: readonly string[];
};

const EPERM = 1;
const ENOSYS = 38;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET: what the engine's own profile refuses in clone. */
const namespaceFlags = 0x7e020000;

/**
 * What the container runtime itself calls after it has installed the filter and before the image's program runs, and what
 * its Go runtime may call meanwhile. Without these no container starts, whatever the application needs. Found by leaving
 * out one at a time under runc 1.1.5 (with and without a user, a terminal, no-new-privileges, `docker exec`; kernel 6.18,
 * amd64); the rest of each line is what the same step calls in runc 1.0 to 1.3 and crun.
 */
const runtimeSyscalls: readonly string[] = [
  ...["execve", "exit", "exit_group"],
  // user, groups, capabilities, bounding set, parent check; owner of stdio
  ...["capget", "capset", "prctl", "setgid", "setgroups", "setuid", "setresgid", "setresuid", "getppid", "getpid"],
  ...["getuid", "getgid", "geteuid", "getegid", "fchown", "setsid"],
  // working directory
  ...["chdir", "fchdir", "getcwd"],
  // close-on-exec of what is open: /proc/self/fd must be a procfs
  ...["open", "openat", "openat2", "close", "close_range", "fcntl", "fstat", "fstatfs", "newfstatat", "stat", "lstat"],
  ...["statx", "getdents64", "readlinkat", "readlink", "dup3"],
  // looking for the program, telling the parent, waiting at the start fifo
  ...["access", "faccessat", "faccessat2", "read", "write", "pread64", "pipe2", "sendmsg", "recvmsg", "ioctl"],
  // the engine's own init (`docker run --init`)
  ...["kill", "rt_sigtimedwait", "setpgid", "wait4"],
  // Go runtime: threads, locks, timers, the poller, memory, preemption
  ...[
    "futex",
    "sched_yield",
    "nanosleep",
    "clock_gettime",
    "clock_nanosleep",
    "gettid",
    "tgkill",
    "set_robust_list",
    "rseq",
  ],
  ...[
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
  ],
  ...[
    "sigaltstack",
    "restart_syscall",
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "brk",
    "getrandom",
    "sched_getaffinity",
  ],
  ...["prlimit64", "timer_create", "timer_settime", "timer_delete", "seccomp", "arch_prctl", "set_tid_address"],
];

/**
 * System calls that do the same. Which of them a libc takes depends on its version and on the kernel's, so a profile that
 * was made on one host would break the application on another; allowing all of a line gives no more power than one.
 */
const siblings: readonly (readonly string[])[] = [
  ["fork", "vfork", "clone", "clone3"],
  ["execve", "execveat"],
  ["open", "openat", "openat2"],
  ["stat", "lstat", "fstat", "newfstatat", "statx"],
  ["statfs", "fstatfs"],
  ["access", "faccessat", "faccessat2"],
  ["readlink", "readlinkat"],
  ["getdents", "getdents64"],
  ["mkdir", "mkdirat"],
  ["rmdir", "unlink", "unlinkat"],
  ["rename", "renameat", "renameat2"],
  ["link", "linkat"],
  ["symlink", "symlinkat"],
  ["chmod", "fchmodat", "fchmodat2"],
  ["chown", "lchown", "fchownat"],
  ["utime", "utimes", "futimesat", "utimensat"],
  ["creat", "open", "openat"],
  ["pipe", "pipe2"],
  ["dup2", "dup3"],
  ["poll", "ppoll"],
  ["select", "pselect6"],
  ["epoll_create", "epoll_create1"],
  ["epoll_wait", "epoll_pwait", "epoll_pwait2"],
  ["eventfd", "eventfd2"],
  ["signalfd", "signalfd4"],
  ["inotify_init", "inotify_init1"],
  ["accept", "accept4"],
  ["recvmsg", "recvmmsg"],
  ["sendmsg", "sendmmsg"],
  ["preadv", "preadv2"],
  ["pwritev", "pwritev2"],
  ["wait4", "waitid"],
  ["getrlimit", "setrlimit", "prlimit64"],
  ["nanosleep", "clock_nanosleep"],
  ["time", "gettimeofday", "clock_gettime"],
  ["futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue"],
  ["sched_getattr", "sched_getparam", "sched_getscheduler"],
  ["alarm", "setitimer"],
  ["pause", "rt_sigsuspend"],
];

/**
 * What the engine's default profile refuses to a container without the capability. An application that only tries them and
 * lives with the refusal must not gain them through our profile. "": refused to everyone.
 */
const privileged: Readonly<Record<string, readonly string[]>> = {
  "": [
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "nfsservctl",
    "query_module",
    "sysfs",
    "uselib",
    "ustat",
    "userfaultfd",
    "vm86",
    "vm86old",
  ],
  SYS_ADMIN: [
    ...[
      "bpf",
      "fsconfig",
      "fsmount",
      "fsopen",
      "fspick",
      "lookup_dcookie",
      "mount",
      "mount_setattr",
      "move_mount",
      "open_tree",
    ],
    ...[
      "perf_event_open",
      "pivot_root",
      "quotactl",
      "quotactl_fd",
      "setdomainname",
      "sethostname",
      "setns",
      "swapoff",
      "swapon",
    ],
    ...["umount", "umount2", "unshare", "fanotify_init"],
  ],
  SYS_BOOT: ["kexec_file_load", "kexec_load", "reboot"],
  SYS_MODULE: ["delete_module", "finit_module", "init_module"],
  SYS_NICE: ["get_mempolicy", "mbind", "move_pages", "migrate_pages", "set_mempolicy", "set_mempolicy_home_node"],
  SYS_PACCT: ["acct"],
  SYS_RAWIO: ["ioperm", "iopl"],
  SYS_TIME: ["clock_adjtime", "clock_settime", "settimeofday", "stime"],
  SYS_TTY_CONFIG: ["vhangup"],
  SYSLOG: ["syslog"],
  DAC_READ_SEARCH: ["open_by_handle_at"],
  KEYS: ["add_key", "keyctl", "request_key"], // no capability of that name: the keyring is not namespaced
};

const archMaps = {
  amd64: { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
  arm64: { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
};

/** Those of `syscalls` that a profile leaves out because the engine's own would refuse them, sorted. */
export function refusedSyscalls(syscalls: readonly string[], capabilities: readonly string[] = []): string[] {
  const held = new Set(capabilities.map((name) => name.replace(/^CAP_/, "")));
  const refused = new Set(
    Object.entries(privileged).flatMap(([capability, names]) => (held.has(capability) ? [] : names)),
  );
  return [...new Set(syscalls)].filter((name) => refused.has(name)).toSorted();
}

/**
 * A seccomp profile for the engine (`--security-opt seccomp=FILE`) that allows what was observed, its siblings, and what
 * the runtime needs; everything else fails with EPERM. Never wider than the engine's default profile: system calls
 * that need a capability stay out without it, and new namespaces stay refused in clone; clone3, whose flags a filter
 * cannot see, then answers ENOSYS, upon which libcs take clone. The same input gives the same bytes.
 */
export function seccompProfile({
  syscalls,
  architecture,
  compat = true,
  capabilities = [],
}: SeccompInput): SeccompProfile {
  const names = new Set([...syscalls, ...runtimeSyscalls]);
  for (const group of siblings) {
    if (group.some((name) => syscalls.includes(name))) for (const name of group) names.add(name);
  }
  for (const name of refusedSyscalls([...names], capabilities)) names.delete(name);

  const mayMakeNamespaces = capabilities.some((name) => name.replace(/^CAP_/, "") === "SYS_ADMIN");
  const rules: SeccompRule[] = [];
  if (mayMakeNamespaces) {
    names.add("clone").add("clone3");
  } else {
    names.delete("clone");
    names.delete("clone3");
    rules.push(
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
        comment: "threads and processes, but no new namespaces",
      },
      {
        names: ["clone3"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: ENOSYS,
        comment: "its flags cannot be filtered; clone is taken instead",
      },
    );
  }
  if (names.delete("personality")) {
    // PER_LINUX, PER_LINUX32, UNAME26, both, and asking: no switching off of address randomisation
    for (const value of [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]) {
      rules.push({
        names: ["personality"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value, valueTwo: 0, op: "SCMP_CMP_EQ" }],
        comment: "the execution domains that the engine's own profile allows",
      });
    }
  }
  const { architecture: name, subArchitectures } = archMaps[architecture];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    archMap: [{ architecture: name, subArchitectures: compat ? subArchitectures : [] }],
    syscalls: [
      { names: [...names].toSorted(), action: "SCMP_ACT_ALLOW", comment: "observed, and needed to start" },
      ...rules,
    ],
  };
}
