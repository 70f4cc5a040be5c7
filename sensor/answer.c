#include "answer.h"

#include "error_name.h"
#include "frame.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum kind { KIND_DATA, KIND_END, KIND_ERROR };

int answer_init(struct answer *answer, int fd)
{
    *answer = (struct answer) {.fd = fd, .buffer = malloc(FRAME_HEAD + ANSWER_DATA)};
    return answer->buffer ? 0 : -1;
}

void answer_free(struct answer *answer)
{
    free(answer->buffer);
    answer->buffer = NULL;
}

static void put_head(const struct answer *answer, unsigned char *head, enum kind kind, size_t length)
{
    frame_put_u32(head, answer->id);
    head[4] = (unsigned char) kind;
    frame_put_u32(head + 5, (uint32_t) length);
}

static int flush(struct answer *answer)
{
    if (answer->used == 0)
        return 0;
    put_head(answer, answer->buffer, KIND_DATA, answer->used);
    size_t length = FRAME_HEAD + answer->used;
    answer->used = 0;
    return frame_write(answer->fd, answer->buffer, length);
}

void *answer_room(struct answer *answer, size_t *count)
{
    if (answer->used == ANSWER_DATA && flush(answer) != 0)
        return NULL;
    *count = ANSWER_DATA - answer->used;
    return answer->buffer + FRAME_HEAD + answer->used;
}

void answer_took(struct answer *answer, size_t count)
{
    answer->used += count;
}

int answer_add(struct answer *answer, const void *bytes, size_t count)
{
    const char *from = bytes;
    while (count) {
        size_t room;
        void *to = answer_room(answer, &room);
        if (!to)
            return -1;
        if (room > count)
            room = count;
        memcpy(to, from, room);
        answer_took(answer, room);
        from += room;
        count -= room;
    }
    return 0;
}

int answer_zeros(struct answer *answer, uint64_t count)
{
    while (count) {
        size_t room;
        void *to = answer_room(answer, &room);
        if (!to)
            return -1;
        if (room > count)
            room = (size_t) count;
        memset(to, 0, room);
        answer_took(answer, room);
        count -= room;
    }
    return 0;
}

static int finish(struct answer *answer, enum kind kind, const void *text, size_t count)
{
    unsigned char head[FRAME_HEAD];
    if (flush(answer) != 0)
        return -1;
    put_head(answer, head, kind, count);
    if (frame_write(answer->fd, head, sizeof head) != 0)
        return -1;
    return frame_write(answer->fd, text, count);
}

int answer_end(struct answer *answer, const void *text, size_t count)
{
    return finish(answer, KIND_END, text, count);
}

int answer_error(struct answer *answer, int number, const char *what)
{
    cleanup_text struct text text = {0};
    text_string(&text, error_name(number));
    text_string(&text, ": ");
    text_string(&text, what ? what : strerror(number));
    return finish(answer, KIND_ERROR, text.data, text.failed ? 0 : text.used);
}
