#include "test/unit.h"

#include <stdio.h>
#include <string.h>

void check_at(struct unit *unit, bool ok, const char *file, int line, const char *what)
{
    unit->checks++;
    if (ok)
        return;
    unit->failed++;
    printf("%s:%d: not so: %s\n", file, line, what);
}

void check_text_at(struct unit *unit, const char *actual, const char *expected, const char *file, int line)
{
    unit->checks++;
    if (!strcmp(actual, expected))
        return;
    unit->failed++;
    printf("%s:%d: expected \"%s\", got \"%s\"\n", file, line, expected, actual);
}

int main(void)
{
    struct unit unit = { 0 };
    unit_events(&unit);
    unit_filter(&unit);
    unit_loader(&unit);
    unit_options(&unit);
    unit_resolve(&unit);
    unit_siphash(&unit);
    unit_user(&unit);
    printf("%d checks, %d failed\n", unit.checks, unit.failed);
    return unit.failed != 0;
}
