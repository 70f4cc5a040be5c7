/* Applications that misbehave, one for each first argument; those that serve do so on port 8080.
 *
 *   exit CODE            ends at once
 *   silent               never listens and never ends
 *   serve                answers "hello"
 *   hang-up              takes every connection and closes it
 *   status CODE          answers with this status
 *   random               answers something else every time
 *   file PATH            answers with the content of PATH, 500 when it cannot be read
 *   wants PATH DIR N     answers "whole", and needs PATH for it only when DIR has fewer than N entries
 *   count DIR            answers the number of entries of DIR
 *   links DIR            answers the link count of DIR, which nothing of the sensor's records explains
 *   grow BYTES           asks for more and more memory
 */
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct answer {
    int status;
    char body[4096];
};

static int entries_of(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int count = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void read_file(struct answer *answer, const char *path)
{
    FILE *file = fopen(path, "r");
    answer->status = file ? 200 : 500;
    if (!file)
        return;
    size_t size = fread(answer->body, 1, sizeof answer->body - 1, file);
    answer->body[size] = '\0';
    fclose(file);
}

static void make_answer(struct answer *answer, int argc, char **argv)
{
    const char *mode = argv[1];
    const char *path = argc > 2 ? argv[2] : "/";
    answer->status = 200;
    snprintf(answer->body, sizeof answer->body, "hello\n");
    if (strcmp(mode, "status") == 0) {
        answer->status = atoi(path);
    } else if (strcmp(mode, "random") == 0) {
        unsigned long number = 0;
        getrandom(&number, sizeof number, 0);
        snprintf(answer->body, sizeof answer->body, "answer %lu\n", number);
    } else if (strcmp(mode, "file") == 0) {
        read_file(answer, path);
    } else if (strcmp(mode, "wants") == 0 && argc > 4) {
        if (entries_of(argv[3]) < atoi(argv[4]))
            read_file(answer, path);
        snprintf(answer->body, sizeof answer->body, answer->status == 200 ? "whole\n" : "broken\n");
    } else if (strcmp(mode, "count") == 0) {
        snprintf(answer->body, sizeof answer->body, "%d entries\n", entries_of(path));
    } else if (strcmp(mode, "links") == 0) {
        struct stat st;
        snprintf(answer->body, sizeof answer->body, "%d links\n", stat(path, &st) == 0 ? (int) st.st_nlink : -1);
    }
}

static int serve(int argc, char **argv)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    if (bind(server, (struct sockaddr *) &address, sizeof address) || listen(server, 64)) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0)
            continue;
        char request[4096];
        if (strcmp(argv[1], "hang-up") != 0 && read(client, request, sizeof request) > 0) {
            struct answer answer;
            make_answer(&answer, argc, argv);
            dprintf(client, "HTTP/1.0 %d X\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", answer.status,
                    strlen(answer.body), answer.body);
        }
        close(client);
    }
}

static void grow(size_t step)
{
    for (;;) {
        char *more = malloc(step);
        if (more)
            memset(more, 1, step);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    if (strcmp(argv[1], "exit") == 0) {
        fprintf(stderr, "giving up\n");
        return argc > 2 ? atoi(argv[2]) : 0;
    }
    if (strcmp(argv[1], "grow") == 0 && argc > 2)
        grow((size_t) atol(argv[2]));
    if (strcmp(argv[1], "silent") == 0)
        for (;;)
            pause();
    return serve(argc, argv);
}
