/* Odd system calls: other ABIs, bad pointers, long paths, many threads, io_uring. */
#include "robustness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
    int fd;
    char *submissions, *completions;
    struct io_uring_sqe *entries;
    struct io_uring_params params;
};

static bool map_ring(struct ring *ring)
{
    size_t sq = ring->params.sq_off.array + ring->params.sq_entries * sizeof(unsigned);
    size_t cq = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
    size_t entries = ring->params.sq_entries * sizeof *ring->entries;
    ring->submissions = mmap(NULL, sq, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
    ring->completions = mmap(NULL, cq, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
    ring->entries = mmap(NULL, entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
    return ring->submissions != MAP_FAILED && ring->completions != MAP_FAILED && (void *) ring->entries != MAP_FAILED;
}

static int test_io_uring(void)
{
    struct ring ring = { .fd = -1 };
    ring.fd = (int) syscall(SYS_io_uring_setup, 4, &ring.params);
    if (ring.fd < 0)
        return fail_case("setup is refused");
    if (!map_ring(&ring))
        return fail_case("mmap");
    *ring.entries = (struct io_uring_sqe) { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) some_file };
    unsigned *array = (unsigned *) (void *) (ring.submissions + ring.params.sq_off.array);
    unsigned *tail = (unsigned *) (void *) (ring.submissions + ring.params.sq_off.tail);
    array[0] = 0;
    __atomic_store_n(tail, 1u, __ATOMIC_RELEASE);
    long done = syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    struct io_uring_cqe *result = (struct io_uring_cqe *) (void *) (ring.completions + ring.params.cq_off.cqes);
    return done == 1 && result->res >= 0 ? CASE_PASS : fail_case("open gives %d", result->res);
}

#ifdef __x86_64__
static int test_int80(void)
{
    enum { I386_OPEN = 5 };
    char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return fail_case("mmap");
    strcpy(low, some_file);
    long fd;
    __asm__ volatile("int $0x80" : "=a"(fd) : "a"((long) I386_OPEN), "b"(low), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
    return fd >= 0 ? CASE_PASS : fail_case("open gives %ld", fd);
}
#endif

static void *look_around(void *number)
{
    long start = (long) (intptr_t) number;
    for (long i = start; i < start + 300; i++) {
        struct stat st;
        bool there = i % 2;
        int result = stat(there ? some_file : "/nonexistent/file", &st);
        if (there ? result != 0 : result == 0 || errno != ENOENT)
            return (void *) 1;
        int fd = open(other_file, O_RDONLY);
        if (fd < 0)
            return (void *) 2;
        close(fd);
    }
    return NULL;
}

static int test_threads(void)
{
    pthread_t threads[32];
    for (intptr_t i = 0; i < 32; i++)
        if (pthread_create(&threads[i], NULL, look_around, (void *) i))
            return fail_case("pthread_create");
    for (int i = 0; i < 32; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result)
            return fail_case("thread %d: %ld", i, (long) (intptr_t) result);
    }
    return CASE_PASS;
}

static int test_long_path(void)
{
    char path[5000];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    if (open(path, O_RDONLY) != -1 || errno != ENAMETOOLONG)
        return fail_case("a path of %zu bytes", sizeof path - 1);
    if (syscall(SYS_openat, AT_FDCWD, (uintptr_t) 8, O_RDONLY) != -1 || errno != EFAULT)
        return fail_case("a bad pointer");
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + page, page);
    char *last = pages + page - strlen(some_file) - 1;
    strcpy(last, some_file);
    return open(last, O_RDONLY) >= 0 ? CASE_PASS : fail_case("a path that ends with its page");
}

const struct test_case system_cases[] = {
    { "io_uring", test_io_uring },
#ifdef __x86_64__
    { "int80", test_int80 },
#endif
    { "threads", test_threads },
    { "longpath", test_long_path },
};
const size_t system_case_count = sizeof system_cases / sizeof system_cases[0];
