/* Runs all cases, or those named: one line each, `NAME pass`, `NAME skip: WHY` or `NAME fail: WHAT`. Exit status 1 if any failed. */
#include "robustness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char some_file[64], other_file[64], this_program[PATH_MAX];

enum { EXIT_AFTER_EXEC = 77, CASE_SECONDS = 30 };

int fail_case(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    printf("fail: ");
    vprintf(format, arguments);
    printf(" (%s)\n", strerror(error));
    va_end(arguments);
    return CASE_FAIL;
}

int skip_case(const char *why)
{
    printf("skip: %s\n", why);
    return CASE_SKIP;
}

int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

bool exits_with(pid_t pid, int code)
{
    int status = wait_for(pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

bool dies_of(pid_t pid, int signal_number)
{
    int status = wait_for(pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
}

static char read_state(pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0)
        return '?';
    text[size] = '\0';
    char *name_end = strrchr(text, ')');
    return name_end ? name_end[2] : '?';
}

bool wait_state(pid_t pid, const char *states)
{
    const struct timespec pause_time = { .tv_nsec = 1000000 };
    for (int i = 0; i < 5000; i++) {
        if (strchr(states, read_state(pid)))
            return true;
        nanosleep(&pause_time, NULL);
    }
    return false;
}

static int run_case(const struct test_case *test)
{
    printf("%s ", test->name);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CASE_SECONDS);
        int result = test->run();
        if (result == CASE_PASS)
            printf("pass\n");
        fflush(stdout);
        _exit(result);
    }
    int status = wait_for(pid);
    if (WIFSIGNALED(status))
        printf("fail: ended by signal %d\n", WTERMSIG(status));
    return status != 0 && WEXITSTATUS(status) != CASE_SKIP;
}

static int run_cases(const struct test_case *cases, size_t count, int argc, char **argv)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        bool wanted = argc < 2;
        for (int j = 1; j < argc; j++)
            wanted = wanted || !strcmp(argv[j], cases[i].name);
        failed += wanted && run_case(&cases[i]);
    }
    return failed;
}

static bool make_file(char *path, size_t size, const char *name)
{
    static const char *const places[] = { "/tmp", "/dev/shm", "." };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, size, "%s/%s.%d", places[i], name, getpid());
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd >= 0) {
            close(fd);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--exit"))
        return argc > 2 ? atoi(argv[2]) : EXIT_AFTER_EXEC;
    ssize_t length = readlink("/proc/self/exe", this_program, sizeof this_program - 1);
    if (length < 0 || !make_file(some_file, sizeof some_file, "robust-some") || !make_file(other_file, sizeof other_file, "robust-other")) {
        perror("robustness: cannot make files");
        return 2;
    }
    int failed = run_cases(process_cases, process_case_count, argc, argv) + run_cases(signal_cases, signal_case_count, argc, argv) +
                 run_cases(seccomp_cases, seccomp_case_count, argc, argv) + run_cases(system_cases, system_case_count, argc, argv);
    unlink(some_file);
    unlink(other_file);
    printf("failed %d\n", failed);
    return failed > 0;
}
