/* Signals and stops. */
#include "robustness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t received;

static void note(int signal_number)
{
    received = signal_number;
}

static void handle(int signal_number)
{
    struct sigaction action = { .sa_handler = note }; /* no SA_RESTART: an interrupted call shows */
    sigaction(signal_number, &action, NULL);
}

static void wait_forever(void)
{
    for (;;)
        pause();
}

static int test_signals(void)
{
    handle(SIGUSR1);
    kill(getpid(), SIGUSR1);
    if (received != SIGUSR1)
        return fail_case("a handler");
    pid_t pid = fork();
    if (pid == 0)
        wait_forever();
    kill(pid, SIGTERM);
    if (!dies_of(pid, SIGTERM))
        return fail_case("SIGTERM");
    pid = fork();
    if (pid == 0) {
        volatile int *nowhere = NULL;
        _exit(*nowhere);
    }
    if (!dies_of(pid, SIGSEGV))
        return fail_case("SIGSEGV");
    pid = fork();
    if (pid == 0) {
        kill(getpid(), SIGKILL);
        wait_forever();
    }
    return dies_of(pid, SIGKILL) ? CASE_PASS : fail_case("SIGKILL");
}

static int stop_and_continue(pid_t pid, int signal_number)
{
    int status;
    kill(pid, signal_number);
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != signal_number)
        return fail_case("stop with %d: status %x", signal_number, status);
    if (!wait_state(pid, "Tt"))
        return fail_case("it does not stay stopped");
    kill(pid, SIGCONT);
    if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
        return fail_case("continue after %d: status %x", signal_number, status);
    return CASE_PASS;
}

static int test_stop_continue(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            close(open(some_file, O_RDONLY));
    int result = stop_and_continue(pid, SIGSTOP);
    /* Without a session's terminal the process group is orphaned, and SIGTSTP stops nothing there, sensor or not. */
    if (result == CASE_PASS && getpgrp() == tcgetpgrp(STDIN_FILENO))
        result = stop_and_continue(pid, SIGTSTP);
    kill(pid, SIGTERM);
    if (!dies_of(pid, SIGTERM) && result == CASE_PASS)
        return fail_case("SIGTERM afterwards");
    return result;
}

static int look_once(void)
{
    struct stat st;
    int fd = open(some_file, O_RDONLY);
    if (fd < 0)
        return -1;
    close(fd);
    return stat(other_file, &st);
}

/* A call that is stopped for the tracer must not return EINTR: the application did not ask for that. */
static int test_eintr(void)
{
    struct itimerval fast = { { 0, 300 }, { 0, 300 } }, off = { { 0, 0 }, { 0, 0 } };
    struct timespec start, now;
    long failed = 0, rounds = 0;
    handle(SIGALRM);
    setitimer(ITIMER_REAL, &fast, NULL);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        failed += look_once() < 0;
        rounds++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 2);
    setitimer(ITIMER_REAL, &off, NULL);
    return failed == 0 ? CASE_PASS : fail_case("%ld of %ld calls failed", failed, rounds);
}

/* An open that waits for the other side of a fifo does return EINTR: programs bound it that way. */
static int test_fifo_timeout(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/robustness-fifo-%d", (int) getpid());
    if (mkfifo(path, 0600))
        return skip_case("no fifo can be made in /tmp");
    handle(SIGALRM);
    struct itimerval soon = { { 0, 50000 }, { 0, 50000 } }, off = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &soon, NULL);
    int result = CASE_PASS;
    for (int round = 0; round < 5 && result == CASE_PASS; round++) {
        int fd = open(path, O_RDONLY);
        if (fd >= 0 || errno != EINTR)
            result = fail_case("round %d: opened as %d, errno %d", round, fd, errno);
    }
    setitimer(ITIMER_REAL, &off, NULL);
    unlink(path);
    return result;
}

static int test_nondumpable(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        _exit(look_once() != 0);
    }
    return exits_with(pid, 0) ? CASE_PASS : fail_case("it cannot open");
}

const struct test_case signal_cases[] = {
    { "signals", test_signals },
    { "stopcont", test_stop_continue },
    { "eintr", test_eintr },
    { "fifo_timeout", test_fifo_timeout },
    { "nondumpable", test_nondumpable },
};
const size_t signal_case_count = sizeof signal_cases / sizeof signal_cases[0];
