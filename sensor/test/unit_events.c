#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "test/unit.h"

static void check_escape(struct unit *unit, const char *text, size_t size, const char *expected)
{
    char out[256];
    out[escape_text(text, size, out)] = '\0';
    CHECK_TEXT(unit, out, expected);
}

/* Writes some records, reads the file back and checks its last line's code. */
static void check_file(struct unit *unit, const char *dir)
{
    const uint8_t key[SIPHASH_KEY_SIZE] = { 1, 2, 3 };
    struct events events;
    char path[128], text[256], expected[32];
    snprintf(path, sizeof path, "%s/events", dir);
    CHECK(unit, events_open(&events, dir, "events", key) == 0);
    events_begin(&events, 'L');
    events_string(&events, "/a\tb");
    events_number(&events, 18446744073709551615ull);
    events_commit(&events);
    CHECK(unit, events_pending(&events) && events.unsealed);
    events_begin(&events, 'Z');
    events_string(&events, "stops=1");
    events_seal(&events);
    events_flush(&events);
    CHECK(unit, !events_pending(&events) && !events.unsealed && events.records == 2 && events.lost == 0);
    cleanup_fd int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    char *mac = strstr(text, "mac=");
    CHECK(unit, mac != NULL);
    static const char start[] = "L\t/a\\x09b\t18446744073709551615\nZ\tstops=1\tmac=";
    CHECK(unit, !strncmp(text, start, sizeof start - 1));
    struct siphash code;
    siphash_init(&code, key);
    siphash_update(&code, text, mac ? (size_t) (mac - text) : 0);
    snprintf(expected, sizeof expected, "mac=%016llx\n", (unsigned long long) siphash_final(code));
    CHECK_TEXT(unit, mac ? mac : "", expected);
    struct events second;
    CHECK(unit, events_open(&second, dir, "events", key) == -1 && errno == EEXIST);
    free(second.buffer);
    close(events.fd);
    free(events.buffer);
    unlink(path);
}

/* A record that is larger than the buffer is dropped whole; the next one stands. */
static void check_overflow(struct unit *unit, const char *dir)
{
    const uint8_t key[SIPHASH_KEY_SIZE] = { 0 };
    struct events events;
    char path[128];
    snprintf(path, sizeof path, "%s/large", dir);
    cleanup_free char *large = calloc(1, 1 << 20);
    CHECK(unit, large && events_open(&events, dir, "large", key) == 0);
    events_begin(&events, 'F');
    events_text(&events, large, 1 << 20);
    events_commit(&events);
    CHECK(unit, events.lost == 1 && events.records == 0 && !events_pending(&events));
    events_begin(&events, 'I');
    events_commit(&events);
    CHECK(unit, events.used == 2 && !memcmp(events.buffer, "I\n", 2));
    close(events.fd);
    free(events.buffer);
    unlink(path);
}

void unit_events(struct unit *unit)
{
    check_escape(unit, "/etc/passwd", 11, "/etc/passwd");
    check_escape(unit, "a\tb\nc\\\x7f", 7, "a\\x09b\\x0ac\\x5c\\x7f");
    check_escape(unit, "\0", 1, "\\x00");
    check_escape(unit, "\xff\xc3\xa9", 3, "\xff\xc3\xa9");
    char dir[] = "/tmp/winnow-unit-XXXXXX";
    CHECK(unit, mkdtemp(dir) != NULL);
    check_file(unit, dir);
    check_overflow(unit, dir);
    rmdir(dir);
}
