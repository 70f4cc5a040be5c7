/* What a path means to a process: our own walk, so that every symbolic link on the way is seen. */
#ifndef WINNOW_RESOLVE_H
#define WINNOW_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* The root directory of a process. All paths here are seen from the container's root. */
struct view {
    int rootfd;          /* O_PATH of the process's root directory */
    int topfd;           /* O_PATH of the container's root directory */
    char root[PATH_MAX]; /* the process's root from the container's, "" when they are the same */
};

enum result { RESULT_OK, RESULT_NOENT, RESULT_NOTDIR, RESULT_ERR, RESULT_VIRT };

struct resolved {
    enum result result;
    mode_t mode;             /* of what was found, 0 if nothing was */
    char path[2 * PATH_MAX]; /* canonical; with a failure the canonical part plus the rest as given */
};

/* Called for each symbolic link that the walk follows: its path, and its target as stored. */
typedef void link_fn(void *context, const char *path, const char *target);

/* Resolves `path`, relative ones below `base` (canonical). A last symbolic link is followed when `follow`. Returns 0 with
 * `out` filled in, or -1 with errno ENAMETOOLONG when the path does not fit. */
int resolve(const struct view *view, const char *base, const char *path, bool follow, struct resolved *out, link_fn *on_link,
            void *context);

/* Opens a canonical path as the process sees it. Returns a descriptor, or -1 with errno set. */
int view_open(const struct view *view, const char *path, int flags);

/* The word for a result in the event file. */
const char *result_word(enum result result);

#endif
