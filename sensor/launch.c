#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caps.h"

int launch_drop(const struct launch *launch, const char **step)
{
    *step = "drop capabilities from the bounding set";
    if (launch->has_caps && caps_bound(launch->caps))
        return -1;
    *step = "change user";
    if (launch->user && user_become(launch->user, launch->started, launch->started_count))
        return -1;
    *step = "drop capabilities";
    if (launch->has_caps && caps_limit(launch->caps))
        return -1;
    /* A change of user hides a process from tracers without SYS_PTRACE, and with it the path of the coming exec. There is
     * nothing to hide: the key has been wiped, and exec decides anew. */
    *step = "become dumpable";
    if (launch->user && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
        return -1;
    *step = "set no_new_privs";
    return launch->no_new_privs ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}

static bool is_executable(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* Looks a name up in PATH as the engine does. Returns 0, or -1 with errno ENOENT. */
static int find_in_path(const char *name, char *out, size_t size)
{
    const char *path = getenv("PATH");
    while (path) {
        size_t length = strcspn(path, ":");
        int written = snprintf(out, size, "%.*s/%s", length ? (int) length : 1, length ? path : ".", name);
        if (written > 0 && (size_t) written < size && is_executable(out))
            return 0;
        path = path[length] ? path + length + 1 : NULL;
    }
    errno = ENOENT;
    return -1;
}

int launch_exec(char **argv)
{
    char found[PATH_MAX];
    const char *program = argv[0];
    if (!strchr(program, '/')) {
        if (find_in_path(program, found, sizeof found)) {
            dprintf(STDERR_FILENO, "sensor: exec: \"%s\": executable file not found in $PATH\n", program);
            return 127;
        }
        program = found;
    }
    execve(program, argv, environ);
    dprintf(STDERR_FILENO, "sensor: exec: \"%s\": %s\n", argv[0], strerror(errno));
    return errno == ENOENT || errno == ENOTDIR ? 127 : 126;
}
