#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

static struct process **place_of(struct processes *processes, pid_t tid)
{
    struct process **place = &processes->buckets[tid % PROCESS_BUCKETS];
    while (*place && (*place)->tid != tid)
        place = &(*place)->next;
    return place;
}

struct process *process_find(const struct processes *processes, pid_t tid)
{
    struct process *process = processes->buckets[tid % PROCESS_BUCKETS];
    while (process && process->tid != tid)
        process = process->next;
    return process;
}

struct process *process_get(struct processes *processes, pid_t tid)
{
    struct process **place = place_of(processes, tid);
    if (*place)
        return *place;
    struct process *process = malloc(sizeof *process);
    if (!process)
        return NULL;
    *process = (struct process) { .tid = tid, .exe = EXE_UNKNOWN };
    return *place = process;
}

void process_forget(struct processes *processes, pid_t tid)
{
    struct process **place = place_of(processes, tid);
    struct process *process = *place;
    if (!process)
        return;
    *place = process->next;
    free(process);
    processes->gone[processes->gone_next++ % PROCESS_GONE] = tid;
}

bool process_known(const struct processes *processes, pid_t tid)
{
    for (int i = 0; i < PROCESS_GONE; i++)
        if (tid > 0 && processes->gone[i] == tid)
            return true;
    return process_find(processes, tid) != NULL;
}

int process_status(pid_t tid, const char *field, int base, uint64_t *value)
{
    char path[32], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t size = read(fd, text, sizeof text - 1);
    if (size < 0)
        return -1;
    text[size] = '\0';
    char line[32];
    snprintf(line, sizeof line, "\n%s", field);
    char *found = strstr(text, line);
    if (!found) {
        errno = ENOENT;
        return -1;
    }
    *value = strtoull(found + strlen(line), NULL, base);
    return 0;
}

ssize_t process_link(pid_t tid, const char *name, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    ssize_t length = readlink(path, out, size - 1);
    if (length >= 0)
        out[length] = '\0';
    return length;
}
