/* The kernel's own doors: modules, devices, clocks, raw handles, the files of /proc and /sys that steer the host. */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int call(long result)
{
    return result < 0 ? -1 : 0;
}

static int try_bpf(void)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return call(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}

/* Every process of the machine. */
static int try_perf(void)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_CPU_CLOCK};
    return call(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

static int try_io_uring(void)
{
    char params[120] = {0}; /* struct io_uring_params */
    return call(syscall(SYS_io_uring_setup, 1, params));
}

static int try_fanotify(void)
{
    return call(syscall(SYS_fanotify_init, 0, O_RDONLY));
}

/* The escape called Shocker: a handle of inode 2 is the root directory of the disk that a file of the engine lies on. */
static int try_handle(void)
{
    struct {
        unsigned bytes;
        int type;
        uint32_t inode[2];
    } handle = {.bytes = 8, .type = 1, .inode = {2, 0}};
    int mount = open("/etc/hosts", O_RDONLY);
    return mount < 0 ? -1 : call(syscall(SYS_open_by_handle_at, mount, &handle, O_RDONLY));
}

static int open_device(const char *path, mode_t type, dev_t device, int flags)
{
    if (mknod(path, type | 0600, device) != 0 && errno != EEXIST)
        return -1;
    int fd = open(path, flags);
    int failure = errno;
    unlink(path);
    errno = failure;
    return call(fd);
}

/* The disk under /etc/hosts is the engine's. */
static int read_disk(void)
{
    struct stat st;
    if (stat("/etc/hosts", &st) != 0)
        return -1;
    return open_device("/tmp/disk", S_IFBLK, st.st_dev, O_RDONLY);
}

static int write_disk(void)
{
    struct stat st;
    if (stat("/etc/hosts", &st) != 0)
        return -1;
    return open_device("/tmp/disk", S_IFBLK, st.st_dev, O_WRONLY);
}

static int read_memory(void)
{
    return open_device("/tmp/mem", S_IFCHR, makedev(1, 1), O_RDONLY);
}

static int read_kernel_log(void)
{
    return open_device("/tmp/kmsg", S_IFCHR, makedev(1, 11), O_RDONLY);
}

static int use_fuse(void)
{
    return open_device("/tmp/fuse", S_IFCHR, makedev(10, 229), O_RDWR);
}

static int use_tun(void)
{
    return open_device("/tmp/tun", S_IFCHR, makedev(10, 200), O_RDWR);
}

static int open_to_write(const char *path)
{
    return call(open(path, O_WRONLY | O_CLOEXEC));
}

static int write_core_pattern(void)
{
    return open_to_write("/proc/sys/kernel/core_pattern");
}

static int write_modprobe(void)
{
    return open_to_write("/proc/sys/kernel/modprobe");
}

static int write_sysrq(void)
{
    return open_to_write("/proc/sysrq-trigger");
}

static int write_uevent_helper(void)
{
    return open_to_write("/sys/kernel/uevent_helper");
}

static int write_sys(void)
{
    return open_to_write("/sys/kernel/profiling");
}

static int write_release_agent(void)
{
    if (access("/sys/fs/cgroup/rdma", F_OK) == 0)
        return open_to_write("/sys/fs/cgroup/rdma/release_agent");
    return open_to_write("/sys/fs/cgroup/cgroup.procs");
}

static int make_cgroup(void)
{
    const char *path = access("/sys/fs/cgroup/memory", F_OK) == 0 ? "/sys/fs/cgroup/memory/out" : "/sys/fs/cgroup/out";
    return mkdir(path, 0755);
}

static int read_kcore(void)
{
    char head[4];
    int fd = open("/proc/kcore", O_RDONLY);
    if (fd < 0 || read(fd, head, sizeof head) == sizeof head)
        return fd < 0 ? -1 : 0;
    errno = ENODATA; /* the engine laid an empty file over it */
    return -1;
}

static int load_module(void)
{
    return call(syscall(SYS_init_module, "", 0, ""));
}

static int load_module_file(void)
{
    return call(syscall(SYS_finit_module, STDIN_FILENO, "", 0));
}

static int unload_module(void)
{
    return call(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK));
}

static int load_kernel(void)
{
    return call(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static int try_reboot(void)
{
    return call(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL));
}

static int read_syslog(void)
{
    char text[64];
    return call(syscall(SYS_syslog, 3, text, sizeof text));
}

static int clear_syslog(void)
{
    return call(syscall(SYS_syslog, 7, NULL, 0)); /* switch the console's level back on */
}

static int try_swapon(void)
{
    return call(syscall(SYS_swapon, "/no-such-swap", 0));
}

static int try_acct(void)
{
    return call(syscall(SYS_acct, "/no-such-file"));
}

static int set_clock(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) ? -1 : call(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}

static int adjust_clock(void)
{
    struct timex change = {.modes = 0};
    if (adjtimex(&change) < 0)
        return -1;
    change.modes = ADJ_MAXERROR;
    return call(adjtimex(&change));
}

static int set_hostname(void)
{
    return call(syscall(SYS_sethostname, "winnow", 6));
}

static int set_domain(void)
{
    return call(syscall(SYS_setdomainname, "(none)", 6));
}

static int use_keyring(void)
{
    return call(syscall(SYS_keyctl, 0, -3, 0)); /* KEYCTL_GET_KEYRING_ID of the session */
}

static int add_key(void)
{
    return call(syscall(SYS_add_key, "user", "hostile", "x", 1, -2));
}

static int try_userfaultfd(void)
{
    return call(syscall(SYS_userfaultfd, O_CLOEXEC));
}

#ifdef SYS_iopl
static int use_ports(void)
{
    return call(syscall(SYS_iopl, 3));
}
#endif

static int try_quota(void)
{
    return call(syscall(SYS_quotactl, 0x800001 << 8, NULL, 0, NULL)); /* Q_SYNC of user quotas */
}

static int try_dcookie(void)
{
    char path[64];
#ifdef SYS_lookup_dcookie
    return call(syscall(SYS_lookup_dcookie, 1ull, path, sizeof path));
#else
    (void) path;
    errno = ENOSYS;
    return -1;
#endif
}

static int raise_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_max += 1;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int raise_priority(void)
{
    return setpriority(PRIO_PROCESS, 0, -20);
}

const struct attempt kernel_attempts[] = {
    {"bpf", try_bpf},
    {"perf-event", try_perf},
    {"io-uring", try_io_uring},
    {"fanotify", try_fanotify},
    {"shocker", try_handle},
    {"disk-read", read_disk},
    {"disk-write", write_disk},
    {"dev-mem", read_memory},
    {"dev-kmsg", read_kernel_log},
    {"dev-fuse", use_fuse},
    {"dev-tun", use_tun},
    {"core-pattern", write_core_pattern},
    {"modprobe-path", write_modprobe},
    {"sysrq", write_sysrq},
    {"uevent-helper", write_uevent_helper},
    {"sys-write", write_sys},
    {"release-agent", write_release_agent},
    {"cgroup-make", make_cgroup},
    {"kcore", read_kcore},
    {"module-load", load_module},
    {"module-load-file", load_module_file},
    {"module-unload", unload_module},
    {"kexec", load_kernel},
    {"reboot", try_reboot},
    {"syslog-read", read_syslog},
    {"syslog-level", clear_syslog},
    {"swapon", try_swapon},
    {"acct", try_acct},
    {"clock-set", set_clock},
    {"clock-adjust", adjust_clock},
    {"hostname-set", set_hostname},
    {"domain-set", set_domain},
    {"keyring", use_keyring},
    {"key-add", add_key},
    {"userfaultfd", try_userfaultfd},
#ifdef SYS_iopl
    {"iopl", use_ports},
#endif
    {"quota", try_quota},
    {"dcookie", try_dcookie},
    {"limit-raise", raise_limit},
    {"priority-raise", raise_priority},
    {NULL, NULL},
};
