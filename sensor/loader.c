#include "loader.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_SIZE = 256 }; /* the kernel's BINPRM_BUF_SIZE: it reads no more of a `#!` line */

/* A program header, whatever its class. */
struct segment {
    uint32_t type;
    uint64_t offset, size;
};

static long script_interpreter(const char *head, size_t size, char *out, size_t room)
{
    size_t start = 2;
    while (start < size && (head[start] == ' ' || head[start] == '\t'))
        start++;
    size_t end = start;
    while (end < size && head[end] != '\0' && head[end] != ' ' && head[end] != '\t' && head[end] != '\n')
        end++;
    if (end - start >= room)
        return 0;
    memcpy(out, head + start, end - start);
    out[end - start] = '\0';
    return (long) (end - start);
}

static bool read_segment(int fd, bool wide, uint64_t offset, struct segment *segment)
{
    Elf64_Phdr phdr64;
    Elf32_Phdr phdr32;
    if (wide && pread(fd, &phdr64, sizeof phdr64, (off_t) offset) == sizeof phdr64) {
        *segment = (struct segment) { phdr64.p_type, phdr64.p_offset, phdr64.p_filesz };
        return true;
    }
    if (!wide && pread(fd, &phdr32, sizeof phdr32, (off_t) offset) == sizeof phdr32) {
        *segment = (struct segment) { phdr32.p_type, phdr32.p_offset, phdr32.p_filesz };
        return true;
    }
    return false;
}

static long elf_interpreter(int fd, const char *head, char *out, size_t room)
{
    bool wide = head[EI_CLASS] == ELFCLASS64;
    Elf64_Ehdr ehdr64;
    Elf32_Ehdr ehdr32;
    memcpy(&ehdr64, head, sizeof ehdr64);
    memcpy(&ehdr32, head, sizeof ehdr32);
    uint64_t table = wide ? ehdr64.e_phoff : ehdr32.e_phoff;
    unsigned count = wide ? ehdr64.e_phnum : ehdr32.e_phnum, step = wide ? ehdr64.e_phentsize : ehdr32.e_phentsize;
    for (unsigned i = 0; i < count; i++) {
        struct segment segment;
        if (!read_segment(fd, wide, table + (uint64_t) i * step, &segment))
            return 0;
        if (segment.type != PT_INTERP)
            continue;
        size_t size = segment.size < room ? (size_t) segment.size : room - 1;
        ssize_t got = pread(fd, out, size, (off_t) segment.offset);
        if (got < 0)
            return -1;
        out[got] = '\0';
        return (long) strlen(out);
    }
    return 0;
}

long loader_interpreter(int fd, char *out, size_t size)
{
    char head[HEAD_SIZE] = { 0 };
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got < 0)
        return -1;
    if (got > 2 && head[0] == '#' && head[1] == '!')
        return script_interpreter(head, (size_t) got, out, size);
    if (got >= (ssize_t) sizeof(Elf32_Ehdr) && !memcmp(head, ELFMAG, SELFMAG))
        return elf_interpreter(fd, head, out, size);
    return 0;
}
