/* Applications that show little of themselves, one for each first argument; those that serve do so on port 8080.
 *
 *   pick DIR     reads one entry of DIR at the start, another one each time, and serves on a port of its kernel's choice as well
 *   mute         takes every connection, reads, and closes it without a word
 *   chain        answers "whole"; where there is no /ballast (which it sees in a listing and does not touch) it needs the files
 *                1 to 8 of a directory that nothing in the image names, one after the other
 *   done         writes "done" and ends
 *   idle         never listens and never ends
 *
 * Called "sh" it ends when there is nothing more to read, called "sleep" it never ends.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { links = 8 };

static void on_stop(int signal)
{
    (void) signal;
    _exit(0);
}

static int can_read(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void pick(const char *path)
{
    char names[512][64];
    unsigned count = 0, chosen = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && count < 512 && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            snprintf(names[count++], sizeof names[0], "%.63s", entry->d_name);
    if (dir)
        closedir(dir);
    getrandom(&chosen, sizeof chosen, 0);
    char file[256];
    if (count > 0 && snprintf(file, sizeof file, "%s/%s", path, names[chosen % count]) > 0)
        can_read(file);
}

static int is_listed(const char *directory, const char *name)
{
    int found = 0;
    DIR *dir = opendir(directory);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        found |= strcmp(entry->d_name, name) == 0;
    if (dir)
        closedir(dir);
    return found;
}

/* The directory's name, each letter one too high: no rule can read it. */
static int has_chain(void)
{
    char path[] = "0tsw0tufqt0?";
    for (char *at = path; *at; at++)
        --*at;
    for (int link = 1; link <= links; link++) {
        path[sizeof path - 2] = (char) ('0' + link);
        if (!can_read(path))
            return 0;
    }
    return 1;
}

static int listener(int port)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short) port)};
    if (bind(server, (struct sockaddr *) &address, sizeof address) || listen(server, 64)) {
        perror("listen");
        exit(1);
    }
    return server;
}

static void serve(int server, const char *mode)
{
    for (;;) {
        int client = accept(server, NULL, NULL);
        char request[4096];
        if (client < 0)
            continue;
        if (read(client, request, sizeof request) > 0 && strcmp(mode, "mute") != 0) {
            int is_whole = strcmp(mode, "chain") != 0 || is_listed("/", "ballast") || has_chain();
            dprintf(client, "HTTP/1.0 %d X\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n%s",
                    is_whole ? 200 : 500, is_whole ? "whole\n" : "broke\n");
        }
        close(client);
    }
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    char rest[4096];
    if (strcmp(name, "sh") == 0) {
        while (read(STDIN_FILENO, rest, sizeof rest) > 0)
            ;
        return 0;
    }
    signal(SIGTERM, on_stop);
    if (argc < 2)
        return 64;
    if (strcmp(name, "sleep") == 0 || strcmp(argv[1], "idle") == 0)
        for (;;)
            pause();
    if (strcmp(argv[1], "done") == 0) {
        puts("done");
        return 0;
    }
    if (strcmp(argv[1], "pick") == 0 && argc > 2) {
        pick(argv[2]);
        int second = listener(0);
        if (fork() == 0)
            serve(second, "pick");
        close(second);
    }
    serve(listener(8080), argv[1]);
}
