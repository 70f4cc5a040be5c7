#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTEMPT_SECONDS = 5 };

static const struct attempt *const groups[] = {namespace_attempts, kernel_attempts, tracer_attempts, reach_attempts};

pid_t find_tracer(void)
{
    DIR *dir = opendir("/proc");
    pid_t found = -1;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300], name[32] = "";
        pid_t pid = atoi(entry->d_name);
        if (pid <= 1 || pid == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file) && !strcmp(name, "sensor\n"))
            found = pid;
        if (file)
            fclose(file);
    }
    if (dir)
        closedir(dir);
    if (found < 0)
        errno = NOTHING_THERE;
    return found;
}

int find_directory(char *out, size_t size)
{
    DIR *dir = opendir("/");
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (!strncmp(entry->d_name, ".winnow-", 8)) {
            char events[300];
            snprintf(out, size, "/%s", entry->d_name);
            snprintf(events, sizeof events, "%s/events", out);
            if (access(events, F_OK) == 0) {
                closedir(dir);
                return 0;
            }
        }
    if (dir)
        closedir(dir);
    errno = NOTHING_THERE;
    return -1;
}

/* Prints the outcome of one attempt and returns whether it went as it should. */
static int report(const struct attempt *attempt)
{
    errno = 0;
    if (attempt->run() == 0) {
        printf("%s: SUCCEEDED\n", attempt->name);
        return 0;
    }
    if (errno == NOTHING_THERE)
        printf("%s: nothing there\n", attempt->name);
    else
        printf("%s: refused %s\n", attempt->name, errno ? strerrorname_np(errno) : "(no errno)");
    return 1;
}

/* Makes an attempt in a process of its own, so that what it breaks stays there. */
static void try_apart(const struct attempt *attempt)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        printf("%s: no process\n", attempt->name);
        return;
    }
    if (child == 0) {
        alarm(ATTEMPT_SECONDS);
        report(attempt);
        fflush(stdout);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", attempt->name, sigabbrev_np(WTERMSIG(status)));
}

/* Ends with 0 whatever came of it: an engine may allow some of them to anyone, and the lines tell which. */
static int try_all(void)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        for (const struct attempt *attempt = groups[i]; attempt->name; attempt++)
            try_apart(attempt);
    return 0;
}

static int assault(const char *name)
{
    for (const struct attempt *attempt = assaults; attempt->name; attempt++)
        if (!strcmp(attempt->name, name))
            return !report(attempt);
    fprintf(stderr, "hostile: no assault is called %s\n", name);
    return 64;
}

/* Executed in the place of the observer, with what it holds: says so where the application's own output goes. */
static int misuse(void)
{
    if (!freopen("/proc/1/fd/1", "a", stdout))
        return 1;
    printf("in the observer's place: ");
    return !report(&namespace_attempts[0]);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "observe") == 0)
        return misuse();
    if (argc == 2 && strcmp(argv[1], "escapes") != 0)
        return assault(argv[1]);
    return try_all();
}
