/* A service on port 8080 that treats its files as services do. What each first argument makes it answer:
 *
 *   overwrite PATH   the content of PATH at the start, in whose place it then writes something else
 *   consume PATH     the content of PATH at the start, which it then removes
 *   daemon DIR       "fresh" when DIR/app.pid was not there at the start, else "stale"; makes a pid file, a lock and a
 *                    socket in DIR, and says what mode and owner DIR has
 *   identity PATH    user, group and further groups, home directory by the name of the user, and whether PATH can be written
 */
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char answer[4096];

static void on_stop(int signal)
{
    (void) signal;
    _exit(0);
}

static void say(const char *text)
{
    strncat(answer, text, sizeof answer - strlen(answer) - 1);
}

static void say_content(const char *path)
{
    char content[1024] = "";
    FILE *file = fopen(path, "r");
    if (!file || fread(content, 1, sizeof content - 1, file) == 0)
        say("nothing\n");
    say(content);
    if (file)
        fclose(file);
}

static int write_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, content, strlen(content));
    close(fd);
    return written < 0 ? -1 : 0;
}

static void run_daemon(const char *directory)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/app.pid", directory);
    say(access(path, F_OK) == 0 ? "stale" : "fresh");
    say(write_file(path, "1\n") ? " no pid file" : "");
    snprintf(path, sizeof path, "%s/app.lock", directory);
    say(write_file(path, "") ? " no lock" : "");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/app.sock", directory);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    say(bind(server, (struct sockaddr *) &address, sizeof address) || listen(server, 1) ? " no socket" : "");
    if (stat(directory, &st) == 0)
        snprintf(path, sizeof path, " %o of %d\n", (unsigned) st.st_mode & 07777, (int) st.st_uid);
    say(path);
}

static void say_identity(const char *path)
{
    char line[256];
    gid_t groups[16];
    int count = getgroups(16, groups);
    struct passwd *user = getpwuid(getuid());
    snprintf(line, sizeof line, "%d:%d", (int) getuid(), (int) getgid());
    say(line);
    for (int i = 0; i < count; i++) {
        struct group *group = getgrgid(groups[i]);
        if (groups[i] == getgid())
            continue; /* engines differ in whether they list it */
        snprintf(line, sizeof line, " %d=%s", (int) groups[i], group ? group->gr_name : "?");
        say(line);
    }
    snprintf(line, sizeof line, " %s %s\n", user ? user->pw_dir : "?", write_file(path, "x") ? "refused" : "written");
    say(line);
}

static int begin(const char *mode, const char *path)
{
    if (strcmp(mode, "overwrite") == 0) {
        say_content(path);
        return write_file(path, "changed\n");
    }
    if (strcmp(mode, "consume") == 0) {
        say_content(path);
        return unlink(path);
    }
    if (strcmp(mode, "daemon") == 0)
        run_daemon(path);
    if (strcmp(mode, "identity") == 0)
        say_identity(path);
    return 0;
}

static int serve(void)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    if (bind(server, (struct sockaddr *) &address, sizeof address) || listen(server, 64)) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int client = accept(server, NULL, NULL);
        char request[4096];
        if (client < 0)
            continue;
        if (read(client, request, sizeof request) > 0)
            dprintf(client, "HTTP/1.0 200 X\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", strlen(answer),
                    answer);
        close(client);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 64;
    signal(SIGTERM, on_stop);
    if (begin(argv[1], argv[2])) {
        perror(argv[2]);
        return 1;
    }
    return serve();
}
