/* Making and ending processes: forks of every kind, exec from a thread, waiting. */
#include "robustness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool can_open(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static pid_t start_by_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execl(this_program, "true", "--exit", "0", (char *) NULL);
        _exit(99);
    }
    return pid;
}

static int test_vfork(void)
{
    for (int i = 0; i < 50; i++)
        if (!exits_with(start_by_vfork(), 0))
            return fail_case("round %d", i);
    return CASE_PASS;
}

static int test_posix_spawn(void)
{
    char *argv[] = { "false", "--exit", "1", NULL }, *missing[] = { "missing", NULL };
    pid_t pid;
    for (int i = 0; i < 50; i++)
        if (posix_spawn(&pid, this_program, NULL, NULL, argv, environ) || !exits_with(pid, 1))
            return fail_case("round %d", i);
    int error = posix_spawn(&pid, "/nonexistent/program", NULL, NULL, missing, environ);
    return error == ENOENT ? CASE_PASS : fail_case("a missing program gives %d", error);
}

static int test_clone3(void)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    pid_t pid = (pid_t) syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0)
        return fail_case("clone3");
    if (pid == 0)
        _exit(can_open(some_file) ? 42 : 1);
    return exits_with(pid, 42) ? CASE_PASS : fail_case("the child cannot open");
}

static void *wait_forever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *exec_now(void *unused)
{
    (void) unused;
    execl(this_program, "robustness", "--exit", (char *) NULL);
    _exit(98);
}

static int test_thread_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, wait_forever, NULL);
        pthread_create(&thread, NULL, exec_now, NULL);
        wait_forever(NULL);
    }
    return exits_with(pid, 77) ? CASE_PASS : fail_case("exec from a thread");
}

static int test_leader_exit(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, exec_now, NULL);
        pthread_exit(NULL);
    }
    return exits_with(pid, 77) ? CASE_PASS : fail_case("exec after the end of the leader");
}

static int test_daemon(void)
{
    int done[2], go[2];
    char byte = 'n';
    if (pipe(done) || pipe(go))
        return fail_case("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork())
            _exit(0);
        close(done[0]);
        if (read(go[0], &byte, 1) == 1)
            byte = can_open(other_file) ? 'y' : 'n';
        _exit(write(done[1], &byte, 1) != 1);
    }
    close(done[1]);
    if (!exits_with(pid, 0) || write(go[1], "g", 1) != 1)
        return fail_case("the first child");
    return read(done[0], &byte, 1) == 1 && byte == 'y' ? CASE_PASS : fail_case("the daemon cannot open");
}

static int test_zombies(void)
{
    enum { COUNT = 100 };
    int status, found = 0;
    for (int i = 0; i < COUNT; i++)
        if (fork() == 0)
            _exit(3);
    while (wait(&status) > 0)
        found += WIFEXITED(status) && WEXITSTATUS(status) == 3;
    return found == COUNT && errno == ECHILD ? CASE_PASS : fail_case("%d of %d", found, COUNT);
}

static int test_wait_echild(void)
{
    int status;
    alarm(5); /* a visible tracer would keep wait() from returning */
    if (waitpid(-1, &status, 0) != -1 || errno != ECHILD)
        return fail_case("waitpid");
    return waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD ? CASE_PASS : fail_case("waitpid with WNOHANG");
}

static int test_wnohang(void)
{
    for (int i = 0; i < 200; i++) {
        siginfo_t info;
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT))
            return fail_case("waitid");
        if (waitpid(pid, &status, WNOHANG) != pid)
            return fail_case("round %d: a child that has ended is not there", i);
    }
    return CASE_PASS;
}

static int storm(void)
{
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(!can_open(some_file));
        if (!exits_with(pid, 0))
            return 2;
    }
    return 0;
}

static int test_fork_storm(void)
{
    int status, failed = 0;
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            _exit(storm());
    while (wait(&status) > 0)
        failed += status != 0;
    return failed == 0 ? CASE_PASS : fail_case("%d of 4", failed);
}

static int open_in_child(void *unused)
{
    (void) unused;
    _exit(can_open(some_file) ? 11 : errno);
}

static int test_clone_untraced(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    pid_t pid = clone(open_in_child, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, NULL);
    int status = wait_for(pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 11 ? CASE_PASS : fail_case("the child cannot open: status %x", status);
}

static int test_pdeathsig(void)
{
    int ready[2], parent_pipe[2];
    char byte;
    if (pipe(ready) || pipe(parent_pipe))
        return fail_case("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            (void) !write(ready[1], "r", 1);
            wait_forever(NULL);
        }
        _exit(read(ready[0], &byte, 1) != 1);
    }
    if (!exits_with(pid, 0))
        return fail_case("the parent");
    close(ready[1]);
    return read(ready[0], &byte, 1) == 0 ? CASE_PASS : fail_case("the child outlives its parent");
}

const struct test_case process_cases[] = {
    { "vfork", test_vfork },           { "posix_spawn", test_posix_spawn },
    { "clone3", test_clone3 },         { "thread_exec", test_thread_exec },
    { "leader_exit", test_leader_exit }, { "daemon", test_daemon },
    { "zombies", test_zombies },       { "wait_echild", test_wait_echild },
    { "wnohang", test_wnohang },       { "forkstorm", test_fork_storm },
    { "clone_untraced", test_clone_untraced }, { "pdeathsig", test_pdeathsig },
};
const size_t process_case_count = sizeof process_cases / sizeof process_cases[0];
