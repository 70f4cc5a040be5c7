/* A program to observe: shows what an application can tell about itself, and behaves in the ways that PID 1 can.
 *   state            what it is: ids, groups, capabilities, signals, terminal, session, open descriptors
 *   run PROGRAM...   runs a program and passes its status on
 *   wait             says `ready` and waits, without a handler for any signal
 *   wait-handler     the same; exits with 5 on SIGTERM
 *   wait-ignore      the same; ignores SIGTERM
 *   raise            sends itself SIGSEGV, SIGTERM and SIGKILL and exits with 0 if it survives
 *   leave            leaves a child behind that waits, and exits with 3
 *   open PATH...     opens files for reading
 *   switch UID PROGRAM...  becomes another user, then executes */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_status(void)
{
    static const char *const wanted[] = { "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd",
                                          "CapAmb", "NoNewPrivs", "Seccomp:" };
    FILE *file = fopen("/proc/self/status", "re");
    char line[4096];
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            if (!strncmp(line, wanted[i], strlen(wanted[i])))
                fputs(line, stdout);
    if (file)
        fclose(file);
}

static void print_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    printf("descriptors");
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
            printf(" %s", entry->d_name);
    printf("\n");
    if (dir)
        closedir(dir);
}

static int show_state(void)
{
    char cwd[4096];
    int status;
    const char *home = getenv("HOME"), *path = getenv("PATH");
    print_status();
    print_descriptors();
    printf("pid %d pgid %d sid %d ppid %d\n", getpid(), getpgrp(), getsid(0), getppid());
    printf("terminal %d %d %d foreground %d\n", isatty(0), isatty(1), isatty(2), isatty(0) ? tcgetpgrp(0) : 0);
    printf("HOME %s PATH %s cwd %s\n", home ? home : "-", path ? path : "-", getcwd(cwd, sizeof cwd) ? cwd : "-");
    for (char **variable = environ; *variable; variable++)
        if (strstr(*variable, "SENSOR") || strstr(*variable, "0001020304050607"))
            printf("leaked %s\n", *variable);
    printf("children %d\n", waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD ? 0 : 1);
    return 0;
}

static void exit_with_5(int signal_number)
{
    (void) signal_number;
    _exit(5);
}

static void wait_for_end(void (*handler)(int))
{
    signal(SIGTERM, handler);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}

static int raise_all(void)
{
    static const int signals[] = { SIGSEGV, SIGTERM, SIGKILL };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        kill(getpid(), signals[i]);
    printf("survived\n");
    return 0;
}

static int leave_child(void)
{
    if (fork() == 0)
        for (;;)
            pause();
    return 3;
}

static int run_program(char **argv)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int open_files(char **paths)
{
    for (; *paths; paths++) {
        int fd = open(*paths, O_RDONLY);
        printf("%s %s\n", *paths, fd < 0 ? strerror(errno) : "opened");
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

static int switch_user(char **argv)
{
    uid_t uid = (uid_t) atoi(argv[0]);
    if (setgroups(0, NULL) || setgid(uid) || setuid(uid)) {
        perror("setuid");
        return 1;
    }
    execv(argv[1], argv + 1);
    return 127;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "state";
    if (!strcmp(mode, "state"))
        return show_state();
    if (!strcmp(mode, "run") && argc > 2)
        return run_program(argv + 2);
    if (!strcmp(mode, "wait"))
        wait_for_end(SIG_DFL);
    if (!strcmp(mode, "wait-handler"))
        wait_for_end(exit_with_5);
    if (!strcmp(mode, "wait-ignore"))
        wait_for_end(SIG_IGN);
    if (!strcmp(mode, "raise"))
        return raise_all();
    if (!strcmp(mode, "leave"))
        return leave_child();
    if (!strcmp(mode, "open"))
        return open_files(argv + 2);
    if (!strcmp(mode, "switch") && argc > 3)
        return switch_user(argv + 2);
    fprintf(stderr, "subject: unknown mode %s\n", mode);
    return 2;
}
