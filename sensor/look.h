/* A look at a path that a system call names: once per process image, base directory and path. */
#ifndef WINNOW_LOOK_H
#define WINNOW_LOOK_H

#include <stddef.h>

#include "observer.h"

struct look {
    struct process *process;
    char kind;        /* letter of the F record */
    bool follow;      /* a last symbolic link */
    int dirfd;        /* AT_FDCWD: the working directory */
    const char *path; /* "" for the directory itself */
};

/* Resolves the path, the tracee being stopped, and writes what was found. */
void look_at(struct observer *observer, const struct look *look);

/* Counts what could not be read and says so once per executable. `errno` tells why. */
void look_failed(struct observer *observer, struct process *process);

#endif
