/*
 * program.h - what every main of ours does the same way.
 *
 *   program_main: core dumps off --> options --> verb --> its run() --> one line on stderr --> exit
 *
 *   0  done     1  failed: "hearth-storaged: open volume /x: ..."     2  wrong usage
 *   130  interrupted
 *
 * Understood everywhere, before or after the verb: --help, --version, --log-level; with a table
 * of parameters also --config FILE (or HEARTH_CONFIG), --check-config; --list-failpoints.
 * `VERB --help` is about that verb alone.
 */
#ifndef HEARTH_COMMON_PROGRAM_H
#define HEARTH_COMMON_PROGRAM_H

#include "common/config.h"
#include "common/err.h"

enum program_exit {
    PROGRAM_DONE = 0,
    PROGRAM_FAILED = 1,
    PROGRAM_USAGE = 2,
    PROGRAM_INTERRUPTED = 130, /* as a shell says of a program that Ctrl-C ended */
};

struct program_option {
    const char *name;  /* "dir" for --dir */
    char letter;       /* 'r' for -r; 0: none */
    const char *value; /* "DIR": the field is a const char *, NULL until given; NULL: a bool flag */
    bool required;
    size_t offset; /* of the field in the verb's options struct; PROGRAM_LIST added: a list */
    const char *help;
};

enum {
    PROGRAM_LIST = 1 << 30, /* the option may be given often, its field is a struct program_list */
    PROGRAM_LIST_MAX = 64,
};

/* What was given for the options that share this field, in the order of the command line. */
struct program_list {
    unsigned count;
    struct {
        const char *name; /* of the option */
        const char *value;
    } items[PROGRAM_LIST_MAX];
};

struct program_call {
    const struct program *program;
    const struct program_verb *verb;
    const char *config_path; /* NULL: not given */
    const void *options;     /* the verb's struct, zero where nothing was given */
    int argument_count;
    char **arguments; /* what is left: no program name, no verb, no options */
};

struct program_verb {
    const char *name;      /* "cp", "node list"; NULL: what happens without a verb */
    const char *arguments; /* for the usage line: "SRC DST"; NULL: none */
    int arguments_min;
    int arguments_max; /* -1: any number */
    const struct program_option *options;
    unsigned option_count;
    size_t options_size;
    bool needs_config;
    const char *help;
    const char *notes; /* more lines for `VERB --help`; NULL: none */
    /* Anything but PROGRAM_DONE: err says why, and is printed. */
    enum program_exit (*run)(const struct program_call *call, struct hearth_err *err);
};

struct program {
    const char *name;    /* "hearth-storaged" */
    const char *purpose; /* one line */
    const struct program_verb *verbs;
    unsigned verb_count;
    const struct config_table *config; /* NULL: none */
};

/* All of main(). The result is the exit status. */
int program_main(const struct program *program, int argc, char **argv);

/* For run(): HEARTH_OK is PROGRAM_DONE, CANCELLED is PROGRAM_INTERRUPTED, else PROGRAM_FAILED. */
enum program_exit program_result(enum hearth_code code);

/* For run(): wrong usage that the tables cannot express. */
enum program_exit program_usage(struct hearth_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * SIGTERM and SIGINT become readable on a descriptor instead of ending the process; SIGPIPE is
 * ignored.  To be called before the first thread, so that all threads inherit it.  The
 * descriptor is the caller's to close.
 */
enum hearth_code program_stop_open(int *out_fd, struct hearth_err *err);

/*
 * *out_fd becomes readable on SIGHUP, which no longer ends the process: "read your settings again".
 * As above before the first thread, and the caller's to close.
 */
enum hearth_code program_reload_open(int *out_fd, struct hearth_err *err);

/* Blocks until a signal came on such a descriptor; its number. */
int program_signal_wait(int fd);

#endif /* HEARTH_COMMON_PROGRAM_H */
