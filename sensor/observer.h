/* From a stopped system call to records. */
#ifndef WINNOW_OBSERVER_H
#define WINNOW_OBSERVER_H

#include <stdbool.h>

#include "process.h"
#include "records.h"
#include "regs.h"
#include "tracee.h"

struct observer {
    struct records *records;
    struct reader reader;
    int topfd;   /* O_PATH of the container's root directory */
    bool started; /* the application was executed; what came before are the launcher's calls */
    bool rooted; /* some process may have another root directory than the container's */
};

/* Looks at the system call that `process` stopped at, and makes it harmless where that is needed. */
void observer_call(struct observer *observer, struct process *process, const struct stop *stop);

/* The number of the executable that `process` runs. */
uint32_t observer_exe(struct observer *observer, struct process *process);

#endif
