#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "observe.h"
#include "relay.h"
#include "release.h"
#include "syscalls.h"

static int version_main(int argc, char **argv)
{
    (void) argc;
    (void) argv;
    return printf("winnow-sensor 1 %s\n", abi_native.name) < 0;
}

static const struct mode {
    const char *name;
    int (*run)(int argc, char **argv);
} modes[] = {
    { "observe", observe_main },
    { "files", files_main },
    { "relay", relay_main },
    { "release", release_main },
    { "version", version_main },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < COUNT_OF(modes); i++)
        if (!strcmp(argv[1], modes[i].name))
            return modes[i].run(argc - 1, argv + 1);
    dprintf(STDERR_FILENO, "sensor: use: sensor observe|files|relay|release|version [option...]\n");
    return 125;
}
