/* A web server for tests of crawls: the files below /site are its pages, and standard output has a line for each request.
 *
 *   GET /a/b?x      /site/a/b, by its suffix HTML, CSS, JavaScript, JSON or a picture; 404 with a page when there is none
 *   GET /a/         /site/a/index.html
 *   POST /a         /site/a.post
 *   a file that begins with "Location: " is a redirect to what follows
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
    int status;
    const char *type;
    char head[512];
    char body[65536];
    size_t size;
};

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"}, {".css", "text/css"}, {".js", "text/javascript"},
        {".json", "application/json"},         {".png", "image/png"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *end = strstr(path, types[i][0]);
        if (end && strlen(end) == strlen(types[i][0]))
            return types[i][1];
    }
    return strchr(strrchr(path, '/'), '.') ? "application/octet-stream" : "text/html";
}

static void read_page(struct answer *answer, const char *method, const char *target)
{
    char path[4096];
    int length = (int) strcspn(target, "?");
    const char *rest = length > 0 && target[length - 1] == '/' ? "index.html" : "";
    snprintf(path, sizeof path, "/site%.*s%s%s", length, target, rest, strcmp(method, "POST") == 0 ? ".post" : "");
    FILE *file = fopen(path, "r");
    answer->status = file ? 200 : 404;
    answer->type = type_of(path);
    answer->head[0] = '\0';
    if (!file) {
        answer->type = "text/html";
        answer->size = (size_t) snprintf(answer->body, sizeof answer->body, "nothing at %.*s\n", length, target);
        return;
    }
    answer->size = fread(answer->body, 1, sizeof answer->body - 1, file);
    answer->body[answer->size] = '\0';
    fclose(file);
    if (strncmp(answer->body, "Location: ", 10) == 0) {
        answer->status = 302;
        snprintf(answer->head, sizeof answer->head, "Location: %.*s\r\n", (int) strcspn(answer->body + 10, "\n"),
                 answer->body + 10);
        answer->size = 0;
    }
}

static void serve_one(int client)
{
    static char request[65536];
    static struct answer answer;
    ssize_t size = read(client, request, sizeof request - 1);
    if (size <= 0)
        return;
    request[size] = '\0';
    char method[16], target[4000];
    if (sscanf(request, "%15s %3999s", method, target) != 2 || target[0] != '/')
        return;
    const char *body = strstr(request, "\r\n\r\n");
    printf("%s %s %s\n", method, target, body ? body + 4 : "");
    fflush(stdout);
    read_page(&answer, method, target);
    dprintf(client, "HTTP/1.0 %d X\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n", answer.status, answer.type,
            answer.head, answer.size);
    if (write(client, answer.body, answer.size) < 0)
        perror("write");
}

int main(void)
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
        serve_one(client);
        close(client);
    }
}
