#include "observer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "look.h"

enum { X32_BIT = 0x40000000, SOCKETCALL_BIND = 2, SOCKETCALL_CONNECT = 3 };

/* The two calls that come with a file descriptor and no name are told by these; missing from some headers. */
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

uint32_t observer_exe(struct observer *observer, struct process *process)
{
    if (process->exe != EXE_UNKNOWN)
        return process->exe;
    char path[PATH_MAX];
    if (!observer->started)
        return process->exe = 0;
    if (process_link(process->tid, "exe", path, sizeof path) < 0) {
        snprintf(path, sizeof path, "(unreadable)");
        observer->records->counters.unreadable++;
        record_warning(observer->records, "unreadable", "executable of a process");
    }
    return process->exe = records_exe(observer->records, path);
}

static int32_t argument_int(const struct stop *stop, int index)
{
    return index < 0 ? 0 : (int32_t) stop->args[index];
}

static int32_t dirfd_of(const struct stop *stop, int index)
{
    return index < 0 ? AT_FDCWD : (int32_t) stop->args[index];
}

/* The flags of an open call; those of openat2 lie in memory. */
static uint64_t open_flags(const struct observer *observer, const struct process *process, const struct call *call,
                           const struct stop *stop)
{
    uint64_t flags = (uint32_t) argument_int(stop, call->flags);
    if (call->kind == CALL_OPEN2 && tracee_read_all(&observer->reader, process->tid, stop->args[call->flags], &flags, sizeof flags))
        flags = 0;
    return flags;
}

static char open_kind(uint64_t flags)
{
    if (flags & O_PATH)
        return 's';
    if (flags & (O_WRONLY | O_RDWR | O_TRUNC | O_CREAT))
        return 'w';
    return flags & O_DIRECTORY ? 'd' : 'r';
}

static bool follows(const struct call *call, uint64_t flags)
{
    switch (call->link) {
    case LINK_KEEP:
        return false;
    case LINK_AT_FLAG:
        return !(flags & AT_SYMLINK_NOFOLLOW);
    case LINK_AT_FOLLOW_FLAG:
        return flags & AT_SYMLINK_FOLLOW;
    default:
        return true;
    }
}

static char kind_letter(const struct call *call)
{
    switch (call->kind) {
    case CALL_STAT:
        return 's';
    case CALL_READLINK:
        return 'l';
    case CALL_EXEC:
        return 'x';
    case CALL_CHDIR:
    case CALL_ROOT:
        return 'c';
    case CALL_NAME:
    case CALL_CHANGE:
        return 'w';
    case CALL_XATTR:
        return 'a';
    default:
        return 'o';
    }
}

/* Reads a path argument and looks at it. */
static void observe_path(struct observer *observer, struct look *look, uint64_t addr, bool empty_is_dir)
{
    char path[PATH_MAX];
    if (addr == 0)
        return; /* utimensat(fd, NULL): not a path */
    if (tracee_string(&observer->reader, look->process->tid, addr, path, sizeof path) < 0) {
        if (errno != EFAULT && errno != ENAMETOOLONG) /* with these the call fails by itself */
            look_failed(observer, look->process);
        return;
    }
    if (!*path && !empty_is_dir)
        return;
    look->path = path;
    look_at(observer, look);
}

static void observe_file(struct observer *observer, struct process *process, const struct call *call, const struct stop *stop)
{
    uint64_t flags = (uint32_t) argument_int(stop, call->flags);
    struct look look = { .process = process, .kind = kind_letter(call), .dirfd = dirfd_of(stop, call->dir) };
    if (call->kind == CALL_OPEN || call->kind == CALL_OPEN2) {
        flags = open_flags(observer, process, call, stop);
        look.kind = open_kind(flags);
        look.follow = !(flags & O_NOFOLLOW);
    } else {
        look.follow = follows(call, flags);
    }
    if (call->path < 0) { /* fchdir */
        look.path = "";
        look_at(observer, &look);
        return;
    }
    bool empty_is_dir = call->kind == CALL_EXEC && call->flags >= 0 && flags & AT_EMPTY_PATH;
    observe_path(observer, &look, stop->args[call->path], empty_is_dir);
    if (call->path2 < 0)
        return;
    look.dirfd = dirfd_of(stop, call->dir2);
    observe_path(observer, &look, stop->args[call->path2], false);
}

/* A Unix socket with a name in the file system: the links on the way to it are needed, too. */
static void observe_unix(struct observer *observer, struct process *process, char op, struct sockaddr_un *address, size_t size)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    if (size <= head)
        return; /* an unnamed one */
    size_t room = size - head;
    char name[sizeof address->sun_path + 2] = "@";
    bool abstract = address->sun_path[0] == '\0';
    size_t length = abstract ? room - 1 : strnlen(address->sun_path, room);
    memcpy(name + abstract, address->sun_path + abstract, length);
    name[abstract + length] = '\0';
    record_socket(observer->records, op, "unix", name, abstract + length, 0);
    if (abstract)
        return;
    struct look look = { .process = process, .kind = op == 'b' ? 'w' : 's', .follow = op == 'c', .dirfd = AT_FDCWD, .path = name };
    look_at(observer, &look);
}

static void observe_socket(struct observer *observer, struct process *process, char op, uint64_t addr, uint64_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } address = { 0 };
    char text[INET6_ADDRSTRLEN];
    if (size > sizeof address)
        size = sizeof address;
    if (size < sizeof address.any.sa_family)
        return;
    if (tracee_read_all(&observer->reader, process->tid, addr, &address, size)) {
        if (errno != EFAULT)
            look_failed(observer, process);
        return;
    }
    if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.in.sin_addr, text, sizeof text))
        record_socket(observer->records, op, "inet", text, strlen(text), ntohs(address.in.sin_port));
    else if (address.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &address.in6.sin6_addr, text, sizeof text))
        record_socket(observer->records, op, "inet6", text, strlen(text), ntohs(address.in6.sin6_port));
    else if (address.any.sa_family == AF_UNIX)
        observe_unix(observer, process, op, &address.un, size);
}

static void observe_socketcall(struct observer *observer, struct process *process, const struct stop *stop)
{
    uint32_t args[3];
    bool named = stop->args[0] == SOCKETCALL_BIND || stop->args[0] == SOCKETCALL_CONNECT;
    if (!named || tracee_read_all(&observer->reader, process->tid, stop->args[1], args, sizeof args))
        return;
    observe_socket(observer, process, stop->args[0] == SOCKETCALL_BIND ? 'b' : 'c', args[1], args[2]);
}

static void warn(struct observer *observer, const struct process *process, const char *code)
{
    char exe[PATH_MAX];
    if (process_link(process->tid, "exe", exe, sizeof exe) < 0)
        exe[0] = '\0';
    record_warning(observer->records, code, exe);
}

/* Calls that the tracer changes. A failure to change one is reported like anything else that escapes observation. */
static void disarm(struct observer *observer, struct process *process, const char *code, int changed)
{
    warn(observer, process, changed ? "escaped" : code);
}

static void observe(struct observer *observer, struct process *process, const struct call *call, const struct stop *stop)
{
    switch (call->kind) {
    case CALL_CONNECT:
    case CALL_BIND:
        observe_socket(observer, process, call->kind == CALL_BIND ? 'b' : 'c', stop->args[1], stop->args[2]);
        break;
    case CALL_SOCKET:
        observe_socketcall(observer, process, stop);
        break;
    case CALL_NAMESPACE:
        observer->rooted = true;
        break;
    case CALL_PTRACE:
        warn(observer, process, "app-ptrace");
        break;
    case CALL_CLONE: /* the child would run without a tracer, and every call that stops would be ENOSYS for it */
        if (stop->args[0] & CLONE_UNTRACED)
            disarm(observer, process, "clone-untraced", regs_clear_flag(process->tid, stop, CLONE_UNTRACED));
        break;
    case CALL_IO_URING: /* opens by another way, unseen; programs fall back to plain calls */
        disarm(observer, process, "io-uring-refused", regs_refuse(process->tid));
        break;
    default:
        observe_file(observer, process, call, stop);
        if (call->kind == CALL_ROOT)
            observer->rooted = true;
    }
}

void observer_call(struct observer *observer, struct process *process, const struct stop *stop)
{
    const struct abi *abi = abi_of(stop->audit);
    if (!abi)
        return;
    if (abi == &abi_native && stop->number & X32_BIT) {
        disarm(observer, process, "x32-refused", regs_refuse(process->tid));
        return;
    }
    if (observer->started && stop->number < MAX_CALL)
        observer->records->calls[abi == &abi_native ? ABI_NATIVE : ABI_COMPAT][stop->number] = 1;
    const struct call *call = abi_call(abi, stop->number);
    if (!call)
        return;
    (void) observer_exe(observer, process);
    observe(observer, process, call, stop);
}
