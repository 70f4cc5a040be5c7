#include "user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* A part of a USER specification: empty, a number, or a name. As for the engine, what reads as a number is one. */
struct part {
    const char *text;
    bool numeric;
    long number;
};

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define cleanup_file __attribute__((cleanup(close_file)))

static struct part parse_part(const char *text)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    bool space = *text == ' ' || (*text >= '\t' && *text <= '\r'); /* strtol skips it, the engine's parser does not */
    return (struct part) { .text = text, .numeric = *text && !space && !*end && !errno, .number = number };
}

static bool in_range(long id)
{
    return id >= 0 && id <= INT_MAX;
}

/* Splits `line` at colons. Missing fields are empty. */
static void split(char *line, char *fields[], int count)
{
    for (int i = 0; i < count; i++) {
        fields[i] = line;
        char *colon = strchr(line, ':');
        if (colon && i < count - 1)
            *colon++ = '\0';
        line = colon && i < count - 1 ? colon : line + strlen(line);
    }
}

/* The next line without its end, cut into fields. Returns false at the end of the file. */
static bool next_entry(FILE *file, char **line, size_t *room, char *fields[], int count)
{
    ssize_t length = getline(line, room, file);
    if (length < 0)
        return false;
    while (length > 0 && ((*line)[length - 1] == '\n' || (*line)[length - 1] == '\r'))
        (*line)[--length] = '\0';
    split(*line, fields, count);
    return true;
}

static bool lists_member(char *members, const char *name)
{
    for (char *rest = members, *member; (member = strsep(&rest, ",")) != NULL;)
        if (!strcmp(member, name))
            return true;
    return false;
}

/* Looks the user up; the first matching line wins. The name goes to `name` (empty when there is no entry). */
static int find_user(struct user *user, struct part part, const char *path, char *name, size_t name_size)
{
    cleanup_file FILE *file = fopen(path, "re");
    cleanup_free char *line = NULL;
    size_t room = 0;
    char *f[7];
    while (file && next_entry(file, &line, &room, f, 7)) {
        if (!*f[0])
            continue;
        long uid = strtol(f[2], NULL, 10);
        bool matches = !*part.text ? uid == 0 : part.numeric ? uid == part.number : !strcmp(f[0], part.text);
        if (!matches)
            continue;
        user->uid = (uid_t) uid;
        user->gid = (gid_t) strtol(f[3], NULL, 10);
        snprintf(user->home, sizeof user->home, "%s", *f[5] ? f[5] : "/");
        snprintf(name, name_size, "%s", f[0]);
        return 0;
    }
    if (*part.text && !part.numeric) {
        errno = ENOENT;
        return -1;
    }
    if (*part.text)
        user->uid = (uid_t) part.number;
    return 0;
}

/* With a group in the specification that group is the only one; without, those that list the user are supplementary. */
static int find_groups(struct user *user, struct part part, const char *path, const char *name)
{
    cleanup_file FILE *file = fopen(path, "re");
    cleanup_free char *line = NULL;
    size_t room = 0;
    char *f[4];
    while (file && next_entry(file, &line, &room, f, 4)) {
        gid_t gid = (gid_t) strtol(f[2], NULL, 10);
        if (!*part.text) {
            if (*f[0] && lists_member(f[3], name) && user->group_count < MAX_GROUPS)
                user->groups[user->group_count++] = gid;
        } else if (*f[0] && (part.numeric ? gid == (gid_t) part.number : !strcmp(f[0], part.text))) {
            user->gid = gid;
            return 0;
        }
    }
    if (*part.text && !part.numeric) {
        errno = ENOENT;
        return -1;
    }
    if (*part.text)
        user->gid = (gid_t) part.number;
    return 0;
}

int user_resolve(struct user *user, const char *spec, const char *passwd_path, const char *group_path)
{
    *user = (struct user) { .home = "/" };
    cleanup_free char *copy = strdup(spec);
    if (!copy)
        return -1;
    char *parts[2], name[256] = "";
    split(copy, parts, 2);
    struct part who = parse_part(parts[0]), group = parse_part(parts[1]);
    if ((who.numeric && !in_range(who.number)) || (group.numeric && !in_range(group.number))) {
        errno = ERANGE;
        return -1;
    }
    if (find_user(user, who, passwd_path, name, sizeof name))
        return -1;
    return *name || *group.text ? find_groups(user, group, group_path, name) : 0;
}

static size_t add_group(gid_t *out, size_t count, size_t room, gid_t gid)
{
    for (size_t i = 0; i < count; i++)
        if (out[i] == gid)
            return count;
    if (count < room)
        out[count++] = gid;
    return count;
}

size_t user_groups(const struct user *user, const gid_t *started, size_t started_count, gid_t *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < started_count; i++)
        if (started[i] == 0)
            count = add_group(out, count, room, user->gid); /* engines since 20.10.18 list the primary group, too */
    for (size_t i = 0; i < user->group_count; i++)
        count = add_group(out, count, room, user->groups[i]);
    for (size_t i = 0; i < started_count; i++)
        if (started[i] != 0)
            count = add_group(out, count, room, started[i]);
    return count;
}

int user_become(const struct user *user, const gid_t *started, size_t started_count)
{
    gid_t groups[2 * MAX_GROUPS];
    size_t count = user_groups(user, started, started_count, groups, 2 * MAX_GROUPS);
    if (geteuid() == user->uid && getegid() == user->gid && user->uid != 0)
        return 0; /* the engine started us as this user; nothing may be changed, and nothing needs to be */
    if (setgroups(count, groups) || setgid(user->gid) || setuid(user->uid))
        return -1;
    return 0;
}
