#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int records_open(struct records *records, const char *dir, const char *name, const uint8_t key[SIPHASH_KEY_SIZE])
{
    *records = (struct records) { .exe_count = 1 };
    siphash_init(&records->hash, key);
    siphash_update(&records->hash, "lookup", 6); /* so that no hash of the table is a code of the file */
    if (!realpath(dir, records->dir))
        return -1;
    return events_open(&records->events, dir, name, key);
}

uint64_t records_key(const struct records *records, uint64_t use, const void *bytes, size_t size)
{
    struct siphash state = records->hash;
    siphash_update(&state, &use, sizeof use);
    siphash_update(&state, bytes, size);
    return siphash_final(state);
}

bool records_known(const struct records *records, uint64_t key)
{
    return table_find(&records->seen, key) != NULL;
}

void records_note(struct records *records, uint64_t key)
{
    (void) table_seen(&records->seen, key);
}

static bool records_seen(struct records *records, uint64_t use, const void *bytes, size_t size)
{
    return table_seen(&records->seen, records_key(records, use, bytes, size));
}

static bool is_below(const char *path, const char *dir)
{
    size_t length = strlen(dir);
    return !strncmp(path, dir, length) && (path[length] == '/' || path[length] == '\0');
}

static bool is_own(const struct records *records, const char *path)
{
    return is_below(path, records->dir) || (records->hide && is_below(path, records->hide));
}

/* What a key is for, in its low byte; that of others is a letter. */
enum use { USE_FILE = 1, USE_LINK, USE_INTERPRETER, USE_SOCKET, USE_SIGNAL, USE_WARNING, USE_EXE };

static uint64_t use(enum use what, uint64_t rest)
{
    return (uint64_t) what | rest << 8;
}

uint32_t records_exe(struct records *records, const char *path)
{
    uint64_t hash = records_key(records, USE_EXE, path, strlen(path));
    uint32_t *known = table_find(&records->exes, hash);
    if (known)
        return *known;
    uint32_t id = records->exe_count++;
    (void) table_add(&records->exes, hash, id);
    events_begin(&records->events, 'E');
    events_number(&records->events, id);
    events_string(&records->events, path);
    events_commit(&records->events);
    return id;
}

void record_header(struct records *records, const char *level, const char *memory)
{
    struct events *events = &records->events;
    char text[64];
    events_begin(events, 'H');
    events_string(events, "version=1");
    snprintf(text, sizeof text, "arch=%s", abi_native.name);
    events_string(events, text);
    snprintf(text, sizeof text, "level=%s", level);
    events_string(events, text);
    snprintf(text, sizeof text, "mem=%s", memory);
    events_string(events, text);
    events_string(events, records->bpf ? "set=bpf" : records->rare ? "set=rare" : "set=none");
    events_commit(events);
    events_begin(events, 'E');
    events_number(events, 0);
    events_string(events, "");
    events_commit(events);
}

void record_process(struct records *records, pid_t pid, pid_t ppid, uint32_t exe, const char *args, size_t size, bool cut)
{
    struct events *events = &records->events;
    events_begin(events, 'P');
    events_number(events, (uint64_t) pid);
    events_number(events, (uint64_t) ppid);
    events_number(events, exe);
    events_number(events, cut);
    for (size_t at = 0; at < size;) {
        size_t length = strnlen(args + at, size - at);
        events_text(events, args + at, length);
        at += length + 1;
    }
    events_commit(events);
}

void record_file(struct records *records, char kind, uint32_t exe, const char *path, enum result result)
{
    uint64_t rest = (uint64_t) (unsigned char) kind | (uint64_t) result << 8 | (uint64_t) exe << 16;
    if (is_own(records, path) || records_seen(records, use(USE_FILE, rest), path, strlen(path)))
        return;
    char letter[2] = { kind, '\0' };
    events_begin(&records->events, 'F');
    events_string(&records->events, letter);
    events_number(&records->events, exe);
    events_string(&records->events, path);
    events_string(&records->events, result_word(result));
    events_commit(&records->events);
}

void record_link(struct records *records, const char *path, const char *target)
{
    char both[4 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s//%s", path, target); /* no canonical path holds `//` */
    if (is_own(records, path) || records_seen(records, use(USE_LINK, 0), both, (size_t) length))
        return;
    events_begin(&records->events, 'L');
    events_string(&records->events, path);
    events_string(&records->events, target);
    events_commit(&records->events);
}

void record_interpreter(struct records *records, const char *path)
{
    if (records_seen(records, use(USE_INTERPRETER, 0), path, strlen(path)))
        return;
    events_begin(&records->events, 'I');
    events_string(&records->events, path);
    events_commit(&records->events);
}

void record_socket(struct records *records, char op, const char *family, const char *address, size_t size, unsigned port)
{
    uint64_t rest = (uint64_t) (unsigned char) op | (uint64_t) (unsigned char) family[strlen(family) - 1] << 8 | (uint64_t) port << 16;
    if (records_seen(records, use(USE_SOCKET, rest), address, size))
        return;
    char letter[2] = { op, '\0' };
    events_begin(&records->events, 'N');
    events_string(&records->events, letter);
    events_string(&records->events, family);
    events_text(&records->events, address, size);
    events_number(&records->events, port);
    events_commit(&records->events);
}

void record_signal(struct records *records, int signal, const char *how)
{
    if (records_seen(records, use(USE_SIGNAL, (uint64_t) signal), how, strlen(how)))
        return;
    events_begin(&records->events, 'T');
    events_number(&records->events, (uint64_t) signal);
    events_string(&records->events, how);
    events_commit(&records->events);
}

void record_warning(struct records *records, const char *code, const char *text)
{
    char both[2 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s\t%s", code, text);
    if (records_seen(records, use(USE_WARNING, 0), both, (size_t) length < sizeof both ? (size_t) length : sizeof both - 1))
        return;
    events_begin(&records->events, 'W');
    events_string(&records->events, code);
    events_string(&records->events, text);
    events_commit(&records->events);
}

static void record_set(struct records *records, const char *architecture, const char *how, const uint8_t *calls)
{
    char list[MAX_CALL * 5];
    size_t length = 0;
    for (int i = 0; i < MAX_CALL; i++)
        if (calls[i])
            length += (size_t) snprintf(list + length, sizeof list - length, "%s%d", length ? "," : "", i);
    events_begin(&records->events, 'S');
    events_string(&records->events, architecture);
    events_string(&records->events, how);
    events_text(&records->events, list, length);
    events_commit(&records->events);
}

/* The rare set is what stopped plus what never stops and is assumed. */
static void record_rare(struct records *records, int abi)
{
    uint8_t calls[MAX_CALL];
    memcpy(calls, records->calls[abi], sizeof calls);
    for (size_t i = 0; i < abis[abi]->hot_count; i++)
        calls[abis[abi]->hot[i]] = 1;
    record_set(records, abis[abi]->name, "rare", calls);
}

static void record_counters(struct records *records)
{
    const struct counters *c = &records->counters;
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        { "stops", c->stops },       { "records", records->events.records }, { "unreadable", c->unreadable },
        { "lost", records->events.lost }, { "execs", c->execs },             { "forks", c->forks },
        { "resolved", c->resolved }, { "vanished", c->vanished },
    };
    events_begin(&records->events, 'Z');
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s=%" PRIu64, fields[i].name, fields[i].value);
        events_string(&records->events, text);
    }
    events_seal(&records->events);
}

void record_end(struct records *records)
{
    if (records->bpf)
        record_set(records, abi_native.name, "bpf", records->bpf_calls);
    else if (records->rare)
        record_rare(records, ABI_NATIVE);
    if ((records->bpf || records->rare) && memchr(records->calls[ABI_COMPAT], 1, MAX_CALL))
        record_rare(records, ABI_COMPAT);
    record_counters(records);
    events_flush(&records->events);
}
