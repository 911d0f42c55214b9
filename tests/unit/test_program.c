/*
 * program: which verb runs with which options, and what a wrong command line gets as an answer.
 *
 * program_main is called as main would; what it printed is read back from temporary files.
 */
#include "common/program.h"
#include "tests/lib/test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct copy_options {
    bool recursive;
    const char *rate;
    struct program_list picks;
};

static const struct program_option copy_option_rows[] = {
    {.name = "recursive",
        .letter = 'r',
        .offset = offsetof(struct copy_options, recursive),
        .help = "folders too"},
    {.name = "rate",
        .value = "BYTES",
        .offset = offsetof(struct copy_options, rate),
        .help = "a second"},
    {.name = "with",
        .letter = 'w',
        .value = "NAME",
        .offset = PROGRAM_LIST + offsetof(struct copy_options, picks),
        .help = "that too"},
    {.name = "without",
        .value = "NAME",
        .offset = PROGRAM_LIST + offsetof(struct copy_options, picks),
        .help = "but not that"},
};

struct invite_options {
    const char *dir;
};

static const struct program_option invite_option_rows[] = {
    {.name = "dir",
        .value = "DIR",
        .required = true,
        .offset = offsetof(struct invite_options, dir),
        .help = "where"},
};

/* Each verb says on standard output what it was called with. */

static enum program_exit run_copy(const struct program_call *call, struct hearth_err *err)
{
    const struct copy_options *options = call->options;
    (void)err;
    printf("cp %s %s r=%d rate=%s config=%s", call->arguments[0], call->arguments[1],
        options->recursive, options->rate == NULL ? "-" : options->rate,
        call->config_path == NULL ? "-" : call->config_path);
    for (unsigned i = 0; i < options->picks.count; i++) {
        printf(" %s=%s", options->picks.items[i].name, options->picks.items[i].value);
    }
    printf("\n");
    return PROGRAM_DONE;
}

static enum program_exit run_invite(const struct program_call *call, struct hearth_err *err)
{
    const struct invite_options *options = call->options;
    return program_result(hearth_fail(err, HEARTH_IO, "invite into %s", options->dir));
}

static enum program_exit run_serve(const struct program_call *call, struct hearth_err *err)
{
    (void)err;
    printf("serve %s\n", call->config_path);
    return PROGRAM_DONE;
}

static const struct program_verb verbs[] = {
    {.needs_config = true, .help = "Serves.", .run = run_serve},
    {.name = "cp",
        .arguments = "SRC DST",
        .arguments_min = 2,
        .arguments_max = 2,
        .options = copy_option_rows,
        .option_count = sizeof(copy_option_rows) / sizeof(copy_option_rows[0]),
        .options_size = sizeof(struct copy_options),
        .help = "Copies.",
        .notes = "Copies far and wide.\n",
        .run = run_copy},
    {.name = "node invite",
        .options = invite_option_rows,
        .option_count = 1,
        .options_size = sizeof(struct invite_options),
        .help = "Invites.",
        .run = run_invite},
};

struct values {
    uint64_t count;
};

static const struct config_param params[] = {
    {"x", "count", CONFIG_INTEGER, 0, .preset = "3", .help = "How many."},
};

static const struct config_table table = {params, 1, sizeof(struct values)};

static const struct program program = {
    .name = "hearth-test",
    .purpose = "shows how programs begin",
    .verbs = verbs,
    .verb_count = 3,
    .config = &table,
};

struct output {
    int status;
    char out[4096];
    char err[1024];
};

/* Puts a temporary file in the place of a standard stream; the old one is returned. */
static int redirect(FILE *stream, FILE *to)
{
    fflush(stream);
    int kept = dup(fileno(stream));
    assert_true(kept >= 0 && dup2(fileno(to), fileno(stream)) >= 0);
    return kept;
}

static void restore(FILE *stream, int kept, FILE *from, char *text, size_t size)
{
    fflush(stream);
    assert_true(dup2(kept, fileno(stream)) >= 0);
    close(kept);
    rewind(from);
    text[fread(text, 1, size - 1, from)] = '\0';
    fclose(from);
}

/* Runs `line`, words separated by blanks. */
static struct output run(const char *line)
{
    char words[1024];
    char *argv[2 * PROGRAM_LIST_MAX + 32] = {(char[]){"hearth-test"}};
    int argc = 1;
    strcpy(words, line);
    for (char *state, *word = strtok_r(words, " ", &state); word != NULL;
         word = strtok_r(NULL, " ", &state)) {
        argv[argc++] = word;
    }
    struct output output;
    FILE *files[2] = {tmpfile(), tmpfile()};
    int kept[2] = {redirect(stdout, files[0]), redirect(stderr, files[1])};
    output.status = program_main(&program, argc, argv);
    restore(stdout, kept[0], files[0], output.out, sizeof(output.out));
    restore(stderr, kept[1], files[1], output.err, sizeof(output.err));
    return output;
}

static void expect(const char *line, int status, const char *out, const char *err)
{
    struct output output = run(line);
    assert_string_equal(output.err, err);
    assert_string_equal(output.out, out);
    assert_int_equal(output.status, status);
}

static void a_verb_gets_its_options_and_arguments_in_any_order(void **state)
{
    (void)state;
    expect("cp a b", 0, "cp a b r=0 rate=- config=-\n", "");
    expect("--config f cp -r a b", 0, "cp a b r=1 rate=- config=f\n", "");
    expect("cp a --rate 5M b --recursive --config=f", 0, "cp a b r=1 rate=5M config=f\n", "");
    expect("cp -- -r b", 0, "cp -r b r=0 rate=- config=-\n", "");
    expect("cp - b", 0, "cp - b r=0 rate=- config=-\n", "");
}

static void without_a_verb_the_unnamed_one_runs(void **state)
{
    (void)state;
    expect("--config f", 0, "serve f\n", "");
    setenv("HEARTH_CONFIG", "g", 1);
    expect("", 0, "serve g\n", "");
    expect("--config f", 0, "serve f\n", "");
    unsetenv("HEARTH_CONFIG");
}

static void a_failure_is_one_line_and_exit_1(void **state)
{
    (void)state;
    expect("node invite --dir /x", 1, "", "hearth-test: invite into /x\n");
}

static void wrong_usage_is_one_line_and_exit_2(void **state)
{
    static const struct {
        const char *line;
        const char *err;
    } cases[] = {
        {"", "--config FILE is missing"},
        {"--nonsense", "--nonsense: unknown option, or its value is missing"},
        {"cp -x a b", "-x: unknown option, or its value is missing"},
        {"cp a b --rate", "--rate: unknown option, or its value is missing"},
        {"cp a", "a: expected SRC DST"},
        {"cp a b c", "c: expected SRC DST"},
        {"node invite", "--dir DIR is missing"},
        {"node", "node: expected node invite"},
        {"node fly", "node fly: expected node invite"},
        {"--log-level loud --config f",
            "--log-level loud: expected error, warn, info, debug or trace"},
        {"--check-config", "--check-config needs --config FILE"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char err[256];
        snprintf(err, sizeof(err), "hearth-test: %s (--help says more)\n", cases[i].err);
        expect(cases[i].line, 2, "", err);
    }
}

static void help_names_every_verb_option_and_parameter(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help", "--config f --help"};
    for (unsigned i = 0; i < 2; i++) {
        struct output output = run(lines[i]);
        assert_int_equal(output.status, 0);
        assert_non_null(strstr(output.out, "node invite"));
        assert_non_null(strstr(output.out, "-r, --recursive"));
        assert_non_null(strstr(output.out, "--rate BYTES"));
        assert_non_null(strstr(output.out, "count = NUMBER  (default 3)"));
    }
    expect("--version", 0, "hearth-test " HEARTH_VERSION "\n", "");
}

static void help_of_a_verb_is_about_that_verb(void **state)
{
    (void)state;
    struct output output = run("cp --help");
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "-r, --recursive"));
    assert_non_null(strstr(output.out, "Copies far and wide."));
    assert_non_null(strstr(output.out, "--version"));
    assert_null(strstr(output.out, "node invite"));
    assert_null(strstr(output.out, "count = NUMBER"));
}

static void help_of_a_noun_is_about_all_its_verbs(void **state)
{
    (void)state;
    struct output output = run("node --help");
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "node invite"));
    assert_null(strstr(output.out, "-r, --recursive"));
    assert_null(strstr(output.out, "count = NUMBER"));
}

static void a_list_keeps_the_order_of_the_command_line(void **state)
{
    (void)state;
    expect("cp --without a -w b x --with=c y --without d", 0,
        "cp x y r=0 rate=- config=- without=a with=b with=c without=d\n", "");
    char line[PROGRAM_LIST_MAX * 8] = "cp x y";
    for (unsigned i = 0; i < PROGRAM_LIST_MAX + 1; i++) {
        strcpy(line + strlen(line), " -w n");
    }
    expect(line, 2, "", "hearth-test: --with n: more than 64 of them (--help says more)\n");
}

static void check_config_prints_what_is_in_effect(void **state)
{
    (void)state;
    expect("--check-config --config /dev/null", 0, "[x]\ncount = 3\n", "");
    struct output output = run("--check-config --config /nonexistent");
    assert_int_equal(output.status, 1);
    assert_string_equal(
        output.err, "hearth-test: open configuration /nonexistent: No such file or directory\n");
}

static void a_stop_signal_is_read_from_the_descriptor(void **state)
{
    (void)state;
    struct hearth_err err;
    int fd;
    assert_ok(program_stop_open(&fd, &err), &err);
    raise(SIGTERM);
    assert_int_equal(program_signal_wait(fd), SIGTERM);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_gets_its_options_and_arguments_in_any_order),
        cmocka_unit_test(without_a_verb_the_unnamed_one_runs),
        cmocka_unit_test(a_failure_is_one_line_and_exit_1),
        cmocka_unit_test(wrong_usage_is_one_line_and_exit_2),
        cmocka_unit_test(help_names_every_verb_option_and_parameter),
        cmocka_unit_test(help_of_a_verb_is_about_that_verb),
        cmocka_unit_test(help_of_a_noun_is_about_all_its_verbs),
        cmocka_unit_test(a_list_keeps_the_order_of_the_command_line),
        cmocka_unit_test(check_config_prints_what_is_in_effect),
        cmocka_unit_test(a_stop_signal_is_read_from_the_descriptor),
    };
    unsetenv("HEARTH_CONFIG");
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
