#include "notify.h"

#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Missing from the headers before 5.19 and 6.6. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

int notify_install(const struct filter *filter)
{
    struct sock_fprog program = { .len = (unsigned short) filter->length, .filter = (struct sock_filter *) filter->code };
    /* Killable: a signal must not start the call anew, which would be looked at, and written down, twice. */
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    int listener = (int) syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener >= 0) /* without it things are slower, nothing else */
        (void) ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    return listener;
}

/* A message of one byte with room for one descriptor. */
struct message {
    char byte;
    struct iovec part;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr header;
};

static void prepare(struct message *message)
{
    memset(message, 0, sizeof *message);
    message->part = (struct iovec) { .iov_base = &message->byte, .iov_len = 1 };
    message->header.msg_iov = &message->part;
    message->header.msg_iovlen = 1;
    message->header.msg_control = message->control;
    message->header.msg_controllen = sizeof message->control;
}

int notify_send(int sock, int listener)
{
    struct message message;
    prepare(&message);
    if (listener < 0) {
        message.header.msg_controllen = 0;
    } else {
        struct cmsghdr *head = CMSG_FIRSTHDR(&message.header);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof listener);
        memcpy(CMSG_DATA(head), &listener, sizeof listener);
    }
    return sendmsg(sock, &message.header, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int notify_receive(int sock)
{
    struct message message;
    int listener = -1;
    prepare(&message);
    if (recvmsg(sock, &message.header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message.header);
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof listener))
        memcpy(&listener, CMSG_DATA(head), sizeof listener);
    return listener;
}

int notify_next(int listener, struct notice *notice)
{
    union {
        struct seccomp_notif notif;
        char room[512]; /* a newer kernel may write more */
    } received;
    memset(&received, 0, sizeof received);
    if (ioctl(listener, (int) SECCOMP_IOCTL_NOTIF_RECV, &received.notif))
        return -1;
    const struct seccomp_data *data = &received.notif.data;
    *notice = (struct notice) {
        .id = received.notif.id,
        .tid = (pid_t) received.notif.pid,
        .stop = { .audit = data->arch, .number = (uint32_t) data->nr },
    };
    for (int i = 0; i < 6; i++)
        notice->stop.args[i] = data->args[i];
    return 0;
}

void notify_continue(int listener, const struct notice *notice)
{
    union {
        struct seccomp_notif_resp response;
        char room[512];
    } sent;
    memset(&sent, 0, sizeof sent);
    sent.response.id = notice->id;
    sent.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void) ioctl(listener, (int) SECCOMP_IOCTL_NOTIF_SEND, &sent.response);
}
