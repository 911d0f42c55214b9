/*
 * init: all of a cluster, or a refusal that leaves things as they were.
 */
#include "coordinator/init.h"

#include "common/file.h"
#include "coordinator/coordinator.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct test_env env;
    char base[64];
    char directory[80];
    char configuration[128];
    struct arena arena;
    struct hearth_err err;
};

static int set_up(void **state)
{
    const char *base = getenv("TMPDIR");
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 1);
    arena_init(&at->arena, 0);
    snprintf(at->base, sizeof(at->base), "%.40s/hearth-init-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(at->base));
    snprintf(at->directory, sizeof(at->directory), "%s/cluster", at->base);
    snprintf(at->configuration, sizeof(at->configuration), "%s/%s", at->directory, SETTINGS_FILE);
    *state = at;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    nftw(at->base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

static enum hearth_code init_with(struct fixture *at, struct init_options options, char **said)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    options.dir = at->directory;
    enum hearth_code code = coordinator_init(&options, &at->env.env, out, &at->err);
    fclose(out);
    if (said != NULL) {
        *said = text;
    } else {
        free(text);
    }
    return code;
}

static void a_new_cluster_can_be_served(void **state)
{
    struct fixture *at = *state;
    char *said;
    const struct init_options options = {
        .listen = "127.0.0.1:7400", .enrol = "127.0.0.1:7401", .heartbeat = "1s"};
    assert_ok(init_with(at, options, &said), &at->err);
    assert_non_null(strstr(said, "admin-invite: "));
    assert_non_null(strstr(said, "RECOVERY KIT"));
    free(said);

    struct settings settings;
    struct coordinator *coordinator;
    assert_ok(
        config_load(&settings_table, at->configuration, &at->arena, &settings, &at->err), &at->err);
    assert_int_equal(settings.heartbeat_ms, 1000);
    assert_ok(coordinator_open(&settings, &at->env.env, &coordinator, &at->err), &at->err);
    coordinator_close(coordinator);
}

static void a_cluster_that_is_there_is_left_as_it_is(void **state)
{
    struct fixture *at = *state;
    const struct init_options options = {
        .listen = "127.0.0.1:7400", .enrol = "127.0.0.1:7401", .heartbeat = "1s"};
    struct init_options other = options;
    struct view before;
    struct view after;
    other.heartbeat = "2s";
    assert_ok(init_with(at, options, NULL), &at->err);
    assert_ok(file_read_whole(at->configuration, 1 << 16, &at->arena, &before, &at->err), &at->err);
    assert_int_equal(init_with(at, other, NULL), HEARTH_EXISTS);
    assert_ok(file_read_whole(at->configuration, 1 << 16, &at->arena, &after, &at->err), &at->err);
    assert_true(view_equal(before, after));
}

static void a_configuration_of_the_operators_is_not_written_over(void **state)
{
    struct fixture *at = *state;
    const struct view own = view_text("[cluster]\nprofile = local\n");
    const struct init_options options = {.listen = "127.0.0.1:7400", .enrol = "127.0.0.1:7401"};
    struct view after;
    assert_ok(file_make_directories(at->directory, 0700, &at->err), &at->err);
    assert_ok(file_write_atomically(at->configuration, own, 0644, &at->err), &at->err);
    assert_int_equal(init_with(at, options, NULL), HEARTH_EXISTS);
    assert_ok(file_read_whole(at->configuration, 1 << 16, &at->arena, &after, &at->err), &at->err);
    assert_true(view_equal(own, after));
}

static void an_option_that_is_wrong_leaves_nothing_behind(void **state)
{
    struct fixture *at = *state;
    const struct init_options good = {.listen = "127.0.0.1:7400", .enrol = "127.0.0.1:7401"};
    struct init_options wrong[] = {good, good, good, good, good};
    wrong[0].profile = "enormous";
    wrong[1].heartbeat = "1ms"; /* too often */
    wrong[2].heartbeat = "soon";
    wrong[3].listen = "nowhere";
    wrong[4].heartbeat = "2h"; /* too rarely */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(init_with(at, wrong[i], NULL), HEARTH_INVALID);
        assert_int_not_equal(access(at->directory, F_OK), 0);
    }
    assert_ok(init_with(at, good, NULL), &at->err);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_new_cluster_can_be_served),
        claim(a_cluster_that_is_there_is_left_as_it_is),
        claim(a_configuration_of_the_operators_is_not_written_over),
        claim(an_option_that_is_wrong_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
