/* Programs that filter, trace or sandbox for themselves. */
#include "robustness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t trapped;

static void note_trap(int signal_number, siginfo_t *info, void *context)
{
    (void) signal_number;
    (void) context;
    trapped = info->si_syscall;
}

/* Installs a filter that answers `action` to one call and allows all others. */
static int filter_call(unsigned number, unsigned action, unsigned flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = 4, .filter = code };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Runs `test` in a child: a filter cannot be taken off again. */
static int in_child(int (*test)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        syscall(SYS_exit, test());
    int status = wait_for(pid);
    return status == 0 ? CASE_PASS : fail_case("status %x", status);
}

static int use_trap(void)
{
    struct sigaction action = { .sa_sigaction = note_trap, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &action, NULL);
    if (filter_call(SYS_openat, SECCOMP_RET_TRAP, 0))
        return 2;
    syscall(SYS_openat, AT_FDCWD, some_file, O_RDONLY);
    return trapped == SYS_openat ? 0 : 3;
}

static int use_errno(void)
{
    if (filter_call(SYS_openat, SECCOMP_RET_ERRNO | 123, 0))
        return 2;
    return syscall(SYS_openat, AT_FDCWD, some_file, O_RDONLY) == -1 && errno == 123 ? 0 : 3;
}

static int use_listener(void)
{
    return filter_call(SYS_mkdirat, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER) >= 0 ? 0 : errno;
}

static void *wait_forever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static int use_all_threads(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_forever, NULL);
    int result = filter_call(SYS_reboot, SECCOMP_RET_ERRNO | EPERM, SECCOMP_FILTER_FLAG_TSYNC);
    syscall(SYS_exit_group, result == 0 ? 0 : 1);
    return 1;
}

static int use_strict(void)
{
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0 ? 0 : errno;
}

static int test_trap(void)
{
    return in_child(use_trap);
}

static int test_errno(void)
{
    return in_child(use_errno);
}

static int test_listener(void)
{
    return in_child(use_listener);
}

static int test_tsync(void)
{
    return in_child(use_all_threads);
}

static int test_strict(void)
{
    return in_child(use_strict);
}

static int test_app_ptrace(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(errno == EPERM ? 91 : 90);
        raise(SIGSTOP);
        _exit(5);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return fail_case("TRACEME is refused: status %x", status);
    ptrace(PTRACE_CONT, pid, NULL, NULL);
    return exits_with(pid, 5) ? CASE_PASS : fail_case("after PTRACE_CONT");
}

static int test_chroot(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (chroot("/proc"))
            _exit(errno == EPERM ? 55 : 1);
        _exit(chdir("/") || open("/version", O_RDONLY) < 0);
    }
    int status = wait_for(pid);
    if (WEXITSTATUS(status) == 55)
        return skip_case("chroot is not permitted");
    return status == 0 ? CASE_PASS : fail_case("status %x", status);
}

static int test_userns(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS))
            _exit(errno == EPERM ? 55 : 56);
        pid_t inner = fork();
        if (inner == 0)
            _exit(open(some_file, O_RDONLY) < 0 || getpid() != 1);
        _exit(exits_with(inner, 0) ? 0 : 57);
    }
    int status = wait_for(pid);
    if (WEXITSTATUS(status) == 55)
        return skip_case("unshare is not permitted");
    return status == 0 ? CASE_PASS : fail_case("status %x", status);
}

const struct test_case seccomp_cases[] = {
    { "seccomp_trap", test_trap },       { "seccomp_errno", test_errno },   { "seccomp_notif", test_listener },
    { "seccomp_tsync", test_tsync },     { "seccomp_strict", test_strict }, { "app_ptrace", test_app_ptrace },
    { "chroot", test_chroot },           { "userns", test_userns },
};
const size_t seccomp_case_count = sizeof seccomp_cases / sizeof seccomp_cases[0];
