#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "test/unit.h"

#define PARSE(options, fault, ...) parse(options, fault, (char *[]) { "observe", __VA_ARGS__, NULL })

static int parse(struct options *options, const char **fault, char **argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    *fault = "";
    return options_parse(options, argc, argv, fault);
}

#define CHECK_FAULT(unit, expected, ...) check_fault(unit, expected, (char *[]) { "observe", __VA_ARGS__, NULL })

static void check_fault(struct unit *unit, const char *expected, char **argv)
{
    struct options options;
    const char *fault;
    CHECK(unit, parse(&options, &fault, argv) == -1 && errno == EINVAL);
    CHECK_TEXT(unit, fault, expected);
}

void unit_options(struct unit *unit)
{
    struct options o;
    const char *fault;
    CHECK(unit, PARSE(&o, &fault, "--dir", "/d", "--", "app", "--dir") == 0);
    CHECK_TEXT(unit, o.name, "events");
    CHECK(unit, o.level == LEVEL_AUTO && o.set == SET_AUTO && !o.user && !o.has_caps && o.kill_uncaught == 0);
    CHECK_TEXT(unit, o.argv[1], "--dir");
    CHECK(unit, PARSE(&o, &fault, "--dir", "/d", "--user", "", "--set-home", "--caps", "a80425fb", "--no-new-privs", "--kill-uncaught",
                      "15", "--level", "nnp", "--set", "rare", "--name", "n", "--hide", "/h", "--", "app") == 0);
    CHECK_TEXT(unit, o.hide, "/h");
    CHECK(unit, o.user && !*o.user && o.set_home && o.has_caps && o.caps == 0xa80425fb && o.no_new_privs);
    CHECK(unit, o.kill_uncaught == 15 && o.level == LEVEL_NNP && o.set == SET_RARE && !strcmp(o.name, "n"));
    CHECK_FAULT(unit, "--dir", "--", "app");
    CHECK_FAULT(unit, "--", "--dir", "/d");
    CHECK_FAULT(unit, "--", "--dir", "/d", "--");
    CHECK_FAULT(unit, "--dir", "--dir");
    CHECK_FAULT(unit, "--name", "--dir", "/d", "--name", "../x", "--", "app");
    CHECK_FAULT(unit, "--caps", "--dir", "/d", "--caps", "xyz", "--", "app");
    CHECK_FAULT(unit, "--caps", "--dir", "/d", "--caps", "-1", "--", "app");
    CHECK_FAULT(unit, "--kill-uncaught", "--dir", "/d", "--kill-uncaught", "0", "--", "app");
    CHECK_FAULT(unit, "--level", "--dir", "/d", "--level", "best", "--", "app");
    CHECK_FAULT(unit, "--colour", "--dir", "/d", "--colour", "--", "app");
}
