/* The tracer: a hidden child of the application that waits for its stops. */
#ifndef WINNOW_TRACER_H
#define WINNOW_TRACER_H

#include "bpfset.h"
#include "observer.h"
#include "options.h"

struct tracer {
    struct records records;
    struct processes processes;
    struct observer observer;
    struct bpfset bpf;
    pid_t main;       /* the application's first process */
    int launcher;     /* socket that the descriptor of notifications comes from; -1: it has come */
    int listener;     /* notifications; -1: none */
    int kill_signal;  /* ends a main process without a handler for it; 0: none */
    bool main_ended;  /* its last stop was seen; the file is sealed again after every later record */
    bool over;        /* nothing can come any more */
};

/* Takes hold of `tracer->main`, the caller's parent: SEIZE, ways to read, set of system calls, H record. `step` says what
 * was tried last. Returns 0, or -1 with errno set. */
int tracer_attach(struct tracer *tracer, const char *level, enum set_source set, const char **step);

/* Traces until nothing is left to trace. */
void tracer_run(struct tracer *tracer);

#endif
