/* An application that runs as root can stop its tracer (SIGSTOP cannot be refused), and then nobody dies any more: a killed
 * process waits for its tracer to see its end, and PID 1 does so before it takes the others with it. So the engine can
 * neither stop nor remove the container. This mode is executed in a container of its own that shares nothing but the pid
 * namespace with the one in question: no limit or stop of the application reaches it. It kills the tracers, and the kernel
 * kills with them what they traced (PTRACE_O_EXITKILL). */
#define _GNU_SOURCE
#include "release.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const ino_t initial_pid_namespace = 0xEFFFFFFC; /* PROC_PID_INIT_INO of the kernel: the machine's own processes */

static int name_of(pid_t pid, char *out, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, out, size - 1);
    if (length < 0)
        return -1;
    out[length] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return 0;
}

/* Kills every process that has the caller's name, but the caller. Returns 0, or -1 with errno set. */
static int kill_namesakes(void)
{
    char own[32], name[32];
    cleanup_dir DIR *dir = opendir("/proc");
    if (!dir || name_of(getpid(), own, sizeof own) != 0)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        pid_t pid = atoi(entry->d_name);
        if (pid <= 1 || pid == getpid() || name_of(pid, name, sizeof name) != 0 || strcmp(name, own) != 0)
            continue;
        if (kill(pid, SIGKILL) != 0 && errno != ESRCH)
            return -1;
    }
    return 0;
}

int release_main(int argc, char **argv)
{
    (void) argv;
    struct stat ns;
    int failed = argc > 1 || stat("/proc/self/ns/pid", &ns) != 0;
    if (!failed && ns.st_ino == initial_pid_namespace) {
        errno = EPERM;
        failed = 1;
    }
    if (!failed && kill_namesakes() == 0)
        return 0;
    fprintf(stderr, "sensor: release: %s\n", strerror(errno));
    return 125;
}
