/* Operations `R` and `H`: the bytes of a file, or their SHA-256. */
#include "files.h"

#include "cleanup.h"
#include "error_name.h"
#include "frame.h"
#include "node.h"
#include "sha256.h"

#include <errno.h>

enum { BUFFER = 64 * 1024 };

static int send_range(struct answer *answer, int fd, uint64_t left)
{
    while (left) {
        size_t room;
        void *to = answer_room(answer, &room);
        if (!to)
            return -1;
        ssize_t got = node_get(fd, to, room < left ? room : (size_t) left);
        if (got < 0)
            return answer_error(answer, errno, NULL);
        if (got == 0)
            break;
        answer_took(answer, (size_t) got);
        left -= (size_t) got;
    }
    return answer_end(answer, "", 0);
}

int files_read(struct answer *answer, const struct request *request)
{
    const size_t fixed = 8 + 4;
    if (request->length <= fixed)
        return answer_error(answer, EINVAL, "request too short");
    uint64_t offset = frame_get_u64(request->payload);
    uint32_t length = frame_get_u32(request->payload + 8);
    struct node node;
    cleanup_fd int fd = node_open(request->payload + fixed, &node);
    if (fd < 0)
        return answer_error(answer, errno, errno == EINVAL ? "not a regular file" : NULL);
    if (offset > INT64_MAX || lseek(fd, (off_t) offset, SEEK_SET) < 0)
        return answer_error(answer, EINVAL, "offset out of range");
    return send_range(answer, fd, length == UINT32_MAX ? UINT64_MAX : length);
}

struct hashing {
    struct answer *answer;
    struct problems unreadable;
    uint64_t entries;
    unsigned char buffer[BUFFER];
};

/* Returns 0, or -1 with errno set. */
static int hash_file(struct hashing *hashing, const char *path, unsigned char digest[SHA256_SIZE])
{
    struct node node;
    struct sha256 sha;
    cleanup_fd int fd = node_open(path, &node);
    if (fd < 0)
        return -1;
    sha256_init(&sha);
    ssize_t got;
    while ((got = node_get(fd, hashing->buffer, BUFFER)) > 0)
        sha256_add(&sha, hashing->buffer, (size_t) got);
    if (got < 0)
        return -1;
    sha256_end(&sha, digest);
    return 0;
}

static int hash_one(void *context, const char *path)
{
    struct hashing *hashing = context;
    unsigned char digest[SHA256_SIZE] = {0};
    hashing->entries++;
    if (hash_file(hashing, path, digest) != 0)
        problems_add(&hashing->unreadable, error_name(errno), path);
    return answer_add(hashing->answer, digest, sizeof digest);
}

int files_hash(struct answer *answer, const struct request *request)
{
    cleanup_free struct hashing *hashing = calloc(1, sizeof *hashing);
    if (!hashing)
        return answer_error(answer, ENOMEM, NULL);
    hashing->answer = answer;
    cleanup_text struct text summary = {0};
    int result = files_each_path(request, hash_one, hashing);
    if (result == 0) {
        text_string(&summary, "entries=");
        text_number(&summary, hashing->entries, 10);
        text_string(&summary, " unreadable=");
        text_number(&summary, hashing->unreadable.count, 10);
        result = files_end(answer, &summary, &hashing->unreadable);
    }
    text_free(&hashing->unreadable.lines);
    return result;
}
