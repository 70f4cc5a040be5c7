/* What waits to be written, and the frames that are put there. */
#include "relay.h"

#include "error_name.h"
#include "frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { KEEP_MAX = 256 * 1024 }; /* an empty queue gives larger memory back */

size_t queue_length(const struct queue *queue)
{
    return queue->text.used - queue->start;
}

void queue_took(struct queue *queue, size_t count)
{
    queue->start += count;
    if (queue->start == queue->text.used) {
        queue->start = queue->text.used = 0;
        if (queue->text.size > KEEP_MAX)
            text_free(&queue->text);
    } else if (queue->start > queue->text.used / 2) {
        memmove(queue->text.data, queue->text.data + queue->start, queue_length(queue));
        queue->text.used -= queue->start;
        queue->start = 0;
    }
}

void queue_free(struct queue *queue)
{
    text_free(&queue->text);
    queue->start = 0;
}

ssize_t queue_write(struct queue *queue, int fd)
{
    size_t done = 0;
    while (queue_length(queue)) {
        ssize_t put = write(fd, queue->text.data + queue->start, queue_length(queue));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN)
            break;
        if (put < 0)
            return -1;
        queue_took(queue, (size_t) put);
        done += (size_t) put;
    }
    return (ssize_t) done;
}

void relay_frame(struct queue *out, char op, uint32_t stream, const void *payload, size_t length)
{
    unsigned char head[FRAME_HEAD] = {(unsigned char) op};
    frame_put_u32(head + 1, stream);
    frame_put_u32(head + 5, (uint32_t) length);
    text_add(&out->text, head, sizeof head);
    text_add(&out->text, payload, length);
}

void relay_error(struct queue *out, char op, uint32_t stream, int number, bool long_form)
{
    cleanup_text struct text text = {0};
    if (number)
        text_string(&text, error_name(number));
    if (long_form) {
        text_string(&text, ": ");
        text_string(&text, strerror(number));
    }
    relay_frame(out, op, stream, text.data, text.used);
}
