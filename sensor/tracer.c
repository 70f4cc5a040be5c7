#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "cleanup.h"
#include "filter.h"
#include "notify.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

enum { ARGS_SIZE = 16 * 1024, WATCHED = 2, IDLE_MS = 2 };

/* The exit stop is wanted of the main process only: it is the last moment before PID 1 takes the tracer with it. */
static long trace_options(const struct tracer *tracer, pid_t tid)
{
    long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                   PTRACE_O_EXITKILL;
    return tid == tracer->main ? options | PTRACE_O_TRACEEXIT : options;
}

/* Prepares the set of system calls. Without eBPF the filter has to stop at every call that is not hot. */
static int choose_set(struct tracer *tracer, enum set_source set)
{
    tracer->bpf = (struct bpfset) BPFSET_NONE;
    tracer->records.rare = set == SET_RARE;
    if (set != SET_AUTO && set != SET_BPF)
        return 0;
    if (!bpfset_load(&tracer->bpf, getpid())) {
        tracer->records.bpf = true;
        tracer->records.bpf_calls = tracer->bpf.seen;
        return 0;
    }
    if (set == SET_BPF)
        return -1;
    tracer->records.rare = true;
    return 0;
}

int tracer_attach(struct tracer *tracer, const char *level, enum set_source set, const char **step)
{
    struct records *records = &tracer->records;
    *step = "open /";
    tracer->observer = (struct observer) { .records = records, .topfd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) };
    if (tracer->observer.topfd < 0)
        return -1;
    *step = "ptrace";
    if (ptrace(PTRACE_SEIZE, tracer->main, NULL, trace_options(tracer, tracer->main)))
        return -1;
    *step = "bpf";
    if (choose_set(tracer, set))
        return -1;
    int bpf_error = errno;
    reader_init(&tracer->observer.reader, tracer->main);
    record_header(records, level, reader_word(&tracer->observer.reader));
    if (set == SET_AUTO && records->rare)
        record_warning(records, "no-bpf", strerror(bpf_error));
    if (tracer->observer.reader.way != READ_VM)
        record_warning(records, reader_word(&tracer->observer.reader), "process_vm_readv is refused");
    events_flush(&records->events);
    return 0;
}

static void write_process(struct tracer *tracer, struct process *process)
{
    char path[32], args[ARGS_SIZE];
    uint64_t ppid = 0;
    snprintf(path, sizeof path, "/proc/%d/cmdline", process->tid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = 0, got;
    while (fd >= 0 && size < ARGS_SIZE && (got = read(fd, args + size, (size_t) (ARGS_SIZE - size))) > 0)
        size += got;
    (void) process_status(process->tid, "PPid:", 10, &ppid);
    record_process(&tracer->records, process->tid, (pid_t) ppid, observer_exe(&tracer->observer, process), args, (size_t) size,
                   size == ARGS_SIZE);
}

/* The application was executed for the first time: from here on calls are its own. */
static void start(struct tracer *tracer)
{
    tracer->observer.started = true;
    tracer->records.calls[ABI_NATIVE][__NR_execve] = 1;
    if (tracer->records.bpf) {
        tracer->bpf.seen[__NR_execve] = 1;
        if (bpfset_attach(&tracer->bpf))
            record_warning(&tracer->records, "no-bpf", strerror(errno));
    }
    /* Only eBPF wanted it. From now on the application chooses what the tracer reads. */
    if (caps_limit(~(1ull << CAP_SYS_ADMIN)))
        record_warning(&tracer->records, "privileged", strerror(errno));
}

static void on_exec(struct tracer *tracer, struct process *process)
{
    pid_t tid = process->tid;
    unsigned long former = 0; /* of the thread that called, which takes the id of its process */
    ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former);
    if (former != 0 && (pid_t) former != tid)
        process_forget(&tracer->processes, (pid_t) former);
    if (!tracer->observer.started)
        start(tracer);
    process->exe = EXE_UNKNOWN;
    tracer->records.counters.execs++;
    write_process(tracer, process);
    if (tid == tracer->main) { /* another thread may have taken its place, with the options of a thread */
        tracer->main_ended = false;
        ptrace(PTRACE_SETOPTIONS, tid, NULL, trace_options(tracer, tid));
    }
}

static void on_fork(struct tracer *tracer, const struct process *parent)
{
    unsigned long tid = 0;
    tracer->records.counters.forks++;
    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) || tid == 0)
        return;
    struct process *child = process_get(&tracer->processes, (pid_t) tid);
    if (child && child->exe == EXE_UNKNOWN)
        child->exe = parent->exe;
}

/* When this is PID 1, the rest of the container dies with it, the tracer included. A file that is written to at that very
 * moment could end in half a line after its end mark. A leader thread may also end before its process; then things go on. */
static void on_main_exit(struct tracer *tracer)
{
    uint64_t threads = 0;
    record_end(&tracer->records);
    tracer->main_ended = true;
    if (tracer->main == 1 && !process_status(tracer->main, "Threads:", 10, &threads) && threads == 1)
        tracer->over = true;
}

/* Whether a signal reached the main process from outside: from a process that is not traced, or the terminal. */
static bool is_from_outside(const struct tracer *tracer, pid_t tid, int signal)
{
    siginfo_t info;
    uint64_t group = 0;
    if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info))
        return false;
    bool terminal = info.si_code == SI_KERNEL && (signal == SIGINT || signal == SIGQUIT || signal == SIGHUP);
    bool sent = info.si_code == SI_USER && !process_known(&tracer->processes, info.si_pid);
    return (terminal || sent) && !process_status(tid, "Tgid:", 10, &group) && (pid_t) group == tracer->main;
}

static const char *disposition(pid_t tid, int signal)
{
    uint64_t caught = 0, ignored = 0, bit = 1ull << (signal - 1);
    (void) process_status(tid, "SigCgt:", 16, &caught);
    (void) process_status(tid, "SigIgn:", 16, &ignored);
    return caught & bit ? "caught" : ignored & bit ? "ignored" : "uncaught";
}

/* Returns the signal to deliver. A PID 1 without a handler would not notice the engine's stop signal and be killed after a
 * timeout. SIGKILL goes in the place of the signal: sent from inside its namespace, PID 1 would not notice that either. */
static int on_signal(struct tracer *tracer, pid_t tid, int signal)
{
    if (!is_from_outside(tracer, tid, signal))
        return signal;
    const char *how = disposition(tid, signal);
    record_signal(&tracer->records, signal, how);
    if (signal != tracer->kill_signal || how[0] == 'c')
        return signal;
    record_end(&tracer->records);
    return SIGKILL;
}

/* A caller that waits for the tracer gives its call up for a signal. Without the tracer it would not have waited, so the call is
 * made again; one that waits by its own nature, and that the tracer has let go on, ends as ever. */
static void restart_unseen(const struct tracer *tracer, const struct process *process)
{
    struct stop stop;
    if (tracer->listener < 0 || !regs_interrupted(process->tid, &stop))
        return;
    const struct abi *abi = abi_of(stop.audit);
    const struct call *call = abi ? abi_call(abi, stop.number) : NULL;
    const struct stop *noticed = &process->noticed;
    bool is_own = process->blocks && stop.number == noticed->number && !memcmp(stop.args, noticed->args, sizeof stop.args);
    if (call && is_only_looked_at(call) && !is_own)
        regs_restart(process->tid);
}

static bool is_stopping(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void on_call(struct tracer *tracer, struct process *process)
{
    struct stop stop;
    if (tracer->over)
        return;
    if (!regs_syscall(process->tid, &stop))
        observer_call(&tracer->observer, process, &stop);
    else if (errno != ESRCH)
        tracer->records.counters.unreadable++;
}

/* Handles a stop. Errors of ptrace are not looked at: a tracee can be killed at any moment, and its end is reported. */
static void on_stop(struct tracer *tracer, struct process *process, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;
    tracer->records.counters.stops++;
    switch (event) {
    case PTRACE_EVENT_SECCOMP:
        on_call(tracer, process);
        break;
    case PTRACE_EVENT_EXEC:
        on_exec(tracer, process);
        break;
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
        on_fork(tracer, process);
        break;
    case PTRACE_EVENT_EXIT:
        if (process->tid == tracer->main)
            on_main_exit(tracer);
        break;
    case PTRACE_EVENT_STOP:
        /* A group stop: it stays stopped, and SIGCONT still wakes it. */
        if (is_stopping(signal) && !ptrace(PTRACE_LISTEN, process->tid, NULL, NULL))
            return;
        if (process->tid != tracer->main) /* the first stop of a child, which inherited the options of its parent */
            ptrace(PTRACE_SETOPTIONS, process->tid, NULL, trace_options(tracer, process->tid));
        break;
    default:
        restart_unseen(tracer, process);
        deliver = on_signal(tracer, process->tid, signal);
    }
    ptrace(PTRACE_CONT, process->tid, NULL, (long) deliver);
}

/* Brings the file up to date before the tracer goes to sleep. */
static void settle(struct tracer *tracer)
{
    if (tracer->main_ended && tracer->records.events.unsealed)
        record_end(&tracer->records);
    else
        events_flush(&tracer->records.events);
}

static void on_child(int signal)
{
    (void) signal; /* it only has to end ppoll() */
}

/* Lets SIGCHLD through in ppoll() alone, so that none comes between a look and the sleep after it. */
static void catch_stops(sigset_t *asleep)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, asleep);
    sigdelset(asleep, SIGCHLD);
    sigaction(SIGCHLD, &(struct sigaction) { .sa_handler = on_child }, NULL);
}

/* The launcher has installed its filter, or is gone. */
static void on_launched(struct tracer *tracer)
{
    tracer->listener = notify_receive(tracer->launcher);
    close(tracer->launcher);
    tracer->launcher = -1;
}

static void on_notice(struct tracer *tracer)
{
    struct notice notice;
    if (notify_next(tracer->listener, &notice))
        return;
    tracer->records.counters.stops++;
    struct process *process = process_get(&tracer->processes, notice.tid);
    if (process) {
        process->noticed = notice.stop;
        process->blocks = false;
    } else {
        tracer->records.events.lost++;
    }
    if (process && !tracer->over)
        observer_call(&tracer->observer, process, &notice.stop);
    notify_continue(tracer->listener, &notice);
}

/* Takes all stops there are. Returns false when nothing is left to trace. */
static bool take_stops(struct tracer *tracer)
{
    int status;
    pid_t tid;
    while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
        struct process *process = WIFSTOPPED(status) ? process_get(&tracer->processes, tid) : NULL;
        if (process) {
            on_stop(tracer, process, status);
        } else if (WIFSTOPPED(status)) { /* out of memory: let it go on unseen, and say so */
            tracer->records.events.lost++;
            ptrace(PTRACE_CONT, tid, NULL, NULL);
        } else {
            process_forget(&tracer->processes, tid);
        }
        if (events_late(&tracer->records.events))
            settle(tracer);
    }
    return tid == 0 || errno == EINTR;
}

/* Sleeps until there is something to do. What was written down waits for a moment only: a container can be killed. */
static int await_work(struct tracer *tracer, struct pollfd watched[WATCHED], const sigset_t *asleep)
{
    const struct timespec idle = { .tv_nsec = IDLE_MS * 1000000L };
    bool pending = events_pending(&tracer->records.events);
    watched[0] = (struct pollfd) { .fd = tracer->launcher, .events = POLLIN };
    watched[1] = (struct pollfd) { .fd = tracer->listener, .events = POLLIN };
    return ppoll(watched, WATCHED, pending ? &idle : NULL, asleep);
}

void tracer_run(struct tracer *tracer)
{
    struct pollfd watched[WATCHED];
    sigset_t asleep;
    catch_stops(&asleep);
    while (take_stops(tracer)) {
        int ready;
        while ((ready = await_work(tracer, watched, &asleep)) > 0) {
            if (watched[0].revents)
                on_launched(tracer);
            if (watched[1].revents & POLLIN)
                on_notice(tracer);
            else if (watched[1].revents)
                tracer->listener = -1; /* the last thread under the filter has gone */
            if (events_late(&tracer->records.events))
                settle(tracer);
        }
        if (ready == 0)
            settle(tracer);
    }
    record_end(&tracer->records);
}
