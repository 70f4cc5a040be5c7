/* Scope-bound clean-up: a variable declared with one of these is released when it goes out of scope. */
#ifndef WINNOW_CLEANUP_H
#define WINNOW_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static inline void close_fd_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void free_(void *pointer)
{
    free(*(void **) pointer);
}

static inline void close_dir_(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

#define cleanup_fd __attribute__((cleanup(close_fd_)))
#define cleanup_free __attribute__((cleanup(free_)))
#define cleanup_dir __attribute__((cleanup(close_dir_)))

#endif
