/* The framing of `files` and `relay`: nine bytes of head (a byte and two numbers), then the payload. */
#ifndef WINNOW_FRAME_H
#define WINNOW_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { FRAME_HEAD = 9 };

uint32_t frame_get_u32(const void *from);
uint64_t frame_get_u64(const void *from);
void frame_put_u32(void *to, uint32_t value);

/* Read or write all of it, however often the kernel takes less. Reading returns the number of bytes before the end of
 * the file; both return -1 with errno set. */
ssize_t frame_read(int fd, void *to, size_t count);
int frame_write(int fd, const void *from, size_t count);

#endif
