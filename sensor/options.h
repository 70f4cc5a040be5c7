/* The command line of `sensor observe`. */
#ifndef WINNOW_OPTIONS_H
#define WINNOW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum level { LEVEL_AUTO, LEVEL_FULL, LEVEL_NNP };
enum set_source { SET_AUTO, SET_BPF, SET_RARE, SET_NONE };

struct options {
    const char *dir;
    const char *hide; /* NULL: nothing more */
    const char *name;
    const char *user; /* NULL: stay as started */
    bool set_home;
    bool has_caps;
    uint64_t caps;
    bool no_new_privs;
    int kill_uncaught; /* signal number, 0: none */
    enum level level;
    enum set_source set;
    char **argv; /* the application's, ended by NULL */
};

/* Parses argv[1..]. Returns 0, or -1 with errno EINVAL and the offending argument in `fault` (never NULL then). */
int options_parse(struct options *options, int argc, char **argv, const char **fault);

#endif
