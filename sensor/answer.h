/* The answer of `files` to one request: data frames of at most 256 KiB, then one end or error frame. */
#ifndef WINNOW_ANSWER_H
#define WINNOW_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum { ANSWER_DATA = 256 * 1024 };

struct answer {
    int fd;
    uint32_t id;
    size_t used;           /* payload bytes waiting in buffer */
    unsigned char *buffer; /* head, then payload */
};

int answer_init(struct answer *answer, int fd);
void answer_free(struct answer *answer);

/* All return 0, or -1 when the other side is gone. */
int answer_add(struct answer *answer, const void *bytes, size_t count);
int answer_zeros(struct answer *answer, uint64_t count);
int answer_end(struct answer *answer, const void *text, size_t count);
int answer_error(struct answer *answer, int number, const char *what);

/* Free room in the frame under way (at least one byte), so that a file is read straight into it; answer_took counts
 * what was put there. NULL when the other side is gone. */
void *answer_room(struct answer *answer, size_t *count);
void answer_took(struct answer *answer, size_t count);

#endif
