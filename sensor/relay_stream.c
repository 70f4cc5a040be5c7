/* One TCP stream: its socket, what waits for its peer, and both ends of its flow control. */
#define _GNU_SOURCE
#include "relay.h"

#include "cleanup.h"
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { CHUNK = 64 * 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the length of the address, or -1 with errno set. */
static int parse_target(const char *target, union address *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    const char *space = strchr(target, ' ');
    char *end;
    errno = EINVAL;
    if (!space || (size_t) (space - target) >= sizeof host || space[1] < '0' || space[1] > '9')
        return -1;
    memcpy(host, target, (size_t) (space - target));
    unsigned long port = strtoul(space + 1, &end, 10);
    if (*end || port == 0 || port > 65535)
        return -1;
    *address = (union address) {0};
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t) port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t) port);
        return sizeof address->v6;
    }
    errno = EINVAL;
    return -1;
}

/* Frees the number without a word; the caller of this has said it. */
static void forget(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    queue_free(&stream->to_peer);
    *stream = (struct stream) {.fd = -1};
}

static void refuse(struct stream *stream, int number, struct queue *out)
{
    relay_error(out, 'x', stream->id, number, true);
    forget(stream);
}

void stream_open(struct stream *stream, uint32_t id, const char *target, struct queue *out)
{
    union address address;
    int one = 1;
    *stream = (struct stream) {.state = STREAM_CONNECTING, .id = id, .fd = -1, .credit = RELAY_WINDOW};
    int length = parse_target(target, &address);
    if (length >= 0)
        stream->fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) {
        refuse(stream, errno, out);
        return;
    }
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(stream->fd, &address.any, (socklen_t) length) != 0 && errno != EINPROGRESS)
        refuse(stream, errno, out); /* success too is told by the socket becoming writable */
}

void stream_close(struct stream *stream, int number, struct queue *out)
{
    relay_error(out, 'c', stream->id, number, false);
    forget(stream);
}

/* Tells the caller that it may send so many bytes more. */
static void acknowledge(const struct stream *stream, size_t count, struct queue *out)
{
    unsigned char payload[4];
    if (count == 0)
        return;
    frame_put_u32(payload, (uint32_t) count);
    relay_frame(out, 'w', stream->id, payload, sizeof payload);
}

/* After a failed write the peer may still have said something worth reading: a server that refuses a body answers and
 * closes. */
static void give_up_writing(struct stream *stream, int number, struct queue *out)
{
    acknowledge(stream, queue_length(&stream->to_peer), out);
    queue_free(&stream->to_peer);
    stream->broken = number;
}

static void close_if_done(struct stream *stream, struct queue *out)
{
    if (stream->peer_done && (stream->broken || (stream->caller_done && queue_length(&stream->to_peer) == 0)))
        stream_close(stream, stream->broken, out);
}

static void write_to_peer(struct stream *stream, struct queue *out)
{
    size_t before = queue_length(&stream->to_peer);
    int failed = queue_write(&stream->to_peer, stream->fd) < 0 ? errno : 0;
    acknowledge(stream, before - queue_length(&stream->to_peer), out);
    if (failed)
        give_up_writing(stream, failed, out);
    else if (stream->caller_done && queue_length(&stream->to_peer) == 0)
        shutdown(stream->fd, SHUT_WR);
    close_if_done(stream, out);
}

int stream_take(struct stream *stream, const void *bytes, size_t count, struct queue *out)
{
    if (count > RELAY_WINDOW - queue_length(&stream->to_peer) || stream->caller_done)
        return -1;
    if (stream->broken) {
        acknowledge(stream, count, out);
        return 0;
    }
    text_add(&stream->to_peer.text, bytes, count);
    if (stream->to_peer.text.failed)
        stream_close(stream, ENOMEM, out);
    else if (stream->state == STREAM_OPEN)
        write_to_peer(stream, out);
    return 0;
}

void stream_caller_done(struct stream *stream, struct queue *out)
{
    stream->caller_done = true;
    if (stream->state == STREAM_OPEN)
        write_to_peer(stream, out);
}

static void read_from_peer(struct stream *stream, struct queue *out)
{
    char chunk[CHUNK];
    size_t want = stream->credit < CHUNK ? stream->credit : CHUNK;
    ssize_t got = recv(stream->fd, chunk, want, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        stream_close(stream, errno, out);
        return;
    }
    if (got == 0) {
        stream->peer_done = true;
        relay_frame(out, 'e', stream->id, NULL, 0);
        close_if_done(stream, out);
        return;
    }
    stream->credit -= (size_t) got;
    relay_frame(out, 'd', stream->id, chunk, (size_t) got);
}

static void finish_connect(struct stream *stream, struct queue *out)
{
    int number = 0;
    socklen_t length = sizeof number;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &length) != 0)
        number = errno;
    if (number) {
        refuse(stream, number, out);
        return;
    }
    stream->state = STREAM_OPEN;
    relay_frame(out, 'o', stream->id, NULL, 0);
    write_to_peer(stream, out);
}

short stream_events(const struct stream *stream)
{
    int events = 0;
    if (stream->state == STREAM_CONNECTING)
        return POLLOUT;
    if (!stream->peer_done && stream->credit)
        events |= POLLIN;
    if (queue_length(&stream->to_peer))
        events |= POLLOUT;
    return (short) events;
}

/* A broken socket shows POLLERR or POLLHUP: the read or the write that was waited for tells how. */
void stream_ready(struct stream *stream, short events, struct queue *out)
{
    short wanted = stream_events(stream);
    if (stream->state == STREAM_CONNECTING) {
        finish_connect(stream, out);
        return;
    }
    if ((wanted & POLLOUT) && (events & ~POLLIN))
        write_to_peer(stream, out);
    if (stream->state == STREAM_OPEN && (stream_events(stream) & POLLIN) && (events & ~POLLOUT))
        read_from_peer(stream, out);
}
