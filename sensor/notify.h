/* System calls that are only looked at, by seccomp's user notification: the caller waits, but is not stopped. That saves most of
 * a stop's cost, because the kernel can run the tracer on the caller's processor at once (Linux 6.6) instead of waking another. */
#ifndef WINNOW_NOTIFY_H
#define WINNOW_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

#include "filter.h"
#include "regs.h"

struct notice {
    uint64_t id;
    pid_t tid; /* the caller, in the namespace of whoever receives; 0 when it is outside of it */
    struct stop stop;
};

/* Installs a filter with notifications for the calling thread, as filter_install(). Returns the descriptor that they are
 * received from, or -1 with errno set: before Linux 5.19, or when the thread has such a filter already. */
int notify_install(const struct filter *filter);

/* Sends a descriptor of notifications through a socket, -1: there is none. Returns 0, or -1 with errno set. */
int notify_send(int sock, int listener);

/* Receives what notify_send() sent. Returns the descriptor, or -1. */
int notify_receive(int sock);

/* Receives a notification. Returns 0, or -1 with errno set (ENOENT: the caller was killed meanwhile). */
int notify_next(int listener, struct notice *notice);

/* Lets the call go on. An error says that its caller is gone. */
void notify_continue(int listener, const struct notice *notice);

#endif
