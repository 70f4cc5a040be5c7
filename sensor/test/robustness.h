/* The robustness suite: what a program does and notices must be the same with and without the sensor. */
#ifndef WINNOW_ROBUSTNESS_H
#define WINNOW_ROBUSTNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CASE_PASS = 0, CASE_FAIL = 1, CASE_SKIP = 2 };

/* A case runs in a process of its own and is given 30 s. */
struct test_case {
    const char *name;
    int (*run)(void);
};

/* Says what went wrong, with errno, and returns CASE_FAIL. */
int fail_case(const char *format, ...) __attribute__((format(printf, 1, 2)));
int skip_case(const char *why);

/* The wait status of a child, -1 when there is none. */
int wait_for(pid_t pid);

/* Whether the child exited with `code`. */
bool exits_with(pid_t pid, int code);

/* Whether the child was ended by `signal`. */
bool dies_of(pid_t pid, int signal);

/* Waits until the state letter of /proc/PID/stat is one of `states`, at most 5 s. */
bool wait_state(pid_t pid, const char *states);

/* Files that the suite made for itself: a minimal image holds none of its own. */
extern char some_file[], other_file[], this_program[];

extern const struct test_case process_cases[], signal_cases[], seccomp_cases[], system_cases[];
extern const size_t process_case_count, signal_case_count, seccomp_case_count, system_case_count;

#endif
