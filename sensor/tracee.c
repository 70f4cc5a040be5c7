#include "tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cleanup.h"

enum { FIRST_READ = 256 }; /* most paths are shorter, and copying a whole page costs more than it saves */

static ssize_t read_vm(pid_t tid, uint64_t addr, void *out, size_t size)
{
    struct iovec local = { out, size }, remote = { (void *) (uintptr_t) addr, size };
    return process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

static ssize_t read_procmem(pid_t tid, uint64_t addr, void *out, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", tid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = pread(fd, out, size, (off_t) addr);
    if (got < 0 && errno == EIO)
        errno = EFAULT; /* what the other ways say for an address that is not mapped */
    return got;
}

/* Works for a process of another user that can be dumped, where the other ways need SYS_PTRACE. */
static ssize_t read_peek(pid_t tid, uint64_t addr, void *out, size_t size)
{
    size_t done = 0, skip = addr % sizeof(long);
    while (done < size) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, (void *) (uintptr_t) (addr + done - skip), NULL);
        if (errno)
            return -1; /* EIO for a bad address and for a refusal alike: it counts as unreadable */
        size_t take = sizeof word - skip < size - done ? sizeof word - skip : size - done;
        memcpy((char *) out + done, (char *) &word + skip, take);
        done += take;
        skip = 0;
    }
    return (ssize_t) done;
}

static bool is_refused(ssize_t got)
{
    return got < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS);
}

void reader_init(struct reader *reader, pid_t pid)
{
    static const char probe[] = "probe";
    char copy[sizeof probe];
    *reader = (struct reader) { .way = READ_VM, .page_size = (size_t) sysconf(_SC_PAGESIZE) };
    uint64_t addr = (uintptr_t) probe;
    if (is_refused(read_vm(pid, addr, copy, sizeof copy)))
        reader->way = is_refused(read_procmem(pid, addr, copy, sizeof copy)) ? READ_PEEK : READ_PROCMEM;
}

const char *reader_word(const struct reader *reader)
{
    static const char *const words[] = { "vm", "procmem", "peek" };
    return words[reader->way];
}

ssize_t tracee_read(const struct reader *reader, pid_t tid, uint64_t addr, void *out, size_t size)
{
    size_t page_rest = reader->page_size - addr % reader->page_size;
    if (size > page_rest)
        size = page_rest;
    ssize_t got = -1;
    if (reader->way == READ_VM)
        got = read_vm(tid, addr, out, size);
    if (reader->way == READ_PROCMEM)
        got = read_procmem(tid, addr, out, size);
    if (reader->way == READ_PEEK)
        return read_peek(tid, addr, out, size);
    if (!is_refused(got))
        return got;
    got = read_peek(tid, addr, out, size);
    if (got < 0 && errno != ESRCH)
        errno = EPERM; /* the refusal is the reason; EFAULT would pass for the application's own error */
    return got;
}

int tracee_read_all(const struct reader *reader, pid_t tid, uint64_t addr, void *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = tracee_read(reader, tid, addr + done, (char *) out + done, size - done);
        if (got <= 0)
            return -1;
        done += (size_t) got;
    }
    return 0;
}

/* Reads never cross a page that the string does not reach: the next page may be unmapped, and a failed read would lose a
 * path, which is a file missing from the image. */
ssize_t tracee_string(const struct reader *reader, pid_t tid, uint64_t addr, char *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t want = done == 0 && size > FIRST_READ ? FIRST_READ : size - done;
        ssize_t got = tracee_read(reader, tid, addr + done, out + done, want);
        if (got <= 0)
            return -1;
        char *end = memchr(out + done, '\0', (size_t) got);
        if (end)
            return end - out;
        done += (size_t) got;
    }
    errno = ENAMETOOLONG;
    return -1;
}
