/* Reading the memory of a stopped tracee. */
#ifndef WINNOW_TRACEE_H
#define WINNOW_TRACEE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Ways to read, best first; a lower one is used when the engine's seccomp profile or the kernel refuses a higher one. */
enum reading { READ_VM, READ_PROCMEM, READ_PEEK };

struct reader {
    enum reading way;
    size_t page_size;
};

/* Finds out which way works, by reading the caller's own variable in its tracee `pid`, a clone of the caller. */
void reader_init(struct reader *reader, pid_t pid);

/* The word for the way in the event file's H record. */
const char *reader_word(const struct reader *reader);

/* Reads up to `size` bytes, not beyond the page of `addr`. Returns the count, or -1 with errno set. */
ssize_t tracee_read(const struct reader *reader, pid_t tid, uint64_t addr, void *out, size_t size);

/* Reads exactly `size` bytes. Returns 0, or -1 with errno set. */
int tracee_read_all(const struct reader *reader, pid_t tid, uint64_t addr, void *out, size_t size);

/* Reads the NUL-terminated string at `addr`. Returns its length, or -1 with errno set (ENAMETOOLONG: it does not end
 * within `size` bytes). */
ssize_t tracee_string(const struct reader *reader, pid_t tid, uint64_t addr, char *out, size_t size);

#endif
