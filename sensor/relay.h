/* `sensor relay`: TCP streams of this network namespace, multiplexed over stdin and stdout. */
#ifndef WINNOW_RELAY_H
#define WINNOW_RELAY_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RELAY_STREAMS = 1024,
    RELAY_WINDOW = 256 * 1024,     /* bytes of a stream that may be under way in each direction, not yet acknowledged */
    RELAY_OUTPUT_MAX = 1024 * 1024, /* above this much waiting for stdout nothing more is read */
};

/* Bytes that wait to be written; those before `start` are gone already. */
struct queue {
    struct text text;
    size_t start;
};

size_t queue_length(const struct queue *queue);
void queue_took(struct queue *queue, size_t count);
void queue_free(struct queue *queue);

/* Writes what it can without blocking. Returns how much, or -1 with errno set. */
ssize_t queue_write(struct queue *queue, int fd);

void relay_frame(struct queue *out, char op, uint32_t stream, const void *payload, size_t length);

/* Sends a frame whose payload is the name of an errno value; with ": text" after it when `long_form`. */
void relay_error(struct queue *out, char op, uint32_t stream, int number, bool long_form);

enum stream_state { STREAM_FREE, STREAM_CONNECTING, STREAM_OPEN };

struct stream {
    enum stream_state state;
    uint32_t id;
    int fd;
    struct queue to_peer;
    size_t credit;    /* bytes that the caller is ready to take */
    bool caller_done; /* the caller sent its end; it is passed on when to_peer is empty */
    bool peer_done;   /* the peer's end was passed on */
    int broken;       /* errno of a failed write: what the peer still sends is read, then the stream is closed */
};

/* `target` is the text "ADDRESS PORT". Answers `o` or `x`, perhaps later. */
void stream_open(struct stream *stream, uint32_t id, const char *target, struct queue *out);

/* Takes data of the caller. Returns -1 when it is more than the window allows. */
int stream_take(struct stream *stream, const void *bytes, size_t count, struct queue *out);
void stream_caller_done(struct stream *stream, struct queue *out);
void stream_close(struct stream *stream, int number, struct queue *out);

/* Which of POLLIN and POLLOUT it waits for; may be none. */
short stream_events(const struct stream *stream);
void stream_ready(struct stream *stream, short events, struct queue *out);

/* Adds the listening TCP sockets as lines to `lines`. Returns 0, or -1 with errno set. */
int relay_listeners(struct text *lines);

int relay_main(int argc, char **argv);

#endif
