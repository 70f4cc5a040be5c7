/* Becoming the application: privileges, then exec. */
#ifndef WINNOW_LAUNCH_H
#define WINNOW_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user.h"

struct launch {
    const struct user *user; /* NULL: stay as started */
    bool has_caps;
    uint64_t caps;
    bool no_new_privs;
    gid_t started[MAX_GROUPS]; /* the groups the engine gave to the launcher */
    size_t started_count;
};

/* Takes on user, groups, capabilities and no_new_privs. `step` says what was tried last. Returns 0, or -1 with errno set. */
int launch_drop(const struct launch *launch, const char **step);

/* Executes argv[0], looked for in PATH when it has no slash. Returns only on failure: the exit status that an engine gives,
 * 127 for what is not there and 126 for what cannot be executed, with errno set. */
int launch_exec(char **argv);

#endif
