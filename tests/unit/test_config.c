/*
 * config: what stands in a file reaches the struct, and what should not stand there is refused
 * with the file and line of the mistake.
 */
#include "common/config.h"
#include "common/file.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <unistd.h>

struct values {
    const char *name;
    const char *folder;
    uint64_t count;
    uint64_t capacity;
    uint64_t interval_ms;
    bool loud;
    uint64_t colour;
    uint64_t upload;
    struct config_addresses peers;
};

#define FIELD(name) offsetof(struct values, name)

static const char *const colours[] = {"red", "green", NULL};

static const struct config_param params[] = {
    {"node", "name", CONFIG_TEXT, FIELD(name), .max = 8, .help = "What it is called."},
    {"node", "folder", CONFIG_PATH, FIELD(folder), .preset = "volume", .help = "Where it is.",
        .environment = "HEARTH_TEST_FOLDER"},
    {"node", "count", CONFIG_INTEGER, FIELD(count), .preset = "3", .min = 1, .max = 9,
        .help = "How many."},
    {"limits", "capacity", CONFIG_BYTES, FIELD(capacity), .preset = "0", .help = "Bytes."},
    {"limits", "interval", CONFIG_DURATION, FIELD(interval_ms), .preset = "30s", .min = 10,
        .help = "How often."},
    {"limits", "loud", CONFIG_BOOL, FIELD(loud), .preset = "no", .help = "Whether."},
    {"limits", "colour", CONFIG_CHOICE, FIELD(colour), .preset = "red", .choices = colours,
        .help = "Which."},
    {"limits", "upload", CONFIG_RATE, FIELD(upload), .preset = "none", .live = true,
        .help = "How fast."},
    {"limits", "peers", CONFIG_ADDRESSES, FIELD(peers), .preset = "", .max = 2, .help = "Who."},
};

static const struct config_table table = {
    .params = params,
    .count = sizeof(params) / sizeof(params[0]),
    .values_size = sizeof(struct values),
};

struct fixture {
    char path[64];
    struct arena arena;
    struct values values;
    struct hearth_err err;
};

static int fixture_setup(void **state)
{
    static struct fixture fixture;
    strcpy(fixture.path, "/tmp/hearth-test-config-XXXXXX");
    int fd = mkstemp(fixture.path);
    assert_true(fd >= 0);
    close(fd);
    arena_init(&fixture.arena, 0);
    *state = &fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    return unlink(fixture->path);
}

static enum hearth_code load(struct fixture *fixture, const char *text)
{
    assert_ok(
        file_write_atomically(fixture->path, view_text(text), 0600, &fixture->err), &fixture->err);
    return config_load(&table, fixture->path, &fixture->arena, &fixture->values, &fixture->err);
}

static void every_kind_of_value_reaches_its_field(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(load(fixture,
                  "# a comment\n"
                  "[node]\n"
                  "name = den ; why\n"
                  "  folder = /srv/hearth\n"
                  "count = 9\n"
                  "[limits]\n"
                  "capacity = 10 GiB\n"
                  "interval = 5 min\n"
                  "loud = yes\n"
                  "colour = green\n"
                  "upload = 20 Mbit/s\n"
                  "peers = localhost:7400, [::1]:1\n"),
        &fixture->err);
    const struct values *values = &fixture->values;
    assert_string_equal(values->name, "den");
    assert_string_equal(values->folder, "/srv/hearth");
    assert_int_equal(values->count, 9);
    assert_int_equal(values->capacity, UINT64_C(10) << 30);
    assert_int_equal(values->interval_ms, 300000);
    assert_true(values->loud);
    assert_int_equal(values->colour, 1);
    assert_int_equal(values->upload, 2500000);
    assert_int_equal(values->peers.count, 2);
    assert_string_equal(values->peers.items[0].host, "localhost");
    assert_int_equal(values->peers.items[0].port, 7400);
    assert_string_equal(values->peers.items[1].host, "::1");
}

static void what_is_not_given_has_its_default_and_paths_start_beside_the_file(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(load(fixture, "[node]\nname = a\n"), &fixture->err);
    assert_string_equal(fixture->values.folder, "/tmp/volume");
    assert_int_equal(fixture->values.count, 3);
    assert_int_equal(fixture->values.interval_ms, 30000);
    assert_false(fixture->values.loud);
    assert_int_equal(fixture->values.peers.count, 0);
}

static void a_mistake_is_named_with_its_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *message; /* after the file's name */
    } cases[] = {
        {"[node]\nnam = a\n", ":2: unknown parameter nam in [node]"},
        {"[nod]\nname = a\n", ":2: unknown parameter name in [nod]"},
        {"name = a\n", ":1: unknown parameter name in []"},
        {"[node]\n\nname\n", ":3: neither [section] nor name = value nor a comment"},
        {"[node]\nname = a\nname = b\n", ":3: name is given twice"},
        {"[node]\nname = a\ncount = 10\n", ":3: count: \"10\": out of range, 1 to 9"},
        {"[node]\nname = a\ncount = x\n", ":3: count: \"x\": bad number, expected digits alone"},
        {"[node]\nname = a\ncount = -1\n", ":3: count: \"-1\": bad number, expected digits alone"},
        {"[node]\ncount = 18446744073709551617\n",
            ":2: count: \"18446744073709551617\": bad number, expected digits alone"},
        {"[node]\nname = too-long-a-name\n", ":2: name: \"too-long-a-name\": out of range, 0 to 8"},
        {"[limits]\ncapacity = 12Q\n",
            ":2: capacity: \"12Q\": bad unit, expected a size like 512, 64K, 10M, 20G or 1T"},
        {"[limits]\ncapacity = 99999999T\n", ":2: capacity: \"99999999T\": too large"},
        {"[limits]\ninterval = 30\n",
            ":2: interval: \"30\": bad unit, expected a duration like 200ms, 30s, 5min, 12h or 7d"},
        {"[limits]\ninterval = 9ms\n", ":2: interval: \"9ms\": out of range, at least 10 ms"},
        {"[limits]\nloud = true\n", ":2: loud: \"true\": expected yes or no"},
        {"[limits]\ncolour = blue\n", ":2: colour: \"blue\": expected red|green"},
        {"[limits]\nupload = 20M\n",
            ":2: upload: \"20M\": bad unit, expected a rate like 800KiB/s, 10MiB/s, 20Mbit/s, or "
            "none"},
        {"[limits]\npeers = host\n", ":2: peers: \"host\": expected HOST:PORT"},
        {"[limits]\npeers = ::1:80\n", ":2: peers: \"::1:80\": expected HOST:PORT"},
        {"[limits]\npeers = h:70000\n", ":2: peers: \"h:70000\": expected HOST:PORT"},
        {"[limits]\npeers = a:1,b:2,c:3\n", ":2: peers: \"a:1,b:2,c:3\": out of range, 0 to 2"},
        {"[limits]\npeers =;.0.2:742\n", ":2: peers: \";.0.2:742\": not the name of a host"},
        {"[node]\nname =;a\n",
            ":2: name: \";a\": a control character, a blank at an end, or ; behind a blank"},
        {"[node]\nname = a\033\n",
            ":2: name: \"a\033\": a control character, a blank at an end, or ; behind a blank"},
        {"[node]\ncount = 3\n", ": name is missing in [node]"},
    };
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(load(fixture, cases[i].text), HEARTH_INVALID);
        char expected[256];
        snprintf(expected, sizeof(expected), "%s%s", fixture->path, cases[i].message);
        assert_string_equal(fixture->err.message, expected);
    }
}

static void bits_of_a_line_are_counted_by_thousands(void **state)
{
    static const struct {
        const char *text;
        uint64_t bits;
    } cases[] = {{"0", 0}, {"800K", 800000}, {"40M", 40000000}, {"1G", 1000000000},
        {"40Mbit/s", 40000000}, {"40 Mbit/s", 40000000}, {"64kbit/s", 64000}, {"12345", 12345}};
    struct fixture *fixture = *state;
    uint64_t bits;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(config_parse_bits(cases[i].text, &bits, &fixture->err), &fixture->err);
        assert_int_equal(bits, cases[i].bits);
    }
    static const char *const wrong[] = {"", "fast", "-1", "40MiB", "40M/s", "99999999999999G"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(config_parse_bits(wrong[i], &bits, &fixture->err), HEARTH_INVALID);
    }
}

static void a_line_too_long_is_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    char text[6000];
    memset(text, 'a', sizeof(text));
    memcpy(text, "[node]\nname = ", 14);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(load(fixture, text), HEARTH_INVALID);
    assert_non_null(strstr(fixture->err.message, ":2: line is longer than"));
}

static void a_missing_file_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        config_load(&table, "/nonexistent/x", &fixture->arena, &fixture->values, &fixture->err),
        HEARTH_NOT_FOUND);
}

static void the_environment_wins_over_the_file(void **state)
{
    struct fixture *fixture = *state;
    setenv("HEARTH_TEST_FOLDER", "elsewhere", 1);
    enum hearth_code code = load(fixture, "[node]\nname = a\nfolder = /srv\n");
    unsetenv("HEARTH_TEST_FOLDER");
    assert_ok(code, &fixture->err);
    assert_string_equal(fixture->values.folder, "elsewhere");
}

static void what_a_file_cannot_hold_is_refused_from_the_environment_too(void **state)
{
    static const char *const folders[] = {"/srv ;a", ";a", " /srv", "/srv ", "/srv\n[limits]"};
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        setenv("HEARTH_TEST_FOLDER", folders[i], 1);
        enum hearth_code code = load(fixture, "[node]\nname = a\n");
        unsetenv("HEARTH_TEST_FOLDER");
        assert_int_equal(code, HEARTH_INVALID);
    }
}

static char *print(const struct values *values, enum config_which which)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    config_print(&table, values, which, memory);
    fclose(memory);
    return text;
}

static void what_is_printed_loads_to_the_same_values(void **state)
{
    struct fixture *fixture = *state;
    assert_ok(load(fixture,
                  "[node]\nname = a\n[limits]\ncapacity = 1536K\ninterval=90s\n"
                  "peers=[::1]:7, b:8\nloud=yes\ncolour=green\nupload=1536KiB/s\n"),
        &fixture->err);
    char *first = print(&fixture->values, CONFIG_ALL);
    assert_ok(load(fixture, first), &fixture->err);
    char *second = print(&fixture->values, CONFIG_ALL);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "capacity = 1536K\ninterval = 90s\n"));
    free(first);
    free(second);
}

static void only_what_differs_from_the_defaults_is_printed_on_request(void **state)
{
    struct fixture *fixture = *state;
    config_defaults(&table, &fixture->arena, &fixture->values);
    fixture->values.name = "a";
    fixture->values.loud = true;
    char *text = print(&fixture->values, CONFIG_CHANGED);
    assert_string_equal(text, "[node]\nname = a\n\n[limits]\nloud = yes\n");
    free(text);
}

static void help_shows_each_parameter_with_its_default(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    config_print_help(&table, memory);
    fclose(memory);
    for (unsigned i = 0; i < table.count; i++) {
        assert_non_null(strstr(text, params[i].name));
        assert_non_null(strstr(text, params[i].help));
    }
    assert_non_null(strstr(text, "interval = DURATION  (default 30s)"));
    assert_non_null(strstr(text, "colour = red|green  (default red)"));
    assert_non_null(strstr(text,
        "upload = RATE  (default none)\n      How fast.\n"
        "      Read again on SIGHUP.\n"));
    free(text);
}

static void note_change(
    void *context, const struct config_param *param, const char *before, const char *after)
{
    char *said = context;
    size_t length = strlen(said);
    snprintf(said + length, 200 - length, "%s %s->%s%s\n", param->name, before, after,
        param->live ? " live" : "");
}

static void what_differs_is_named_with_both_values(void **state)
{
    struct fixture *fixture = *state;
    char said[200] = "";
    assert_ok(load(fixture, "[node]\nname = a\n[limits]\ncapacity = 1024\n"), &fixture->err);
    struct values before = fixture->values;
    assert_ok(load(fixture, "[node]\nname = b\n[limits]\ncapacity = 1 KiB\nupload = 3MiB/s\n"),
        &fixture->err);
    config_compare(&table, &before, &fixture->values, note_change, said);
    assert_string_equal(said, "name a->b\nupload none->3MiB/s live\n");
    said[0] = '\0';
    config_compare(&table, &before, &before, note_change, said);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        CASE(every_kind_of_value_reaches_its_field),
        CASE(what_is_not_given_has_its_default_and_paths_start_beside_the_file),
        CASE(a_mistake_is_named_with_its_file_and_line),
        CASE(a_line_too_long_is_refused_whole),
        CASE(bits_of_a_line_are_counted_by_thousands),
        CASE(a_missing_file_is_not_found),
        CASE(the_environment_wins_over_the_file),
        CASE(what_a_file_cannot_hold_is_refused_from_the_environment_too),
        CASE(what_is_printed_loads_to_the_same_values),
        CASE(only_what_differs_from_the_defaults_is_printed_on_request),
        CASE(what_differs_is_named_with_both_values),
        CASE(help_shows_each_parameter_with_its_default),
#undef CASE
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
