/* The observer: its memory, its descriptors, its key and its standing. */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int call(long result)
{
    return result < 0 ? -1 : 0;
}

static int trace(long request)
{
    pid_t tracer = find_tracer();
    return tracer < 0 ? -1 : call(syscall(SYS_ptrace, request, tracer, 0, 0));
}

static int attach(void)
{
    return trace(PTRACE_ATTACH);
}

static int seize(void)
{
    return trace(PTRACE_SEIZE);
}

static int transfer(long number)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *) (uintptr_t) 0x400000, 1};
    pid_t tracer = find_tracer();
    return tracer < 0 ? -1 : call(syscall(number, tracer, &here, 1, &there, 1, 0));
}

static int read_vm(void)
{
    return transfer(SYS_process_vm_readv);
}

static int write_vm(void)
{
    return transfer(SYS_process_vm_writev);
}

static int open_part(const char *part, int flags)
{
    char path[64], byte;
    pid_t tracer = find_tracer();
    if (tracer < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/%s", tracer, part);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 || flags != O_RDONLY)
        return call(fd);
    return call(read(fd, &byte, 1));
}

static int open_memory(void)
{
    return open_part("mem", O_RDWR);
}

static int read_environment(void)
{
    return open_part("environ", O_RDONLY);
}

static int read_maps(void)
{
    return open_part("maps", O_RDONLY);
}

static int read_auxv(void)
{
    return open_part("auxv", O_RDONLY);
}

static int read_stack(void)
{
    return open_part("stack", O_RDONLY);
}

/* Its event file: the numbers of its descriptors are no secret from root, what they are open on is. */
static int open_descriptor(void)
{
    return open_part("fd/3", O_RDWR);
}

static int enter_root(void)
{
    return open_part("root/", O_DIRECTORY);
}

static int open_program(void)
{
    return open_part("exe", O_RDONLY);
}

static int take_descriptor(void)
{
    pid_t tracer = find_tracer();
    int fd = tracer < 0 ? -1 : (int) syscall(SYS_pidfd_open, tracer, 0);
    return fd < 0 ? -1 : call(syscall(SYS_pidfd_getfd, fd, 3, 0));
}

static int compare_descriptors(void)
{
    pid_t tracer = find_tracer();
    return tracer < 0 ? -1 : call(syscall(SYS_kcmp, getpid(), tracer, 0, 0, 0));
}

/* The key of the event file, in the environment of any process that still shows it. */
static int read_key(void)
{
    static char text[65536];
    DIR *dir = opendir("/proc");
    int found = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[300];
        if (atoi(entry->d_name) <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text);
        if (fd >= 0)
            close(fd);
        if (size > 0 && memmem(text, (size_t) size, "WINNOW_", 7))
            found = 1;
    }
    if (dir)
        closedir(dir);
    errno = ENOKEY;
    return found ? 0 : -1;
}

/* A process that its tracer lost sight of could do what it wants. */
static int leave_sight(void)
{
    return trace(PTRACE_DETACH);
}

const struct attempt tracer_attempts[] = {
    {"tracer-attach", attach},
    {"tracer-seize", seize},
    {"tracer-detach", leave_sight},
    {"tracer-vm-read", read_vm},
    {"tracer-vm-write", write_vm},
    {"tracer-mem", open_memory},
    {"tracer-environ", read_environment},
    {"tracer-maps", read_maps},
    {"tracer-auxv", read_auxv},
    {"tracer-stack", read_stack},
    {"tracer-fd", open_descriptor},
    {"tracer-root", enter_root},
    {"tracer-exe", open_program},
    {"tracer-getfd", take_descriptor},
    {"tracer-kcmp", compare_descriptors},
    {"key-read", read_key},
    {NULL, NULL},
};
