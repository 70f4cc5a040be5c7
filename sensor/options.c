#include "options.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct option {
    const char *name;
    bool has_value;
    int (*set)(struct options *options, const char *value);
};

struct word {
    const char *text;
    int value;
};

static int find_word(const struct word *words, const char *text)
{
    for (; words->text; words++)
        if (!strcmp(words->text, text))
            return words->value;
    return -1;
}

static int set_dir(struct options *options, const char *value)
{
    options->dir = value;
    return *value ? 0 : -1;
}

static int set_hide(struct options *options, const char *value)
{
    options->hide = value;
    return *value == '/' && value[1] ? 0 : -1;
}

static int set_name(struct options *options, const char *value)
{
    options->name = value;
    return *value && !strchr(value, '/') ? 0 : -1;
}

static int set_user(struct options *options, const char *value)
{
    options->user = value;
    return 0;
}

static int set_home(struct options *options, const char *value)
{
    (void) value;
    options->set_home = true;
    return 0;
}

static int set_caps(struct options *options, const char *value)
{
    char *end;
    errno = 0;
    options->caps = strtoull(value, &end, 16);
    options->has_caps = true;
    return *value && *value != '-' && !*end && !errno ? 0 : -1;
}

static int set_no_new_privs(struct options *options, const char *value)
{
    (void) value;
    options->no_new_privs = true;
    return 0;
}

static int set_kill_uncaught(struct options *options, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    options->kill_uncaught = (int) number;
    return *value && !*end && number > 0 && number < NSIG ? 0 : -1;
}

static int set_level(struct options *options, const char *value)
{
    static const struct word words[] = { { "auto", LEVEL_AUTO }, { "full", LEVEL_FULL }, { "nnp", LEVEL_NNP }, { NULL, 0 } };
    int level = find_word(words, value);
    options->level = (enum level) level;
    return level < 0 ? -1 : 0;
}

static int set_set(struct options *options, const char *value)
{
    static const struct word words[] = {
        { "auto", SET_AUTO }, { "bpf", SET_BPF }, { "rare", SET_RARE }, { "none", SET_NONE }, { NULL, 0 },
    };
    int source = find_word(words, value);
    options->set = (enum set_source) source;
    return source < 0 ? -1 : 0;
}

static const struct option table[] = {
    { "--dir", true, set_dir },
    { "--hide", true, set_hide },
    { "--name", true, set_name },
    { "--user", true, set_user },
    { "--set-home", false, set_home },
    { "--caps", true, set_caps },
    { "--no-new-privs", false, set_no_new_privs },
    { "--kill-uncaught", true, set_kill_uncaught },
    { "--level", true, set_level },
    { "--set", true, set_set },
};

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

static int reject(const char **fault, const char *argument)
{
    *fault = argument;
    errno = EINVAL;
    return -1;
}

int options_parse(struct options *options, int argc, char **argv, const char **fault)
{
    *options = (struct options) { .name = "events" };
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--"); at++) {
        const struct option *option = find_option(argv[at]);
        if (!option)
            return reject(fault, argv[at]);
        const char *value = NULL;
        if (option->has_value && !(value = ++at < argc ? argv[at] : NULL))
            return reject(fault, option->name);
        if (option->set(options, value))
            return reject(fault, option->name);
    }
    if (!options->dir)
        return reject(fault, "--dir");
    if (at + 1 >= argc)
        return reject(fault, "--");
    options->argv = argv + at + 1;
    return 0;
}
