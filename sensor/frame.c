#include "frame.h"

#include <errno.h>
#include <unistd.h>

uint32_t frame_get_u32(const void *from)
{
    const unsigned char *bytes = from;
    return (uint32_t) bytes[0] | (uint32_t) bytes[1] << 8 | (uint32_t) bytes[2] << 16 | (uint32_t) bytes[3] << 24;
}

uint64_t frame_get_u64(const void *from)
{
    const unsigned char *bytes = from;
    return frame_get_u32(bytes) | (uint64_t) frame_get_u32(bytes + 4) << 32;
}

void frame_put_u32(void *to, uint32_t value)
{
    unsigned char *bytes = to;
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char) (value >> (8 * i));
}

ssize_t frame_read(int fd, void *to, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t got = read(fd, (char *) to + done, count - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t) got;
    }
    return (ssize_t) done;
}

int frame_write(int fd, const void *from, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t put = write(fd, (const char *) from + done, count - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        done += (size_t) put;
    }
    return 0;
}
