#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"
#include "cleanup.h"
#include "filter.h"
#include "launch.h"
#include "notify.h"
#include "options.h"
#include "tracer.h"

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

enum { EXIT_SENSOR = 125 };

#define KEY_VARIABLE "WINNOW_SENSOR_KEY"

struct observe {
    struct options options;
    struct user user;
    struct launch launch;
    enum level level; /* never LEVEL_AUTO */
    bool own_admin;   /* the application has SYS_ADMIN itself: the engine's profile refuses it nothing */
    uint8_t key[SIPHASH_KEY_SIZE];
    int tracer;       /* socket to it */
    const char *step; /* what was tried last, for the message of a failure */
};

/* What the tracer tells the launcher when it is ready, or why it is not. */
struct answer {
    bool rare;
    int error;
    char step[64];
};

static int fail(const struct observe *observe)
{
    dprintf(STDERR_FILENO, "sensor: %s: %s\n", observe->step, strerror(errno));
    return EXIT_SENSOR;
}

/* Takes the key out of the environment, and its text out of memory: /proc/PID/environ shows that of the tracer, too. */
static int take_key(struct observe *observe)
{
    observe->step = KEY_VARIABLE;
    char *text = getenv(KEY_VARIABLE);
    bool valid = text && strlen(text) == 2 * SIPHASH_KEY_SIZE && strspn(text, "0123456789abcdefABCDEF") == 2 * SIPHASH_KEY_SIZE;
    for (size_t i = 0; valid && i < SIPHASH_KEY_SIZE; i++) {
        char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
        observe->key[i] = (uint8_t) strtoul(digits, NULL, 16);
    }
    if (text)
        explicit_bzero(text, strlen(text));
    unsetenv(KEY_VARIABLE);
    if (valid)
        return 0;
    errno = EINVAL;
    return -1;
}

static int choose_level(struct observe *observe)
{
    const uint64_t admin = 1ull << CAP_SYS_ADMIN, needed = admin | 1ull << CAP_SYS_PTRACE;
    uint64_t mask;
    observe->step = "read capabilities";
    if (caps_effective(&mask))
        return -1;
    bool able = (mask & needed) == needed;
    observe->level = observe->options.level;
    if (observe->level == LEVEL_AUTO)
        observe->level = able ? LEVEL_FULL : LEVEL_NNP;
    observe->own_admin = observe->options.has_caps ? observe->options.caps & admin : mask & admin;
    observe->step = "level full needs SYS_ADMIN and SYS_PTRACE";
    errno = EPERM;
    return observe->level == LEVEL_FULL && !able ? -1 : 0;
}

static int choose_user(struct observe *observe)
{
    struct launch *launch = &observe->launch;
    observe->step = "read groups";
    int count = getgroups(MAX_GROUPS, launch->started);
    if (count < 0)
        return -1;
    launch->started_count = (size_t) count;
    launch->has_caps = observe->options.has_caps;
    launch->caps = observe->options.caps;
    launch->no_new_privs = observe->options.no_new_privs;
    if (!observe->options.user)
        return 0;
    observe->step = "unable to find user or group in the passwd and group files";
    if (user_resolve(&observe->user, observe->options.user, "/etc/passwd", "/etc/group"))
        return -1;
    launch->user = &observe->user;
    observe->step = "set HOME";
    return observe->options.set_home ? setenv("HOME", observe->user.home, 1) : 0;
}

/* Nothing of the application's may stay open in the tracer: a pipe would never see its end. */
static int close_others(int events, int sock)
{
    cleanup_dir DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != events && fd != sock && fd != dirfd(dir))
            close(fd);
    }
    return 0;
}

static int hide(const struct tracer *tracer, int sock)
{
    setsid();
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        if (signal_number != SIGCHLD)
            signal(signal_number, SIG_IGN);
    cleanup_fd int null = open("/dev/null", O_RDWR);
    if (null < 0)
        return -1;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fd != null && dup2(null, fd) < 0)
            return -1;
    if (null <= STDERR_FILENO)
        null = -1;
    if (chdir("/") || close_others(tracer->records.events.fd, sock))
        return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Without SYS_PTRACE a tracer reads processes of its own user only. */
static int follow_user(const struct observe *observe)
{
    const struct launch *launch = &observe->launch;
    if (observe->level == LEVEL_FULL || !launch->user)
        return 0;
    return user_become(launch->user, launch->started, launch->started_count);
}

static int run_tracer(struct observe *observe, struct tracer *tracer, int sock)
{
    struct answer answer = { .rare = false };
    const char *step = "hide the tracer";
    const char *level = observe->level == LEVEL_FULL ? "full" : "nnp";
    if (hide(tracer, sock) || tracer_attach(tracer, level, observe->options.set, &step) || (step = "change user", follow_user(observe)))
        answer.error = errno ? errno : EIO;
    snprintf(answer.step, sizeof answer.step, "%s", step);
    answer.rare = tracer->records.rare;
    if (write(sock, &answer, sizeof answer) != sizeof answer || answer.error)
        return EXIT_SENSOR;
    tracer->launcher = sock;
    tracer->listener = -1;
    tracer_run(tracer);
    return 0;
}

/* Creates the tracer: a child without an exit signal, which wait() does not see unless asked for with __WALL. Returns 0 in
 * the launcher; the tracer ends here. */
static int start_tracer(struct observe *observe, struct answer *answer)
{
    cleanup_free struct tracer *tracer = calloc(1, sizeof *tracer);
    observe->step = "allocate memory";
    if (!tracer)
        return -1;
    observe->step = observe->options.dir;
    if (records_open(&tracer->records, observe->options.dir, observe->options.name, observe->key))
        return -1;
    tracer->records.hide = observe->options.hide;
    tracer->main = getpid();
    tracer->kill_signal = observe->options.kill_uncaught;
    int pair[2];
    observe->step = "socketpair";
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    observe->tracer = pair[0];
    observe->step = "clone";
    long child = syscall(__NR_clone, 0ul, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(run_tracer(observe, tracer, pair[1]));
    close(pair[1]);
    if (child < 0)
        return -1;
    close(tracer->records.events.fd);
    free(tracer->records.events.buffer);
    explicit_bzero(observe->key, sizeof observe->key);
    explicit_bzero(&tracer->records, sizeof tracer->records);
    prctl(PR_SET_PTRACER, child, 0, 0, 0); /* for Yama; EINVAL without it */
    observe->step = "start the tracer";
    return read(observe->tracer, answer, sizeof *answer) == sizeof *answer ? 0 : -1;
}

/* Memory of a process that is not stopped can be read with SYS_PTRACE only, so the lower level does without notifications. */
static int install_notifying(const struct observe *observe, struct filter *filter, struct filter_options options)
{
    options.notify = true;
    if (!REGS_CAN_RESTART || observe->level != LEVEL_FULL || filter_build(filter, options))
        return -1;
    return notify_install(filter);
}

static int install_filter(struct observe *observe, bool rare)
{
    struct filter filter;
    struct filter_options options = { .refuse = observe->level == LEVEL_FULL && !observe->own_admin, .rare = rare };
    observe->step = "set no_new_privs";
    if (observe->level == LEVEL_NNP && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    observe->step = "install the filter";
    cleanup_fd int listener = install_notifying(observe, &filter, options);
    if (listener < 0 && (filter_build(&filter, options) || filter_install(&filter)))
        return -1;
    observe->step = "reach the tracer";
    int sent = notify_send(observe->tracer, listener);
    close(observe->tracer);
    return sent;
}

int observe_main(int argc, char **argv)
{
    struct observe observe = { .step = "" };
    struct answer answer = { .rare = false };
    if (options_parse(&observe.options, argc, argv, &observe.step))
        return fail(&observe);
    if (take_key(&observe) || choose_level(&observe) || choose_user(&observe) || start_tracer(&observe, &answer))
        return fail(&observe);
    if (answer.error) {
        observe.step = answer.step;
        errno = answer.error;
        return fail(&observe);
    }
    if (install_filter(&observe, answer.rare) || launch_drop(&observe.launch, &observe.step))
        return fail(&observe);
    return launch_exec(observe.options.argv);
}
