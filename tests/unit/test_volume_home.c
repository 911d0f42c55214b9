/*
 * volume_home: a disk that is not mounted is not taken for an empty volume, at the start or later.
 *
 * An unmounted disk is played by moving the volume's directory away: its files stay open, and an
 * empty directory is in its place.
 */
#include "storaged/volume_home.h"

#include "common/file.h"
#include "storaged/storaged.h"
#include "tests/lib/daemon_world.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    static struct daemon_world world;
    daemon_world_init(&world);
    assert_int_equal(daemon_world_put(&world, world.channel, 1), HEARTH_OK);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    daemon_world_fini(*state);
    return 0;
}

static void unmount(struct daemon_world *world)
{
    assert_int_equal(rename(world->settings.volume, daemon_world_path(world, "away")), 0);
    assert_int_equal(mkdir(world->settings.volume, 0700), 0);
}

/* What was made in its place meanwhile goes. */
static void mount_again(struct daemon_world *world)
{
    char lock_path[256];
    snprintf(lock_path, sizeof(lock_path), "%s/lock", world->settings.volume);
    unlink(lock_path);
    assert_int_equal(rmdir(world->settings.volume), 0);
    assert_int_equal(rename(daemon_world_path(world, "away"), world->settings.volume), 0);
}

static void expect_start_refused(
    struct daemon_world *world, enum hearth_code code, const char *text)
{
    struct storaged *node;
    assert_int_equal(storaged_start(&world->settings, env_system(), &node, &world->err), code);
    if (strstr(world->err.message, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", world->err.message, text);
    }
}

static void write_id(struct daemon_world *world, const char *text)
{
    const char *path = daemon_world_path(world, SETTINGS_VOLUME_ID);
    assert_ok(file_write_atomically(path, view_text(text), 0644, &world->err), &world->err);
}

static void an_empty_mount_point_is_not_a_new_volume(void **state)
{
    struct daemon_world *world = *state;
    storaged_stop(world->node);
    unmount(world);
    expect_start_refused(world, HEARTH_NOT_FOUND, "is its disk mounted?");
    expect_start_refused(world, HEARTH_NOT_FOUND, SETTINGS_VOLUME_ID);
    mount_again(world);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
}

static void another_volume_is_refused(void **state)
{
    struct daemon_world *world = *state;
    struct view id;
    const char *path = daemon_world_path(world, SETTINGS_VOLUME_ID);
    storaged_stop(world->node);
    assert_ok(file_read_whole(path, 64, &world->arena, &id, &world->err), &world->err);
    write_id(world, "00112233445566778899aabbccddeeff\n");
    expect_start_refused(world, HEARTH_DENIED, "is the right disk mounted?");
    write_id(world, "00112233445566778899aabbccddeef\n");
    expect_start_refused(world, HEARTH_INVALID, "does not name a volume");
    assert_ok(file_write_atomically(path, id, 0644, &world->err), &world->err);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
}

/* A node of a release that did not write it, or one whose owner has said that the disk is new. */
static void without_the_id_the_volume_that_is_there_is_the_one(void **state)
{
    struct daemon_world *world = *state;
    storaged_stop(world->node);
    assert_int_equal(unlink(daemon_world_path(world, SETTINGS_VOLUME_ID)), 0);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(access(daemon_world_path(world, SETTINGS_VOLUME_ID), R_OK), 0);
}

static void a_disk_that_is_taken_away_ends_the_service(void **state)
{
    struct daemon_world *world = *state;
    int never_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(never_fd >= 0);
    unmount(world);
    assert_int_equal(storaged_run(world->node, never_fd, -1), STORAGED_VOLUME_GONE);
    storaged_stop(world->node);
    expect_start_refused(world, HEARTH_NOT_FOUND, "is its disk mounted?");
    mount_again(world);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
    close(never_fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_empty_mount_point_is_not_a_new_volume),
        CASE(another_volume_is_refused),
        CASE(without_the_id_the_volume_that_is_there_is_the_one),
        CASE(a_disk_that_is_taken_away_ends_the_service),
    };
    return cmocka_run_group_tests_name("volume_home", tests, NULL, NULL);
}
