/* `sensor files`: answers questions about the rootfs that it stands in, over stdin and stdout. */
#ifndef WINNOW_FILES_H
#define WINNOW_FILES_H

#include "answer.h"
#include "text.h"

#include <stddef.h>
#include <stdint.h>

/* The payload of a request. It is followed by a NUL that does not count. */
struct request {
    char *payload;
    size_t length;
};

/* What could not be answered in full: one line `REASON TAB path` each, up to a bound; `count` goes on counting. */
struct problems {
    struct text lines;
    uint64_t count;
};

void problems_add(struct problems *problems, const char *reason, const char *path);

/* Sends the end frame: the summary, and after a newline the problems. */
int files_end(struct answer *answer, struct text *summary, const struct problems *problems);

/* Calls for each path of a list whose paths end with NUL, until one returns non-zero. */
int files_each_path(const struct request *request, int (*call)(void *context, const char *path), void *context);

/* Each answers one request. Returns 0, or -1 when the other side is gone. */
int files_index(struct answer *answer, const char *umount);
int files_read(struct answer *answer, const struct request *request);
int files_pack(struct answer *answer, const struct request *request);
int files_hash(struct answer *answer, const struct request *request);

/* Detaches every mount below `/` but those of /proc. Returns 0, or -1 when one of them is left. */
int files_umount(void);

int files_main(int argc, char **argv);

#endif
