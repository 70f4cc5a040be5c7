/* The listening TCP sockets, from /proc/net/tcp and /proc/net/tcp6. */
#define _GNU_SOURCE
#include "relay.h"

#include "cleanup.h"
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { ADDRESS_FIELD = 1, STATE_FIELD = 3, USER_FIELD = 7, LISTENING = 0x0a };

static int read_whole(const char *path, struct text *text)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (;;) {
        char *to = text_room(text, 65536);
        ssize_t got = to ? frame_read(fd, to, 65535) : -1;
        if (got < 0)
            return -1;
        text->used += (size_t) got;
        text->data[text->used] = '\0';
        if (got == 0)
            return 0;
    }
}

/* The start of field `number` (from 0) of a line, or NULL. */
static const char *field(const char *line, int number)
{
    line += strspn(line, " ");
    for (; number > 0; number--) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return *line ? line : NULL;
}

/* An address is written as 32-bit words as the machine reads them, each as a number in hex. */
static int parse_address(const char *hex, int family, char out[INET6_ADDRSTRLEN], unsigned *port)
{
    uint32_t words[4];
    int count = family == AF_INET ? 1 : 4;
    for (int i = 0; i < count; i++, hex += 8) {
        char digits[9] = "";
        if (strnlen(hex, 8) < 8)
            return -1;
        memcpy(digits, hex, 8);
        words[i] = (uint32_t) strtoul(digits, NULL, 16);
    }
    if (*hex != ':' || !inet_ntop(family, words, out, INET6_ADDRSTRLEN))
        return -1;
    *port = (unsigned) strtoul(hex + 1, NULL, 16);
    return 0;
}

static void add_socket(struct text *lines, const char *line, int family)
{
    char address[INET6_ADDRSTRLEN];
    unsigned port;
    const char *local = field(line, ADDRESS_FIELD);
    const char *state = field(line, STATE_FIELD);
    const char *user = field(line, USER_FIELD);
    if (!local || !state || !user || strtoul(state, NULL, 16) != LISTENING)
        return;
    if (parse_address(local, family, address, &port) != 0)
        return;
    text_string(lines, family == AF_INET ? "tcp " : "tcp6 ");
    text_string(lines, address);
    text_string(lines, " ");
    text_number(lines, port, 10);
    text_string(lines, " ");
    text_number(lines, strtoul(user, NULL, 10), 10);
    text_string(lines, "\n");
}

static int add_table(struct text *lines, const char *path, int family)
{
    cleanup_text struct text table = {0};
    if (read_whole(path, &table) != 0)
        return -1;
    char *rest;
    strtok_r(table.data, "\n", &rest); /* the headings */
    for (char *line; (line = strtok_r(NULL, "\n", &rest));)
        add_socket(lines, line, family);
    return 0;
}

int relay_listeners(struct text *lines)
{
    if (add_table(lines, "/proc/net/tcp", AF_INET) != 0)
        return -1;
    /* A kernel without IPv6 has no such table. */
    return add_table(lines, "/proc/net/tcp6", AF_INET6) == 0 || errno == ENOENT ? 0 : -1;
}
