#include "common/program.h"

#include "common/failpoint.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    OPTIONS_MAX = 32,        /* of one verb */
    CODE_FIRST = 256,        /* getopt's value of the verb's first option; letters lie below */
    CODE_GLOBAL = 512,       /* and of the first global one */
    OPTIONS_SIZE_MAX = 2048, /* of a verb's options struct */
};

enum global {
    GLOBAL_HELP,
    GLOBAL_VERSION,
    GLOBAL_LOG_LEVEL,
    GLOBAL_LIST_FAILPOINTS,
    GLOBAL_CONFIG, /* this and those below: only with a table of parameters */
    GLOBAL_CHECK_CONFIG,
    GLOBAL_COUNT
};

static const struct {
    const char *name;
    const char *value;
    const char *help;
} globals[GLOBAL_COUNT] = {
    [GLOBAL_HELP] = {"help", NULL, "print this and exit"},
    [GLOBAL_VERSION] = {"version", NULL, "print the version and exit"},
    [GLOBAL_LOG_LEVEL] = {"log-level", "LEVEL", "error, warn, info, debug or trace"},
    [GLOBAL_LIST_FAILPOINTS] = {"list-failpoints", NULL,
        "print where tests may break it, and exit"},
    [GLOBAL_CONFIG] = {"config", "FILE", "configuration; HEARTH_CONFIG stands in for it"},
    [GLOBAL_CHECK_CONFIG] = {"check-config", NULL, "print the configuration in effect and exit"},
};

struct parse {
    const struct program *program;
    const struct program_verb *verb; /* NULL: not known, or there is none */
    const char *config_path;
    bool asked[GLOBAL_COUNT];
    union {
        max_align_t align;
        uint8_t bytes[OPTIONS_SIZE_MAX];
    } options; /* the verb's struct */
    struct hearth_err *err;
};

static unsigned global_count(const struct program *program)
{
    return program->config != NULL ? GLOBAL_COUNT : GLOBAL_CONFIG;
}

enum program_exit program_result(enum hearth_code code)
{
    return code == HEARTH_OK       ? PROGRAM_DONE
        : code == HEARTH_CANCELLED ? PROGRAM_INTERRUPTED
                                   : PROGRAM_FAILED;
}

enum program_exit program_usage(struct hearth_err *err, const char *fmt, ...)
{
    char text[HEARTH_ERR_MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    hearth_fail(err, HEARTH_INVALID, "%s (--help says more)", text);
    return PROGRAM_USAGE;
}

/* ---- help ---- */

static void print_option(char letter, const char *name, const char *value, const char *help)
{
    char left[64];
    char short_form[8] = "";
    if (letter != 0) {
        snprintf(short_form, sizeof(short_form), "-%c, ", letter);
    }
    snprintf(left, sizeof(left), "%s--%s%s%s", short_form, name, value == NULL ? "" : " ",
        value == NULL ? "" : value);
    printf("    %-26s %s\n", left, help);
}

static void print_verb(const struct program *program, const struct program_verb *verb)
{
    printf("  %s%s%s%s%s%s%s\n      %s\n", program->name,
        verb->needs_config ? " --config FILE" : "", verb->name == NULL ? "" : " ",
        verb->name == NULL ? "" : verb->name, verb->option_count > 0 ? " [OPTION...]" : "",
        verb->arguments == NULL ? "" : " ", verb->arguments == NULL ? "" : verb->arguments,
        verb->help);
    for (unsigned i = 0; i < verb->option_count; i++) {
        const struct program_option *option = &verb->options[i];
        print_option(option->letter, option->name, option->value, option->help);
    }
}

/* "node" is the noun of "node list", and no verb by itself. */
static bool has_noun(const struct program_verb *verb, const char *noun)
{
    size_t length = strlen(noun);
    return verb->name != NULL && strncmp(verb->name, noun, length) == 0 &&
        verb->name[length] == ' ';
}

/* `noun` "": all of them. */
static void print_verbs(const struct program *program, const char *noun)
{
    for (unsigned i = 0; i < program->verb_count; i++) {
        if (*noun == '\0' || has_noun(&program->verbs[i], noun)) {
            print_verb(program, &program->verbs[i]);
        }
    }
}

/* `verb` NULL, or one without a name: everything, or all of a noun. */
static void print_help(
    const struct program *program, const struct program_verb *verb, const char *noun)
{
    bool is_about_verb = verb != NULL && verb->name != NULL;
    printf("%s - %s\n\nUsage:\n", program->name, program->purpose);
    if (is_about_verb) {
        print_verb(program, verb);
        printf("%s%s", verb->notes == NULL ? "" : "\n", verb->notes == NULL ? "" : verb->notes);
    } else {
        print_verbs(program, noun);
    }
    printf("\nAlways:\n");
    for (unsigned i = 0; i < global_count(program); i++) {
        print_option(0, globals[i].name, globals[i].value, globals[i].help);
    }
    if (program->config != NULL && !is_about_verb && *noun == '\0') {
        printf("\nConfiguration:\n");
        config_print_help(program->config, stdout);
    }
}

/* ---- options ---- */

/* Fills what getopt_long wants. Letters have "+" or nothing before them: see parse_words. */
static void describe_options(const struct parse *parse, const char *mode,
    struct option long_options[OPTIONS_MAX + GLOBAL_COUNT + 1], char letters[2 * OPTIONS_MAX + 4])
{
    unsigned count = 0;
    char *at = stpcpy(letters, mode);
    for (unsigned i = 0; parse->verb != NULL && i < parse->verb->option_count; i++) {
        const struct program_option *option = &parse->verb->options[i];
        int argument = option->value == NULL ? no_argument : required_argument;
        long_options[count++] = (struct option){option->name, argument, NULL, CODE_FIRST + (int)i};
        if (option->letter != 0) {
            *at++ = option->letter;
            at = stpcpy(at, option->value == NULL ? "" : ":");
        }
    }
    for (unsigned i = 0; i < global_count(parse->program); i++) {
        int argument = globals[i].value == NULL ? no_argument : required_argument;
        long_options[count++] =
            (struct option){globals[i].name, argument, NULL, CODE_GLOBAL + (int)i};
    }
    *at = '\0';
    long_options[count] = (struct option){NULL, 0, NULL, 0};
}

static enum program_exit set_log_level(struct hearth_err *err, const char *text)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i], text) == 0) {
            log_set_level((enum log_level)i);
            return PROGRAM_DONE;
        }
    }
    return program_usage(err, "--log-level %s: expected error, warn, info, debug or trace", text);
}

static enum program_exit take_global(struct parse *parse, enum global global, const char *value)
{
    parse->asked[global] = true;
    if (global == GLOBAL_CONFIG) {
        parse->config_path = value;
    }
    return global == GLOBAL_LOG_LEVEL ? set_log_level(parse->err, value) : PROGRAM_DONE;
}

static enum program_exit add_to_list(struct parse *parse, struct program_list *list,
    const struct program_option *option, const char *value)
{
    if (list->count == PROGRAM_LIST_MAX) {
        return program_usage(
            parse->err, "--%s %s: more than %d of them", option->name, value, PROGRAM_LIST_MAX);
    }
    list->items[list->count].name = option->name;
    list->items[list->count++].value = value;
    return PROGRAM_DONE;
}

static enum program_exit take_option(
    struct parse *parse, const struct program_option *option, const char *value)
{
    bool is_list = option->offset >= PROGRAM_LIST;
    uint8_t *field = parse->options.bytes + option->offset - (is_list ? PROGRAM_LIST : 0);
    if (is_list) {
        return add_to_list(parse, (struct program_list *)(void *)field, option, value);
    }
    if (option->value == NULL) {
        *(bool *)field = true;
    } else {
        *(const char **)field = value;
    }
    return PROGRAM_DONE;
}

static const struct program_option *option_of_code(const struct program_verb *verb, int code)
{
    if (code >= CODE_FIRST) {
        return &verb->options[code - CODE_FIRST];
    }
    for (unsigned i = 0; i < verb->option_count; i++) {
        if (verb->options[i].letter == code) {
            return &verb->options[i];
        }
    }
    return NULL; /* getopt's '?' or ':' */
}

/*
 * Takes the options of argv; optind is then the first word that is none.  "+": stops at the first
 * word, which is the verb; "": the words are sorted behind the options.
 */
static enum program_exit parse_words(struct parse *parse, const char *mode, int argc, char **argv)
{
    struct option long_options[OPTIONS_MAX + GLOBAL_COUNT + 1];
    char letters[2 * OPTIONS_MAX + 4];
    describe_options(parse, mode, long_options, letters);
    opterr = 0;
    optind = 0; /* glibc: start afresh, and read the mode again */
    int code;
    while ((code = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        enum program_exit result = PROGRAM_DONE;
        const struct program_option *option = NULL;
        if (code >= CODE_GLOBAL) {
            result = take_global(parse, (enum global)(code - CODE_GLOBAL), optarg);
        } else if (parse->verb == NULL || (option = option_of_code(parse->verb, code)) == NULL) {
            result = program_usage(
                parse->err, "%s: unknown option, or its value is missing", argv[optind - 1]);
        } else {
            result = take_option(parse, option, optarg);
        }
        if (result != PROGRAM_DONE) {
            return result;
        }
    }
    return PROGRAM_DONE;
}

/* ---- verbs ---- */

/* How many words of argv the verb's name takes: "node list" takes 2. 0: it is another verb. */
static int match_verb(const struct program_verb *verb, int argc, char **argv)
{
    const char *at = verb->name;
    for (int words = 0; at != NULL && words < argc; at++) {
        size_t length = strlen(argv[words]);
        if (strncmp(at, argv[words], length) != 0 || (at[length] != ' ' && at[length] != '\0')) {
            return 0;
        }
        at += length;
        words++;
        if (*at == '\0') {
            return words;
        }
    }
    return 0;
}

/* The word itself, when verbs begin with it and it is none; else "". */
static const char *find_noun(const struct program *program, int argc, char **argv)
{
    for (unsigned i = 0; argc > 0 && i < program->verb_count; i++) {
        if (has_noun(&program->verbs[i], argv[0])) {
            return argv[0];
        }
    }
    return "";
}

/* The verb whose name argv begins with, else the one without a name, else NULL. */
static const struct program_verb *find_verb(
    const struct program *program, int argc, char **argv, int *words)
{
    const struct program_verb *unnamed = NULL;
    *words = 0;
    for (unsigned i = 0; i < program->verb_count; i++) {
        const struct program_verb *verb = &program->verbs[i];
        *words = match_verb(verb, argc, argv);
        if (*words > 0) {
            return verb;
        }
        unnamed = verb->name == NULL ? verb : unnamed;
    }
    return *find_noun(program, argc, argv) == '\0' ? unnamed : NULL;
}

/* "node fly: expected node list, node show" */
static enum program_exit refuse_command(
    const struct program *program, const struct program_call *call, struct hearth_err *err)
{
    char known[HEARTH_ERR_MESSAGE_SIZE] = "";
    size_t length = 0;
    if (call->argument_count == 0) {
        return program_usage(err, "a command is missing");
    }
    for (unsigned i = 0; i < program->verb_count && length < sizeof(known); i++) {
        if (has_noun(&program->verbs[i], call->arguments[0])) {
            length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
                length > 0 ? ", " : "", program->verbs[i].name);
        }
    }
    return length == 0 ? program_usage(err, "%s: unknown command", call->arguments[0])
                       : program_usage(err, "%s%s%s: expected %s", call->arguments[0],
                             call->argument_count > 1 ? " " : "",
                             call->argument_count > 1 ? call->arguments[1] : "", known);
}

static enum program_exit check_call(
    const struct parse *parse, const struct program_call *call, struct hearth_err *err)
{
    const struct program_verb *verb = parse->verb;
    int count = call->argument_count;
    if (count < verb->arguments_min || (verb->arguments_max >= 0 && count > verb->arguments_max)) {
        return program_usage(err, "%s: expected %s",
            count == 0 ? "arguments are missing" : call->arguments[count - 1],
            verb->arguments == NULL ? "no arguments" : verb->arguments);
    }
    for (unsigned i = 0; i < verb->option_count; i++) {
        const struct program_option *option = &verb->options[i];
        const void *field = parse->options.bytes + option->offset;
        if (option->required && *(const char *const *)field == NULL) {
            return program_usage(err, "--%s %s is missing", option->name, option->value);
        }
    }
    if (verb->needs_config && call->config_path == NULL) {
        return program_usage(err, "--config FILE is missing");
    }
    return PROGRAM_DONE;
}

static enum program_exit check_config(const struct program_call *call, struct hearth_err *err)
{
    const struct config_table *table = call->program->config;
    if (call->config_path == NULL) {
        return program_usage(err, "--check-config needs --config FILE");
    }
    struct arena arena;
    arena_init(&arena, 0);
    void *values = arena_take(&arena, table->values_size);
    assert(values != NULL);
    enum hearth_code code = config_load(table, call->config_path, &arena, values, err);
    if (code == HEARTH_OK) {
        config_print(table, values, CONFIG_ALL, stdout);
    }
    arena_fini(&arena);
    return program_result(code);
}

/* True: a question about the program itself was answered, in *result. */
static bool answer_globals(const struct parse *parse, const struct program_call *call,
    enum program_exit *result, struct hearth_err *err)
{
    *result = PROGRAM_DONE;
    if (parse->asked[GLOBAL_HELP]) {
        print_help(parse->program, parse->verb,
            find_noun(parse->program, call->argument_count, call->arguments));
    } else if (parse->asked[GLOBAL_VERSION]) {
        printf("%s %s\n", parse->program->name, HEARTH_VERSION);
    } else if (parse->asked[GLOBAL_LIST_FAILPOINTS]) {
        failpoint_list(stdout);
    } else if (parse->asked[GLOBAL_CHECK_CONFIG]) {
        *result = check_config(call, err);
    } else {
        return false;
    }
    return true;
}

static enum program_exit run_verb(
    const struct parse *parse, const struct program_call *call, struct hearth_err *err)
{
    enum program_exit result;
    if (answer_globals(parse, call, &result, err)) {
        return result;
    }
    if (parse->verb == NULL) {
        return refuse_command(parse->program, call, err);
    }
    result = check_call(parse, call, err);
    return result == PROGRAM_DONE ? parse->verb->run(call, err) : result;
}

static enum program_exit parse_and_run(
    const struct program *program, int argc, char **argv, struct hearth_err *err)
{
    const char *config_path = getenv("HEARTH_CONFIG");
    if (config_path != NULL && *config_path == '\0') {
        config_path = NULL; /* as a script writes "not set" */
    }
    struct parse parse = {.program = program, .config_path = config_path, .err = err};
    enum program_exit result = parse_words(&parse, "+", argc, argv);
    if (result != PROGRAM_DONE) {
        return result;
    }
    int words;
    int first = optind;
    parse.verb = find_verb(program, argc - first, argv + first, &words);
    assert(parse.verb == NULL || parse.verb->options_size <= sizeof(parse.options));

    int skipped = first + words - 1; /* getopt takes argv[0] for the program's name */
    result = parse_words(&parse, "", argc - skipped, argv + skipped);
    if (result != PROGRAM_DONE) {
        return result;
    }
    struct program_call call = {
        .program = program,
        .verb = parse.verb,
        .config_path = parse.config_path,
        .options = &parse.options,
        .argument_count = argc - skipped - optind,
        .arguments = argv + skipped + optind,
    };
    return run_verb(&parse, &call, err);
}

int program_main(const struct program *program, int argc, char **argv)
{
    struct hearth_err err = {0};
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* keys must not reach a core file */
    enum program_exit result = PROGRAM_USAGE;
    failpoint_record(getenv("HEARTH_FAILPOINTS_FIRED"));
    if (failpoint_arm(getenv("HEARTH_FAILPOINT"), &err) == HEARTH_OK) {
        result = parse_and_run(program, argc, argv, &err);
    }
    if (result == PROGRAM_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        hearth_fail_sys(&err, HEARTH_IO, errno, "write standard output");
        result = PROGRAM_FAILED;
    }
    if (result != PROGRAM_DONE) {
        fprintf(stderr, "%s: %s\n", program->name, err.message);
    }
    return (int)result;
}

/* ---- signals ---- */

static enum hearth_code open_signals(const sigset_t *signals, int *out_fd, struct hearth_err *err)
{
    int rc = pthread_sigmask(SIG_BLOCK, signals, NULL);
    assert(rc == 0);
    int fd = signalfd(-1, signals, SFD_CLOEXEC);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open a descriptor for signals");
    }
    *out_fd = fd;
    return HEARTH_OK;
}

enum hearth_code program_stop_open(int *out_fd, struct hearth_err *err)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    return open_signals(&stops, out_fd, err);
}

enum hearth_code program_reload_open(int *out_fd, struct hearth_err *err)
{
    sigset_t reloads;
    sigemptyset(&reloads);
    sigaddset(&reloads, SIGHUP);
    return open_signals(&reloads, out_fd, err);
}

int program_signal_wait(int fd)
{
    struct signalfd_siginfo info;
    ssize_t got;
    do {
        got = read(fd, &info, sizeof(info));
    } while (got < 0 && errno == EINTR);
    assert(got == (ssize_t)sizeof(info));
    return (int)info.ssi_signo;
}
