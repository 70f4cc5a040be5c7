/* The server loop of `sensor files`: one request, one answer, in order. */
#include "files.h"

#include "cleanup.h"
#include "frame.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PAYLOAD_MAX = 256 * 1024 * 1024, /* a list of a million paths has 60 to 100 MB */
    PROBLEMS_MAX = 64 * 1024,
};

void problems_add(struct problems *problems, const char *reason, const char *path)
{
    problems->count++;
    if (problems->lines.used > PROBLEMS_MAX)
        return;
    text_string(&problems->lines, reason);
    text_string(&problems->lines, "\t");
    text_escaped(&problems->lines, path, strlen(path), "");
    text_string(&problems->lines, "\n");
}

int files_end(struct answer *answer, struct text *summary, const struct problems *problems)
{
    text_string(summary, "\n");
    text_add(summary, problems->lines.data, problems->lines.used);
    if (summary->failed || problems->lines.failed)
        return answer_error(answer, ENOMEM, NULL);
    return answer_end(answer, summary->data, summary->used);
}

int files_each_path(const struct request *request, int (*call)(void *context, const char *path), void *context)
{
    const char *end = request->payload + request->length;
    for (const char *path = request->payload; path < end; path += strlen(path) + 1)
        if (call(context, path) != 0)
            return -1;
    return 0;
}

static int serve(struct answer *answer, char op, const struct request *request, const char *umount)
{
    switch (op) {
    case 'I': return files_index(answer, umount);
    case 'R': return files_read(answer, request);
    case 'P': return files_pack(answer, request);
    case 'H': return files_hash(answer, request);
    default: return answer_error(answer, EINVAL, "unknown operation");
    }
}

/* Returns 1 after a request was served, 0 at the end of the input, -1 with errno set. */
static int serve_one(int in, struct answer *answer, const char *umount)
{
    unsigned char head[FRAME_HEAD];
    ssize_t got = frame_read(in, head, sizeof head);
    if (got <= 0)
        return (int) got;
    uint32_t length = frame_get_u32(head + 5);
    if (got != sizeof head || length > PAYLOAD_MAX) {
        errno = EPROTO;
        return -1;
    }
    cleanup_free char *payload = malloc((size_t) length + 1);
    if (!payload)
        return -1;
    got = frame_read(in, payload, length);
    if (got < 0)
        return -1;
    if ((size_t) got != length) {
        errno = EPROTO;
        return -1;
    }
    payload[length] = '\0';
    answer->id = frame_get_u32(head + 1);
    return serve(answer, (char) head[0], &(struct request) {payload, length}, umount) == 0 ? 1 : -1;
}

int files_main(int argc, char **argv)
{
    const char *umount = "none";
    if (argc == 2 && strcmp(argv[1], "--umount") == 0)
        umount = files_umount() == 0 ? "ok" : "failed";
    else if (argc > 1) {
        fputs("usage: sensor files [--umount]\n", stderr);
        return 125;
    }
    struct answer answer;
    signal(SIGPIPE, SIG_IGN);
    int more = answer_init(&answer, STDOUT_FILENO) == 0 ? 1 : -1;
    while (more == 1)
        more = serve_one(STDIN_FILENO, &answer, umount);
    if (more < 0)
        fprintf(stderr, "sensor: files: %s\n", strerror(errno));
    answer_free(&answer);
    return more < 0 ? 125 : 0;
}
