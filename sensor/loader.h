/* What the kernel loads beside an executed file: its `#!` interpreter, and that one's, and the ELF interpreter. */
#ifndef WINNOW_LOADER_H
#define WINNOW_LOADER_H

#include <stddef.h>

/* The interpreter that an executable names. Returns its length in `out`, 0 when there is none, or -1 with errno set when
 * the file cannot be read. */
long loader_interpreter(int fd, char *out, size_t size);

#endif
