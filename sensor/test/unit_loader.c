#include "loader.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/unit.h"

static void check_interpreter(struct unit *unit, const void *content, size_t size, const char *expected)
{
    char out[64] = "";
    FILE *file = tmpfile();
    CHECK(unit, file && fwrite(content, 1, size, file) == size && fflush(file) == 0);
    CHECK(unit, file && loader_interpreter(fileno(file), out, sizeof out) == (long) strlen(expected));
    CHECK_TEXT(unit, out, expected);
    if (file)
        fclose(file);
}

static void check_script(struct unit *unit, const char *text, const char *expected)
{
    check_interpreter(unit, text, strlen(text), expected);
}

static void check_elf(struct unit *unit)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
        char name[32];
    } wide = { .name = "/lib64/ld.so.2" };
    memcpy(wide.header.e_ident, ELFMAG, SELFMAG);
    wide.header.e_ident[EI_CLASS] = ELFCLASS64;
    wide.header.e_phoff = sizeof wide.header;
    wide.header.e_phentsize = sizeof wide.segments[0];
    wide.header.e_phnum = 2;
    wide.segments[0].p_type = PT_LOAD;
    wide.segments[1] = (Elf64_Phdr) { .p_type = PT_INTERP, .p_offset = sizeof wide.header + sizeof wide.segments, .p_filesz = 15 };
    check_interpreter(unit, &wide, sizeof wide, "/lib64/ld.so.2");
    wide.segments[1].p_filesz = UINT64_MAX; /* a size that is a lie */
    check_interpreter(unit, &wide, sizeof wide, "/lib64/ld.so.2");
    wide.header.e_phoff = UINT64_MAX - 8;
    check_interpreter(unit, &wide, sizeof wide, "");
    wide.header.e_phoff = sizeof wide.header;
    wide.segments[1].p_type = PT_NULL;
    check_interpreter(unit, &wide, sizeof wide, "");
    struct {
        Elf32_Ehdr header;
        Elf32_Phdr segment;
        char name[32];
    } narrow = { .name = "/lib/ld-linux.so.2" };
    memcpy(narrow.header.e_ident, ELFMAG, SELFMAG);
    narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
    narrow.header.e_phoff = sizeof narrow.header;
    narrow.header.e_phentsize = sizeof narrow.segment;
    narrow.header.e_phnum = 1;
    narrow.segment = (Elf32_Phdr) { .p_type = PT_INTERP, .p_offset = sizeof narrow.header + sizeof narrow.segment, .p_filesz = 19 };
    check_interpreter(unit, &narrow, sizeof narrow, "/lib/ld-linux.so.2");
    check_interpreter(unit, &narrow, 20, "");
}

void unit_loader(struct unit *unit)
{
    check_script(unit, "#!/bin/sh\necho", "/bin/sh");
    check_script(unit, "#! \t/usr/bin/env -S node --flag\n", "/usr/bin/env");
    check_script(unit, "#!/bin/sh", "/bin/sh");
    check_script(unit, "#!relative\n", "relative");
    check_script(unit, "#!\n", "");
    check_script(unit, "#", "");
    check_script(unit, "", "");
    check_script(unit, "plain text", "");
    check_elf(unit);
}
