/* A tiny test main: each file offers a function that runs its checks. */
#ifndef WINNOW_UNIT_H
#define WINNOW_UNIT_H

#include <stdbool.h>

struct unit {
    int checks, failed;
};

/* Counts a check and says where it failed. */
void check_at(struct unit *unit, bool ok, const char *file, int line, const char *what);
void check_text_at(struct unit *unit, const char *actual, const char *expected, const char *file, int line);

#define CHECK(unit, condition) check_at(unit, condition, __FILE__, __LINE__, #condition)
#define CHECK_TEXT(unit, actual, expected) check_text_at(unit, actual, expected, __FILE__, __LINE__)

void unit_events(struct unit *unit);
void unit_filter(struct unit *unit);
void unit_loader(struct unit *unit);
void unit_options(struct unit *unit);
void unit_resolve(struct unit *unit);
void unit_siphash(struct unit *unit);
void unit_user(struct unit *unit);

#endif
