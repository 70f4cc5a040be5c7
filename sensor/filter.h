/* The seccomp filter: which system calls stop the caller so that the tracer can look, which are refused. */
#ifndef WINNOW_FILTER_H
#define WINNOW_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "syscalls.h"

enum { FILTER_CAPACITY = 4096 }; /* BPF_MAXINSNS */

struct filter {
    struct sock_filter code[FILTER_CAPACITY];
    size_t length;
};

struct filter_options {
    bool refuse; /* what the engine's default profile refuses without SYS_ADMIN */
    bool rare;   /* also stop at every native call that is not hot */
    bool notify; /* notify of the calls that are only looked at instead of stopping there: for notify_install() */
};

/* Whether the tracer does nothing with a call but look at it, and the call does not wait for others. */
bool is_only_looked_at(const struct call *call);

/* Builds the program. Returns 0, or -1 with errno E2BIG. */
int filter_build(struct filter *filter, struct filter_options options);

/* Installs it for the calling thread. Needs SYS_ADMIN or no_new_privs. Returns 0, or -1 with errno set. */
int filter_install(const struct filter *filter);

#endif
