/* Attempts to get out of a container or to harm its observer. Each returns as a system call does: -1 with errno when it was
 * refused, which is what is wanted, else 0. None does harm where it succeeds: it opens, and does not write; it sets what is
 * set already. ENOMEDIUM means that there is nothing to attack, as there is no tracer in a plain container. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stddef.h>
#include <sys/types.h>

struct attempt {
    const char *name;
    int (*run)(void);
};

#define NOTHING_THERE ENOMEDIUM
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Ends with an entry without a name. */
extern const struct attempt namespace_attempts[];
extern const struct attempt kernel_attempts[];
extern const struct attempt tracer_attempts[];
extern const struct attempt reach_attempts[];

/* What ends the observation, or the container: one at a time, by name. */
extern const struct attempt assaults[];

/* The process of the observer, as its name shows it; -1 with errno NOTHING_THERE when there is none. */
pid_t find_tracer(void);

/* The directory of the observer, below `/`; -1 with errno NOTHING_THERE when there is none. */
int find_directory(char *out, size_t size);

#endif
