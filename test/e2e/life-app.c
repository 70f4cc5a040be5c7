/* A service whose answers show what happened to it in its life, on port 8080. What each first argument adds to "hello":
 *
 *   once DIR             the content of /first when DIR/started is not there and of /second when it is; makes DIR/started
 *   config               the content of /config-1, and of /config-2 after a SIGHUP
 *   environment          the content of /zone/$TZ and of /lang/$LANG, where there are such files
 *   writes PATH          the content of /writable when PATH can be written at the start, of /read-only when it cannot
 *   writes-or-dies PATH  the same, but ends with 3 when it cannot
 *
 * And what are no services:
 *
 *   print PATH           writes the content of PATH and ends
 *   check PATH           ends with 0 when the service answers and PATH can be read, else with 1
 *   late PATH            the same, but fails the first time (in this container)
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t hangups;

static void on_hangup(int signal)
{
    (void) signal;
    hangups = 1;
}

static void on_stop(int signal)
{
    (void) signal;
    _exit(0);
}

static int append(char *body, size_t size, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    size_t used = strlen(body);
    used += fread(body + used, 1, size - used - 1, file);
    body[used] = '\0';
    fclose(file);
    return 0;
}

static void append_named(char *body, size_t size, const char *directory, const char *variable)
{
    char path[256];
    const char *value = getenv(variable);
    snprintf(path, sizeof path, "%s/%s", directory, value ? value : "none");
    append(body, size, path);
}

/* Whether a file can be made; it is there afterwards when it can. */
static int can_make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        return 0;
    close(fd);
    return 1;
}

static const char *begin(const char *mode, const char *argument)
{
    char path[256];
    if (strcmp(mode, "once") == 0) {
        snprintf(path, sizeof path, "%s/started", argument);
        int was_there = access(path, F_OK) == 0;
        can_make(path);
        return was_there ? "/second" : "/first";
    }
    if (strncmp(mode, "writes", 6) == 0) {
        if (can_make(argument))
            return "/writable";
        if (strcmp(mode, "writes") == 0)
            return "/read-only";
        puts("cannot write");
        exit(3);
    }
    return NULL;
}

static void reply(int client, const char *mode, const char *fixed)
{
    char body[4096] = "hello\n";
    int missing = 0;
    if (fixed)
        missing = append(body, sizeof body, fixed);
    else if (strcmp(mode, "config") == 0)
        missing = append(body, sizeof body, hangups ? "/config-2" : "/config-1");
    else if (strcmp(mode, "environment") == 0) {
        append_named(body, sizeof body, "/zone", "TZ");
        append_named(body, sizeof body, "/lang", "LANG");
    }
    dprintf(client, "HTTP/1.0 %d X\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", missing ? 500 : 200,
            strlen(body), body);
}

static int listener(void)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    if (bind(server, (struct sockaddr *) &address, sizeof address) || listen(server, 64)) {
        perror("listen");
        exit(1);
    }
    return server;
}

static int check(const char *path)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {htonl(0x7f000001)}};
    char line[16] = "";
    if (connect(fd, (struct sockaddr *) &address, sizeof address) || write(fd, "GET / HTTP/1.0\r\n\r\n", 18) != 18)
        return 1;
    return read(fd, line, sizeof line - 1) <= 0 || strncmp(line, "HTTP/1.0 200", 12) != 0 || access(path, R_OK) != 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    const char *argument = argc > 2 ? argv[2] : "/";
    if (strcmp(argv[1], "print") == 0) {
        char body[4096] = "";
        int failed = append(body, sizeof body, argument);
        fputs(body, stdout);
        return failed ? 1 : 0;
    }
    if (strcmp(argv[1], "check") == 0)
        return check(argument);
    if (strcmp(argv[1], "late") == 0) {
        int was_there = access("/tried", F_OK) == 0;
        can_make("/tried");
        return was_there ? check(argument) : 1;
    }
    signal(SIGHUP, on_hangup);
    signal(SIGTERM, on_stop);
    const char *fixed = begin(argv[1], argument);
    for (int server = listener();;) {
        int client = accept(server, NULL, NULL);
        char request[4096];
        if (client < 0)
            continue;
        if (read(client, request, sizeof request) > 0)
            reply(client, argv[1], fixed);
        close(client);
    }
}
