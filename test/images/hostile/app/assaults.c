/* What ends an observation or wears the host out. Each is bounded in count and time, in case that nothing stops it. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOMB = 400, MEGABYTE = 1 << 20, HOG_MEGABYTES = 512, FILL_MEGABYTES = 200, FLOOD_MEGABYTES = 64, FOREVER_SECONDS = 60 };

static int kill_tracer(void)
{
    pid_t tracer = find_tracer();
    return tracer < 0 ? -1 : kill(tracer, SIGKILL);
}

/* Everyone but the caller; a tracer that dies takes those with it whom it traces. */
static int kill_all(void)
{
    return kill(-1, SIGKILL);
}

/* From then on every look at a file would wait for it for ever. */
static int stop_tracer(void)
{
    pid_t tracer = find_tracer();
    if (tracer < 0 || kill(tracer, SIGSTOP) != 0)
        return -1;
    return access("/etc/hosts", F_OK);
}

/* A file size of zero for the tracer alone: it could not write another byte. */
static int limit_tracer(void)
{
    struct rlimit none = {0, 0};
    pid_t tracer = find_tracer();
    if (tracer < 0 || prlimit(tracer, RLIMIT_FSIZE, &none, NULL) != 0)
        return -1;
    return access("/etc/hosts", F_OK);
}

/* The path of the event file. */
static int events(char *out, size_t size)
{
    char directory[280];
    if (find_directory(directory, sizeof directory) != 0)
        return -1;
    snprintf(out, size, "%s/events", directory);
    return 0;
}

static int append_events(void)
{
    static const char line[] = "F\tr\t0\t/usr/bin/wanted\tok\n";
    char path[300];
    int fd = events(path, sizeof path) ? -1 : open(path, O_WRONLY | O_APPEND);
    return fd < 0 || write(fd, line, sizeof line - 1) < 0 ? -1 : 0;
}

static int empty_events(void)
{
    char path[300];
    return events(path, sizeof path) ? -1 : truncate(path, 0);
}

static int delete_events(void)
{
    char path[300];
    return events(path, sizeof path) ? -1 : unlink(path);
}

static int swap_events(void)
{
    char path[300];
    if (events(path, sizeof path) || unlink(path))
        return -1;
    return symlink("/etc/hosts", path);
}

/* A fifo in the place of the file: who opens it waits. */
static int block_events(void)
{
    char path[300];
    if (events(path, sizeof path) || unlink(path))
        return -1;
    return mkfifo(path, 0600);
}

/* A terabyte that takes no space: whoever reads it whole needs that much memory. */
static int swell_events(void)
{
    char path[300];
    return events(path, sizeof path) ? -1 : truncate(path, 1l << 40);
}

static int move_directory(void)
{
    char directory[280];
    return find_directory(directory, sizeof directory) ? -1 : rename(directory, "/moved");
}

static int copy(const char *from, const char *to)
{
    static char bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t size = -1;
    while (in >= 0 && out >= 0 && (size = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t) size) != size)
            return -1;
    close(in);
    close(out);
    return (int) size;
}

/* Every directory of the observer gets a program of ours in the place of its own: the next command that it executes beside
 * the application would be this, with what it holds itself. */
static int replace_sensor(void)
{
    static char const *const places[] = {"/.winnow-", NULL};
    int replaced = 0;
    char line[512], program[280] = "";
    FILE *file = fopen("/proc/self/mountinfo", "r"); /* where it stands when it is mounted */
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*s %*s %*s %*s %270s", program) == 1 && !strncmp(program, places[0], strlen(places[0])))
            break;
        else
            *program = '\0';
    char directory[280];
    if (!*program && find_directory(directory, sizeof directory) != 0)
        return -1;
    const char *at = *program ? program : directory;
    char sensor[300];
    snprintf(sensor, sizeof sensor, "%s/sensor", at);
    replaced |= rename(at, "/moved-away") == 0 && mkdir(at, 0755) == 0;
    int moving = errno;
    replaced |= unlink(sensor) == 0;
    int removing = errno;
    replaced |= copy("/proc/self/exe", sensor) == 0;
    if (replaced)
        printf("sensor: replaced\n");
    else
        printf("sensor: %s and %s\n", strerrorname_np(moving), strerrorname_np(removing));
    fflush(stdout);
    sleep(FOREVER_SECONDS);
    return 0;
}

static int bomb(void)
{
    int children = 0, failure = 0;
    for (; children < BOMB; children++) {
        pid_t child = fork();
        if (child == 0) {
            sleep(3);
            _exit(0);
        }
        failure = errno;
        if (child < 0)
            break;
    }
    errno = failure;
    return children < BOMB ? -1 : 0;
}

static int hog(void)
{
    for (int i = 0; i < HOG_MEGABYTES; i++) {
        char *part = malloc(MEGABYTE);
        if (!part)
            return -1;
        memset(part, 1, MEGABYTE);
    }
    return 0;
}

/* Comes late and stays afterwards, so that whoever watches sees the disk before and after. */
static int fill(const char *path)
{
    static char part[MEGABYTE];
    sleep(1);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return -1;
    for (int i = 0; i < FILL_MEGABYTES; i++) {
        memset(part, i, sizeof part);
        if (write(fd, part, sizeof part) != (ssize_t) sizeof part)
            return -1;
    }
    fsync(fd);
    sleep(FOREVER_SECONDS);
    return 0;
}

static int fill_layer(void)
{
    return fill("/tmp/full");
}

static int fill_volume(void)
{
    return fill("/data/full");
}

/* Written and removed, but held open: no directory shows it. */
static int fill_unseen(void)
{
    int fd = open("/tmp/unseen", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || unlink("/tmp/unseen") != 0)
        return -1;
    sleep(1);
    static char part[MEGABYTE];
    for (int i = 0; i < FILL_MEGABYTES; i++)
        if (write(fd, part, sizeof part) != (ssize_t) sizeof part)
            return -1;
    fsync(fd);
    sleep(FOREVER_SECONDS);
    return 0;
}

static int flood(void)
{
    static char line[MEGABYTE];
    memset(line, 'x', sizeof line);
    for (int i = 0; i < FLOOD_MEGABYTES; i++)
        if (fwrite(line, sizeof line, 1, stdout) != 1)
            return -1;
    errno = NOTHING_THERE; /* to refuse */
    return -1;
}

static int ignore_everything(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    sleep(FOREVER_SECONDS);
    return 0;
}

/* Takes every connection and never says a word. */
static int never_answer(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    if (bind(fd, (struct sockaddr *) &at, sizeof at) != 0 || listen(fd, 16) != 0)
        return -1;
    sleep(FOREVER_SECONDS);
    return 0;
}

const struct attempt assaults[] = {
    {"kill-tracer", kill_tracer},
    {"kill-all", kill_all},
    {"stop-tracer", stop_tracer},
    {"limit-tracer", limit_tracer},
    {"events-append", append_events},
    {"events-empty", empty_events},
    {"events-delete", delete_events},
    {"events-swap", swap_events},
    {"events-block", block_events},
    {"events-swell", swell_events},
    {"directory-move", move_directory},
    {"sensor-replace", replace_sensor},
    {"fork-bomb", bomb},
    {"memory-hog", hog},
    {"disk-fill", fill_layer},
    {"disk-fill-volume", fill_volume},
    {"disk-fill-unseen", fill_unseen},
    {"output-flood", flood},
    {"ignore", ignore_everything},
    {"never-answer", never_answer},
    {NULL, NULL},
};
