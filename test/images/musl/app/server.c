/* A web server of one file, linked dynamically against musl: its loader and its libc are one and the same file. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void reply(int to, const char *status, const char *type, const char *body)
{
    dprintf(to, "HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status, type, strlen(body), body);
}

static void send_file(int to, const char *path, const char *type)
{
    char body[4096];
    FILE *file = fopen(path, "r");
    if (!file) {
        reply(to, "500 Missing", "text/plain", path);
        return;
    }
    body[fread(body, 1, sizeof body - 1, file)] = '\0';
    fclose(file);
    reply(to, "200 OK", type, body);
}

/* The time zone is looked up by the name that the request gives. */
static void send_time(int to, const char *zone)
{
    char body[64];
    time_t at = 1700000000;
    setenv("TZ", zone, 1);
    tzset();
    strftime(body, sizeof body, "%Y-%m-%d %H:%M %Z\n", localtime(&at));
    reply(to, "200 OK", "text/plain", body);
}

/* A plug-in that no header of the program names. */
static void send_plugin(int to)
{
    void *plugin = dlopen("/usr/lib/sample/libgreet.so", RTLD_NOW);
    const char *(*greet)(void) = plugin ? (const char *(*)(void)) dlsym(plugin, "greet") : NULL;
    reply(to, greet ? "200 OK" : "500 Missing", "text/plain", greet ? greet() : dlerror());
}

static void answer(int to)
{
    char request[2048], path[256] = "";
    ssize_t got = read(to, request, sizeof request - 1);
    request[got > 0 ? got : 0] = '\0';
    sscanf(request, "GET %255s", path);
    if (strcmp(path, "/") == 0)
        send_file(to, "/srv/index.html", "text/html");
    else if (strcmp(path, "/motd") == 0)
        send_file(to, "/etc/motd", "text/plain");
    else if (strncmp(path, "/time?", 6) == 0)
        send_time(to, path + 6);
    else if (strcmp(path, "/plugin") == 0)
        send_plugin(to);
    else
        reply(to, "404 Not Found", "text/plain", "not here\n");
    shutdown(to, SHUT_WR);
    close(to);
}

static void stop(int signal)
{
    (void) signal;
    _exit(0);
}

int main(void)
{
    int on = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(9000), .sin_addr.s_addr = INADDR_ANY };
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server, (struct sockaddr *) &any, sizeof any) || listen(server, 16)) {
        perror("listen");
        return 1;
    }
    for (;;)
        answer(accept(server, NULL, NULL));
}
