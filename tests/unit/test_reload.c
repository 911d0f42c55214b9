/*
 * reload: what an owner changes in the file is in force at once and said, by name, old and new; a
 * file with a mistake changes nothing.
 *
 * The daemon runs on real files, over TLS; its settings file is written by the test.
 */
#include "storaged/reload.h"

#include "common/file.h"
#include "tests/lib/daemon_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_ear.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    static struct daemon_world world;
    daemon_world_init(&world);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    daemon_world_fini(*state);
    return 0;
}

/* The file as the daemon was started, and then `text`. Returns what the daemon said about it. */
static char *reload(struct daemon_world *world, const struct settings *wanted, const char *text)
{
    const char *path = daemon_world_path(world, SETTINGS_FILE);
    struct test_ear ear;
    char *file = NULL;
    size_t size;
    FILE *memory = open_memstream(&file, &size);
    assert_non_null(memory);
    config_print(&storaged_settings_table, wanted, CONFIG_ALL, memory);
    fputs(text, memory);
    fclose(memory);
    assert_ok(file_write_atomically(path, view_of(file, size), 0644, &world->err), &world->err);
    free(file);
    test_listen_begin(&ear);
    reload_settings(world->node, path, &world->settings);
    return test_listen_end(&ear);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}

static void each_change_is_said_with_its_name_and_both_values(void **state)
{
    struct daemon_world *world = *state;
    struct settings wanted = world->settings;
    wanted.upload = 10 << 20;
    wanted.download = 3 << 10;
    char *said = reload(world, &wanted, "");
    assert_non_null(strstr(said,
        "setting.changed section=limits name=upload from=\"none\" "
        "to=\"10MiB/s\""));
    assert_non_null(strstr(said, "name=download from=\"none\" to=\"3KiB/s\""));
    assert_int_equal(count_of(said, "setting.changed"), 2);
    assert_int_equal(count_of(said, "settings.read"), 1);
    free(said);

    wanted.upload = 0;
    said = reload(world, &wanted, "");
    assert_non_null(strstr(said, "name=upload from=\"10MiB/s\" to=\"none\""));
    assert_int_equal(count_of(said, "setting.changed"), 1);
    free(said);

    said = reload(world, &wanted, "");
    assert_int_equal(count_of(said, "setting.changed"), 0);
    free(said);
}

static void what_takes_a_restart_is_said_and_not_done(void **state)
{
    struct daemon_world *world = *state;
    struct settings wanted = world->settings;
    wanted.streams = 1;
    char *said = reload(world, &wanted, "");
    assert_non_null(strstr(said, "setting.waits section=limits name=streams"));
    assert_int_equal(count_of(said, "setting.changed"), 0);
    assert_int_equal(world->settings.streams, DAEMON_STREAMS_MAX);
    free(said);
}

static void a_file_with_a_mistake_changes_nothing_and_is_one_line(void **state)
{
    struct daemon_world *world = *state;
    struct settings wanted = world->settings;
    wanted.upload = 1; /* right, and above the mistake */
    char *said = reload(world, &wanted, "\n[limits]\nuplaod = 5MiB/s\n");
    assert_int_equal(count_of(said, "\n"), 1);
    assert_non_null(strstr(said, "settings.refused"));
    assert_non_null(strstr(said, "unknown parameter uplaod in [limits]"));
    assert_int_equal(world->settings.upload, 0);
    free(said);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
}

static void less_capacity_than_is_used_keeps_everything_and_takes_nothing_new(void **state)
{
    struct daemon_world *world = *state;
    struct settings wanted = world->settings;
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    wanted.capacity_bytes = 1;
    free(reload(world, &wanted, ""));
    assert_int_equal(daemon_world_put(world, world->channel, 2), HEARTH_NO_SPACE);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK); /* it is here */
    test_gate_wait(&world->coordinator.beats, test_gate_count(&world->coordinator.beats) + 2);

    wanted.capacity_bytes = 0;
    free(reload(world, &wanted, ""));
    assert_int_equal(daemon_world_put(world, world->channel, 2), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
}

/* A node that may send next to nothing keeps its heartbeat, and lets go what waits when it may. */
static void a_limit_in_force_holds_the_streams_and_not_the_heartbeat(void **state)
{
    struct daemon_world *world = *state;
    struct settings wanted = world->settings;
    struct remote remote;
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    wanted.upload = 1;
    free(reload(world, &wanted, ""));
    daemon_world_begin_get(world, &remote, world->channel, 1);
    rpc_stream_read(remote.stream);
    test_gate_wait(&world->coordinator.beats, test_gate_count(&world->coordinator.beats) + 3);
    assert_false(atomic_load(&remote.is_over));

    wanted.upload = 0;
    free(reload(world, &wanted, ""));
    assert_int_equal(remote_wait(&remote), HEARTH_OK);
    remote_fini(&remote);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(each_change_is_said_with_its_name_and_both_values),
        CASE(what_takes_a_restart_is_said_and_not_done),
        CASE(a_file_with_a_mistake_changes_nothing_and_is_one_line),
        CASE(less_capacity_than_is_used_keeps_everything_and_takes_nothing_new),
        CASE(a_limit_in_force_holds_the_streams_and_not_the_heartbeat),
    };
    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
