/* Who the application runs as: the image's USER, resolved in /etc/passwd and /etc/group as container engines do. */
#ifndef WINNOW_USER_H
#define WINNOW_USER_H

#include <stddef.h>
#include <sys/types.h>

enum { MAX_GROUPS = 1024 };

struct user {
    uid_t uid;
    gid_t gid;
    gid_t groups[MAX_GROUPS]; /* supplementary, those the passwd and group files give */
    size_t group_count;
    char home[4096];
};

/* Resolves `spec` ("", name, uid, either with ":group" or ":gid"). A file that does not exist is an empty one. Returns 0,
 * or -1 with errno set: ENOENT for a name without an entry, ERANGE for a number outside 0..2^31-1. */
int user_resolve(struct user *user, const char *spec, const char *passwd_path, const char *group_path);

/* Becomes `user`, groups first. `started` are the groups the engine gave to the launcher, which it started as 0:0: they
 * tell the groups added to the container, and whether this engine lists the primary group among the others. */
int user_become(const struct user *user, const gid_t *started, size_t started_count);

/* The supplementary groups that user_become() sets. Returns their number, at most `room`. */
size_t user_groups(const struct user *user, const gid_t *started, size_t started_count, gid_t *out, size_t room);

#endif
