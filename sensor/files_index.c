/* Operation `I`: a line for each entry of the rootfs, parents first, siblings in byte order. */
#define _GNU_SOURCE
#include "files.h"

#include "cleanup.h"
#include "error_name.h"
#include "node.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

struct index {
    struct answer *answer;
    struct text path;
    struct text line;
    struct xattrs xattrs;
    struct problems unreadable;
    uint64_t entries;
    struct node root;
    char leave_out[4096]; /* the sensor's own directory */
};

/* The directory of the running program; the program itself when it stands in the root directory. */
static void find_own_directory(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    if (length < 0) { /* no /proc: the name that the kernel executed */
        const char *name = (const char *) getauxval(AT_EXECFN);
        length = (ssize_t) strnlen(name ? name : "", size - 1);
        memcpy(out, name ? name : "", (size_t) length);
    }
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (slash && slash != out)
        *slash = '\0';
}

static void add_xattrs(struct index *index)
{
    const char *path = index->path.data;
    struct text *line = &index->line;
    size_t before = line->used;
    if (xattrs_list(&index->xattrs, path) != 0)
        problems_add(&index->unreadable, error_name(errno), path);
    for (size_t i = 0; i < index->xattrs.count; i++) {
        const char *name = index->xattrs.name[i];
        ssize_t length = xattrs_value(&index->xattrs, path, name);
        if (length < 0) {
            problems_add(&index->unreadable, error_name(errno), path);
            continue;
        }
        if (line->used > before)
            text_string(line, ",");
        text_escaped(line, name, strlen(name), ",=");
        text_string(line, "=");
        text_hex(line, index->xattrs.value, (size_t) length);
    }
    if (line->used == before)
        text_string(line, "-");
}

static void add_number(struct text *line, uint64_t value, unsigned base)
{
    text_number(line, value, base);
    text_string(line, "\t");
}

static void add_attributes(struct text *line, const struct node *node, char type)
{
    char kind[] = {type, '\t'};
    text_add(line, kind, sizeof kind);
    add_number(line, node->mode & 07777, 8);
    add_number(line, node->uid, 10);
    add_number(line, node->gid, 10);
    /* Of other types the size says something about the file system only. */
    add_number(line, type == 'f' || type == 'l' ? node->size : 0, 10);
    text_signed(line, node->seconds);
    text_string(line, "\t");
    add_number(line, node->nanoseconds, 10);
    text_number(line, node->device, 16);
    text_string(line, ":");
    add_number(line, node->inode, 16);
    add_number(line, node->links, 10);
    if (type == 'c' || type == 'b') {
        text_number(line, node->rdev_major, 10);
        text_string(line, ":");
        text_number(line, node->rdev_minor, 10);
    } else {
        text_string(line, "-");
    }
    text_string(line, "\t");
}

static int add_entry(struct index *index, const struct node *node)
{
    const char *path = index->path.data;
    struct text *line = &index->line;
    char type = node_type(node);
    line->used = 0;
    add_attributes(line, node, type);
    add_xattrs(index);
    text_string(line, "\t");
    text_escaped(line, path, index->path.used, "");
    text_string(line, "\t");
    if (type == 'l') {
        char target[4096];
        ssize_t length = readlink(path, target, sizeof target);
        if (length < 0)
            problems_add(&index->unreadable, error_name(errno), path);
        else
            text_escaped(line, target, (size_t) length, "");
    }
    text_string(line, "\n");
    index->entries++;
    return line->failed ? -1 : answer_add(index->answer, line->data, line->used);
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(char *const *) left, *(char *const *) right);
}

/* The names of a directory, sorted: `names` holds the bytes, `order` pointers into it. Returns their number or -1. */
static ssize_t list_names(const char *path, struct text *names, char ***order)
{
    cleanup_dir DIR *dir = opendir(path);
    if (!dir)
        return -1;
    size_t count = 0;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        text_add(names, entry->d_name, strlen(entry->d_name) + 1);
        count++;
    }
    if (errno)
        return -1;
    *order = malloc(count * sizeof **order + 1);
    if (!*order || names->failed) {
        errno = ENOMEM;
        return -1;
    }
    char *name = names->data;
    for (size_t i = 0; i < count; i++, name += strlen(name) + 1)
        (*order)[i] = name;
    qsort(*order, count, sizeof **order, by_bytes);
    return (ssize_t) count;
}

/* On another mount? Without a mount id only directories can tell: under overlayfs the files of one mount may have
 * different devices. */
static int is_elsewhere(const struct index *index, const struct node *node)
{
    if (node->mount && index->root.mount)
        return node->mount != index->root.mount;
    return node_type(node) == 'd' && node->device != index->root.device;
}

static int walk_directory(struct index *index);

static int walk_entry(struct index *index)
{
    const char *path = index->path.data;
    struct node node;
    if (strcmp(path, index->leave_out) == 0)
        return 0;
    if (node_read(path, &node) != 0) {
        problems_add(&index->unreadable, error_name(errno), path);
        return 0;
    }
    if (is_elsewhere(index, &node))
        return 0;
    if (add_entry(index, &node) != 0)
        return -1;
    return node_type(&node) == 'd' ? walk_directory(index) : 0;
}

/* Holds no directory open while it goes down, so that depth costs no file descriptors. */
static int walk_directory(struct index *index)
{
    cleanup_text struct text names = {0};
    cleanup_free char **order = NULL;
    ssize_t count = list_names(index->path.data, &names, &order);
    if (count < 0)
        problems_add(&index->unreadable, error_name(errno), index->path.data);
    size_t length = index->path.used;
    int result = 0;
    for (ssize_t i = 0; i < count && result == 0; i++) {
        if (length > 1)
            text_string(&index->path, "/");
        text_add(&index->path, order[i], strlen(order[i]) + 1);
        if (index->path.failed)
            return -1;
        index->path.used--; /* the NUL does not count */
        result = walk_entry(index);
        index->path.used = length;
        index->path.data[length] = '\0';
    }
    return result;
}

static int send_index(struct index *index, const char *umount)
{
    text_add(&index->path, "/", 2);
    index->path.used = 1;
    find_own_directory(index->leave_out, sizeof index->leave_out);
    if (index->path.failed || xattrs_init(&index->xattrs) != 0)
        return answer_error(index->answer, ENOMEM, NULL);
    if (node_read("/", &index->root) != 0)
        return answer_error(index->answer, errno, NULL);
    if (walk_entry(index) != 0)
        return index->path.failed || index->line.failed ? answer_error(index->answer, ENOMEM, NULL) : -1;
    cleanup_text struct text summary = {0};
    text_string(&summary, "entries=");
    text_number(&summary, index->entries, 10);
    text_string(&summary, " unreadable=");
    text_number(&summary, index->unreadable.count, 10);
    text_string(&summary, " umount=");
    text_string(&summary, umount);
    return files_end(index->answer, &summary, &index->unreadable);
}

int files_index(struct answer *answer, const char *umount)
{
    struct index index = {.answer = answer};
    int result = send_index(&index, umount);
    text_free(&index.path);
    text_free(&index.line);
    text_free(&index.unreadable.lines);
    xattrs_free(&index.xattrs);
    return result;
}
