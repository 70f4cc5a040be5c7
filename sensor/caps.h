/* Capabilities of the calling process. */
#ifndef WINNOW_CAPS_H
#define WINNOW_CAPS_H

#include <stdint.h>

/* The effective capabilities. Returns 0, or -1 with errno set. */
int caps_effective(uint64_t *mask);

/* Drops what is not in `mask` from the bounding set. Needs SETPCAP if there is anything to drop. Returns 0, or -1 with
 * errno set. */
int caps_bound(uint64_t mask);

/* Drops what is not in `mask` from the effective, permitted, inheritable and ambient sets. Returns 0, or -1 with errno set. */
int caps_limit(uint64_t mask);

#endif
