/* Bares the image's own files: detaches what the engine and the volumes put over them. */
#define _GNU_SOURCE
#include "files.h"

#include "cleanup.h"
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

static int read_mountinfo(struct text *text)
{
    cleanup_fd int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (;;) {
        char *to = text_room(text, 65536);
        ssize_t got = to ? frame_read(fd, to, 65535) : -1;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        text->used += (size_t) got;
    }
    text->data[text->used] = '\0';
    return 0;
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape_octal(char *path)
{
    char *to = path;
    for (char *from = path; *from; to++) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to = (char) ((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* The mount point of one line (36 35 98:0 /root /point options tag:x - type ...) in place, or NULL when it stays. */
static char *point_to_detach(char *line, int *shared)
{
    char *optional = strstr(line, " - ");
    if (optional)
        *optional = '\0';
    *shared = strstr(line, " shared:") != NULL;
    char *point = line;
    for (int field = 1; field < 5 && point; field++) {
        point = strchr(point, ' ');
        point = point ? point + 1 : NULL;
    }
    if (!point)
        return NULL;
    point[strcspn(point, " ")] = '\0';
    unescape_octal(point);
    int stays = strcmp(point, "/") == 0 || strcmp(point, "/proc") == 0 || strncmp(point, "/proc/", 6) == 0;
    return stays ? NULL : point;
}

/* Detaches what was mounted last first, so what lies on top goes first. Returns how many are left. A shared mount is
 * left alone: the detaching would spread to the host. */
static int detach_all(char *text)
{
    int left = 0;
    for (;;) {
        char *newline = strrchr(text, '\n');
        if (newline && !newline[1]) {
            *newline = '\0';
            continue;
        }
        int shared;
        char *point = point_to_detach(newline ? newline + 1 : text, &shared);
        if (point && (shared || umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) != 0))
            left++;
        if (!newline)
            return left;
        *newline = '\0';
    }
}

int files_umount(void)
{
    cleanup_text struct text before = {0};
    /* AppArmor's docker profile refuses this; then the shared mounts, if any, are left. */
    (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (read_mountinfo(&before) != 0)
        return -1;
    return detach_all(before.data) == 0 ? 0 : -1;
}
