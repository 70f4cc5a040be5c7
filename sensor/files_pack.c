/* Operation `P`: a tar of exactly the listed entries, in the order of the list. */
#define _GNU_SOURCE
#include "files.h"

#include "cleanup.h"
#include "error_name.h"
#include "links.h"
#include "node.h"
#include "tar.h"

#include <errno.h>
#include <string.h>

struct pack {
    struct answer *answer;
    struct links links;
    struct xattrs xattrs;
    struct text name; /* of the entry under way, as are the next three */
    struct text target;
    struct text records;
    struct text head;
    struct problems problems; /* entries that are missing, or packed but not whole */
    uint64_t entries;
    uint64_t bytes;
    uint64_t missing;
};

static int miss(struct pack *pack, const char *reason, const char *path)
{
    pack->missing++;
    problems_add(&pack->problems, reason, path);
    return 0;
}

/* Sets text to a string with its NUL, which does not count as used. */
static void set_string(struct text *text, const char *string, const char *suffix)
{
    text->used = 0;
    text_string(text, string);
    text_add(text, suffix, strlen(suffix) + 1);
    text->used -= !text->failed;
}

/* The name in the archive: "/" is "./", a directory ends in a slash. */
static const char *member_name(struct pack *pack, const char *path, bool is_directory)
{
    const char *relative = path[1] ? path + 1 : ".";
    set_string(&pack->name, relative, is_directory ? "/" : "");
    return pack->name.data;
}

static char type_flag(char type)
{
    switch (type) {
    case 'l': return '2';
    case 'c': return '3';
    case 'b': return '4';
    case 'd': return '5';
    case 'p': return '6';
    default: return '0';
    }
}

/* Hard links carry the attributes as well: an engine that unpacks one sets its owner, which takes a file capability
 * away. */
static void add_xattrs(struct pack *pack, const char *path)
{
    if (xattrs_list(&pack->xattrs, path) != 0)
        problems_add(&pack->problems, error_name(errno), path);
    for (size_t i = 0; i < pack->xattrs.count; i++) {
        const char *name = pack->xattrs.name[i];
        ssize_t length = xattrs_value(&pack->xattrs, path, name);
        if (length < 0 || strchr(name, '=')) { /* a pax key ends at its first = */
            problems_add(&pack->problems, length < 0 ? error_name(errno) : "xattr-name", path);
            continue;
        }
        cleanup_text struct text key = {0};
        set_string(&key, "SCHILY.xattr.", name);
        if (key.failed)
            pack->records.failed = true;
        else
            tar_record(&pack->records, key.data, pack->xattrs.value, (size_t) length);
    }
}

/* Sets the target of a symbolic link. Returns 0, or -1 with errno set. */
static int read_target(struct pack *pack, const char *path)
{
    char target[4096];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    set_string(&pack->target, target, "");
    return 0;
}

static int send_data(struct pack *pack, int fd, const char *path, uint64_t size)
{
    uint64_t left = size;
    while (left) {
        size_t room;
        void *to = answer_room(pack->answer, &room);
        if (!to)
            return -1;
        ssize_t got = node_get(fd, to, room < left ? room : (size_t) left);
        if (got <= 0) { /* the head has promised `size` bytes */
            problems_add(&pack->problems, got < 0 ? error_name(errno) : "shrunk", path);
            break;
        }
        answer_took(pack->answer, (size_t) got);
        left -= (size_t) got;
    }
    pack->bytes += size - left;
    return answer_zeros(pack->answer, left + tar_padding(size));
}

static int send_entry(struct pack *pack, const char *path, const struct tar_entry *entry, int fd)
{
    pack->head.used = 0;
    tar_head(&pack->head, entry, &pack->records);
    if (pack->head.failed || pack->name.failed || pack->target.failed) {
        errno = ENOMEM;
        return -1;
    }
    pack->entries++;
    if (answer_add(pack->answer, pack->head.data, pack->head.used) != 0)
        return -1;
    return fd >= 0 ? send_data(pack, fd, path, entry->size) : 0;
}

/* Finds out whether an earlier member is the same file. Returns -1 when memory ran out. */
static int find_hard_link(struct pack *pack, const struct node *node, const char *path, bool *is_link)
{
    *is_link = false;
    if (node->links < 2 || node_type(node) == 'd')
        return 0;
    const char *first = links_first(&pack->links, node->device, node->inode, path);
    if (!first)
        return -1;
    *is_link = first != path;
    if (*is_link)
        set_string(&pack->target, first + 1, "");
    return 0;
}

static int pack_one(void *context, const char *path)
{
    struct pack *pack = context;
    struct node node;
    bool is_link;
    cleanup_fd int fd = -1;
    if (path[0] != '/')
        return miss(pack, "EINVAL", path);
    if (node_read(path, &node) != 0)
        return miss(pack, error_name(errno), path);
    char type = node_type(&node);
    if (type == 's' || type == '?')
        return miss(pack, "socket", path);
    if (type == 'f' && (fd = node_open(path, &node)) < 0)
        return miss(pack, error_name(errno), path);
    set_string(&pack->target, "", "");
    if (type == 'l' && read_target(pack, path) != 0)
        return miss(pack, error_name(errno), path);
    if (find_hard_link(pack, &node, path, &is_link) != 0)
        return -1;
    pack->records.used = 0;
    add_xattrs(pack, path);
    struct tar_entry entry = {
        .name = member_name(pack, path, type == 'd'),
        .link = pack->target.data,
        .type = is_link ? '1' : type_flag(type),
        .mode = node.mode,
        .uid = node.uid,
        .gid = node.gid,
        .size = type == 'f' && !is_link ? node.size : 0,
        .seconds = node.seconds,
        .nanoseconds = node.nanoseconds,
        .major = type == 'c' || type == 'b' ? node.rdev_major : 0,
        .minor = type == 'c' || type == 'b' ? node.rdev_minor : 0,
    };
    return send_entry(pack, path, &entry, is_link ? -1 : fd);
}

static int end_pack(struct pack *pack)
{
    cleanup_text struct text summary = {0};
    if (answer_zeros(pack->answer, 2 * TAR_BLOCK) != 0)
        return -1;
    text_string(&summary, "entries=");
    text_number(&summary, pack->entries, 10);
    text_string(&summary, " bytes=");
    text_number(&summary, pack->bytes, 10);
    text_string(&summary, " missing=");
    text_number(&summary, pack->missing, 10);
    text_string(&summary, " damaged=");
    text_number(&summary, pack->problems.count - pack->missing, 10);
    return files_end(pack->answer, &summary, &pack->problems);
}

int files_pack(struct answer *answer, const struct request *request)
{
    struct pack pack = {.answer = answer};
    int result;
    if (xattrs_init(&pack.xattrs) != 0)
        result = answer_error(answer, ENOMEM, NULL);
    else if (files_each_path(request, pack_one, &pack) != 0)
        result = -1;
    else
        result = end_pack(&pack);
    links_free(&pack.links);
    xattrs_free(&pack.xattrs);
    text_free(&pack.name);
    text_free(&pack.target);
    text_free(&pack.records);
    text_free(&pack.head);
    text_free(&pack.problems.lines);
    return result;
}
