/* What a container could reach beyond itself: addresses and sockets. Without a network there is no way to any of them. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short) port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *) &to, sizeof to);
}

static int reach_metadata(void)
{
    return connect_to("169.254.169.254", 80);
}

static int reach_metadata_six(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    inet_pton(AF_INET6, "fd00:ec2::254", &to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *) &to, sizeof to);
}

static int reach_host(void)
{
    return connect_to("172.17.0.1", 22);
}

static int reach_resolver(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "192.0.2.53", &to.sin_addr); /* an address for documentation: nobody has it */
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : (int) sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *) &to, sizeof to);
}

static int reach_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *) &to, sizeof to);
}

static int reach_engine(void)
{
    return reach_socket("/var/run/docker.sock") && reach_socket("/run/docker.sock");
}

static int reach_containerd(void)
{
    return reach_socket("/run/containerd/containerd.sock");
}

/* Sockets with an abstract name belong to the network namespace, not to the root directory. */
static int reach_abstract(void)
{
    char line[512];
    FILE *file = fopen("/proc/net/unix", "r");
    while (file && fgets(line, sizeof line, file))
        if (strchr(line, '@'))
            return 0;
    errno = ENOENT;
    return -1;
}

const struct attempt reach_attempts[] = {
    {"metadata", reach_metadata},
    {"metadata-ipv6", reach_metadata_six},
    {"host-address", reach_host},
    {"datagram", reach_resolver},
    {"engine-socket", reach_engine},
    {"containerd-socket", reach_containerd},
    {"abstract-sockets", reach_abstract},
    {NULL, NULL},
};
