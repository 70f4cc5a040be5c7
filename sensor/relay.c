/* The loop of `sensor relay`: frames in, sockets, frames out. */
#define _GNU_SOURCE
#include "relay.h"

#include "cleanup.h"
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

enum { INPUT = 0, OUTPUT = 1, FIRST_STREAM = 2, PAYLOAD_MAX = RELAY_WINDOW };

struct relay {
    struct queue out;
    size_t input_used;
    size_t turn; /* the stream that is served first, so that no one starves */
    struct stream streams[RELAY_STREAMS];
    struct pollfd polled[FIRST_STREAM + RELAY_STREAMS];
    char input[FRAME_HEAD + PAYLOAD_MAX];
};

static struct stream *find_stream(struct relay *relay, uint32_t id)
{
    for (size_t i = 0; i < RELAY_STREAMS; i++)
        if (relay->streams[i].state != STREAM_FREE && relay->streams[i].id == id)
            return &relay->streams[i];
    return NULL;
}

static int open_stream(struct relay *relay, uint32_t id, const char *payload, size_t length)
{
    char target[64] = "";
    if (find_stream(relay, id))
        return -1;
    if (length < sizeof target)
        memcpy(target, payload, length); /* longer: no address, so it is refused as one */
    for (size_t i = 0; i < RELAY_STREAMS; i++)
        if (relay->streams[i].state == STREAM_FREE) {
            stream_open(&relay->streams[i], id, target, &relay->out);
            return 0;
        }
    relay_error(&relay->out, 'x', id, EMFILE, true);
    return 0;
}

static void list_listeners(struct relay *relay, uint32_t id)
{
    cleanup_text struct text lines = {0};
    if (relay_listeners(&lines) != 0)
        relay_error(&relay->out, 'x', id, errno, true);
    else
        relay_frame(&relay->out, 'l', id, lines.data, lines.used);
}

/* What is left of the file system that holds the engine's containers: this one's root lies there like everyone's. */
static void tell_free(struct relay *relay, uint32_t id)
{
    cleanup_text struct text line = {0};
    struct statvfs disk;
    if (statvfs("/", &disk) != 0) {
        relay_error(&relay->out, 'x', id, errno, true);
        return;
    }
    text_number(&line, (uint64_t) disk.f_bavail * disk.f_frsize, 10);
    text_string(&line, " ");
    text_number(&line, (uint64_t) disk.f_blocks * disk.f_frsize, 10);
    relay_frame(&relay->out, 'f', id, line.data, line.used);
}

/* The caller has taken so many bytes. */
static int add_credit(struct stream *stream, const char *payload, size_t length)
{
    if (length != 4 || frame_get_u32(payload) > RELAY_WINDOW - stream->credit)
        return -1;
    stream->credit += frame_get_u32(payload);
    return 0;
}

/* Returns -1 when the caller does not keep to the protocol. */
static int take_frame(struct relay *relay, char op, uint32_t id, const char *payload, size_t length)
{
    if (op == 'L') {
        list_listeners(relay, id);
        return 0;
    }
    if (op == 'F') {
        tell_free(relay, id);
        return 0;
    }
    if (op == 'O')
        return open_stream(relay, id, payload, length);
    struct stream *stream = find_stream(relay, id);
    if (!strchr("DECW", op))
        return -1;
    if (!stream) /* closed here while the frame was under way */
        return 0;
    if (op == 'D')
        return stream_take(stream, payload, length, &relay->out);
    if (op == 'W')
        return add_credit(stream, payload, length);
    if (op == 'E')
        stream_caller_done(stream, &relay->out);
    else
        stream_close(stream, 0, &relay->out);
    return 0;
}

/* Takes the whole frames that are in the input. */
static int take_frames(struct relay *relay)
{
    size_t at = 0;
    while (relay->input_used - at >= FRAME_HEAD) {
        const char *head = relay->input + at;
        size_t length = frame_get_u32(head + 5);
        if (length > PAYLOAD_MAX)
            return -1;
        if (relay->input_used - at < FRAME_HEAD + length)
            break;
        if (take_frame(relay, head[0], frame_get_u32(head + 1), head + FRAME_HEAD, length) != 0)
            return -1;
        at += FRAME_HEAD + length;
    }
    relay->input_used -= at;
    memmove(relay->input, relay->input + at, relay->input_used);
    return 0;
}

/* Returns 1, 0 at the end of the input, -1 with errno set. */
static int read_input(struct relay *relay)
{
    ssize_t got = read(STDIN_FILENO, relay->input + relay->input_used, sizeof relay->input - relay->input_used);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    if (got == 0)
        return 0;
    relay->input_used += (size_t) got;
    if (take_frames(relay) == 0)
        return 1;
    errno = EPROTO;
    return -1;
}

static void watch(struct relay *relay)
{
    bool ahead = queue_length(&relay->out) >= RELAY_OUTPUT_MAX;
    relay->polled[INPUT] = (struct pollfd) {.fd = ahead ? -1 : STDIN_FILENO, .events = POLLIN};
    relay->polled[OUTPUT] = (struct pollfd) {.fd = queue_length(&relay->out) ? STDOUT_FILENO : -1, .events = POLLOUT};
    for (size_t i = 0; i < RELAY_STREAMS; i++) {
        struct stream *stream = &relay->streams[i];
        int events = stream->state == STREAM_FREE ? 0 : stream_events(stream);
        if (ahead)
            events &= ~POLLIN;
        /* Without a wish it is left out: a socket that hung up would wake the loop for nothing, again and again. */
        relay->polled[FIRST_STREAM + i] = (struct pollfd) {.fd = events ? stream->fd : -1, .events = (short) events};
    }
}

static void serve_streams(struct relay *relay)
{
    for (size_t n = 0; n < RELAY_STREAMS; n++) {
        size_t i = (relay->turn + n) % RELAY_STREAMS;
        const struct pollfd *polled = &relay->polled[FIRST_STREAM + i];
        if (polled->fd < 0 || !polled->revents)
            continue;
        if (queue_length(&relay->out) >= RELAY_OUTPUT_MAX) {
            relay->turn = i;
            return;
        }
        stream_ready(&relay->streams[i], polled->revents, &relay->out);
    }
}

/* Returns 1, 0 at the end of the input, -1 with errno set. */
static int turn(struct relay *relay)
{
    watch(relay);
    if (poll(relay->polled, FIRST_STREAM + RELAY_STREAMS, -1) < 0)
        return errno == EINTR ? 1 : -1;
    serve_streams(relay); /* before the input, which may reuse a place of the table */
    int more = relay->polled[INPUT].fd >= 0 && relay->polled[INPUT].revents ? read_input(relay) : 1;
    if (relay->out.text.failed) {
        errno = ENOMEM;
        return -1;
    }
    if (more == 1 && queue_write(&relay->out, STDOUT_FILENO) < 0)
        return -1;
    return more;
}

static int prepare(void)
{
    struct rlimit files;
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files); /* else a stream too many is refused with EMFILE */
    }
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
            return -1;
    }
    return 0;
}

int relay_main(int argc, char **argv)
{
    (void) argv;
    if (argc > 1) {
        fputs("usage: sensor relay\n", stderr);
        return 125;
    }
    cleanup_free struct relay *relay = calloc(1, sizeof *relay);
    int more = relay && prepare() == 0 ? 1 : -1;
    while (more == 1)
        more = turn(relay);
    if (more < 0)
        fprintf(stderr, "sensor: relay: %s\n", strerror(errno));
    return more < 0 ? 125 : 0;
}
