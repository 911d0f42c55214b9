/*
 * storaged_housekeeping: a volume on real files whose process is killed at a step of its
 * housekeeping - compaction, purge, scrub, checkpoint - opens again, has every shard that counts,
 * and ends what was begun.
 *
 * Each life is a process of its own: it opens the volume, lets eight days pass, and tidies, until
 * its failpoint kills it.  Time is stepped.
 */
#include "common/failpoint.h"
#include "tests/sim/volume_claims.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARDS = 12, HOUR_MS = 3600 * 1000, SCRUB_MS = 60 * 1000 };

static char directory[64];

/* `days` after the first life began. */
static void open_volume(struct volume_world *world, unsigned days)
{
    struct hearth_err err;
    volume_world_init_real(world, directory);
    test_env_step_ms(&world->env, days * UINT64_C(24) * HOUR_MS);
    assert_ok(volume_world_open(world, &err), &err);
}

static void end_volume(struct volume_world *world)
{
    volume_world_close(world);
    volume_world_fini(world);
}

/* The odd ones are deleted. */
static void fill(void)
{
    struct volume_world world;
    open_volume(&world, 0);
    for (uint8_t name = 1; name <= SHARDS; name++) {
        put(&world, large_plan(name));
    }
    for (uint8_t name = 1; name <= SHARDS; name += 2) {
        trash(&world, large_plan(name), VOLUME_TRASH_DONE);
    }
    end_volume(&world);
}

static void tidy_and_scrub(struct volume_world *world)
{
    volume_world_age(world);
    volume_world_tidy(world);
    while (stats_of(world).scrubbed == 0) {
        test_env_step_ms(&world->env, SCRUB_MS);
        volume_learn_time(world->volume, env_unix_ms(&world->env.env));
        volume_world_settle(world);
    }
}

static void all_that_counts_is_here(struct volume_world *world, bool is_tidy)
{
    for (uint8_t name = 2; name <= SHARDS; name += 2) {
        is_here(world, large_plan(name), false);
    }
    for (uint8_t name = 1; name <= SHARDS; name += 2) {
        struct hearth_err err;
        bool is_trash = false;
        struct shard_plan plan = large_plan(name);
        enum hearth_code code = volume_world_get(world, &plan, &is_trash, &err);
        assert_true(code == HEARTH_NOT_FOUND || (code == HEARTH_OK && is_trash && !is_tidy));
    }
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 0);
}

/* ---- a life that is cut short ---- */

static void live_until_killed(const char *failpoint)
{
    struct hearth_err err;
    char spec[80];
    snprintf(spec, sizeof(spec), "%s=kill", failpoint);
    struct volume_world world;
    open_volume(&world, 0);
    failpoint_record(getenv("HEARTH_FAILPOINTS_FIRED"));
    assert_ok(failpoint_arm(spec, &err), &err);
    tidy_and_scrub(&world);
    end_volume(&world);
}

static void is_killed_at(const char *failpoint)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        live_until_killed(failpoint);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fail_msg("%s was not passed", failpoint);
    }
}

static void comes_back(void)
{
    struct volume_world world;
    open_volume(&world, 1);
    all_that_counts_is_here(&world, false);
    tidy_and_scrub(&world);
    all_that_counts_is_here(&world, true);
    end_volume(&world);
    open_volume(&world, 10);
    all_that_counts_is_here(&world, true);
    end_volume(&world);
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void survives_a_kill_at(const char *failpoint)
{
    strcpy(directory, "/tmp/hearth-test-housekeeping-XXXXXX");
    assert_non_null(mkdtemp(directory));
    fill();
    is_killed_at(failpoint);
    comes_back();
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- which ---- */

static void a_kill_at_every_step_of_compaction_loses_nothing(void **state)
{
    (void)state;
    survives_a_kill_at("storaged.compact.copied");
    survives_a_kill_at("storaged.compact.forgotten");
    survives_a_kill_at("storaged.compact.disowned");
    survives_a_kill_at("storaged.compact.unlinked");
}

static void a_kill_when_trash_is_purged_loses_nothing(void **state)
{
    (void)state;
    survives_a_kill_at("storaged.purge.marked");
}

static void a_kill_at_the_end_of_a_scrub_loses_nothing(void **state)
{
    (void)state;
    survives_a_kill_at("storaged.scrub.verified");
}

static void a_kill_at_every_step_of_a_checkpoint_loses_nothing(void **state)
{
    (void)state;
    survives_a_kill_at("storaged.index.begun");
    survives_a_kill_at("storaged.index.synced");
    survives_a_kill_at("storaged.index.renamed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_every_step_of_compaction_loses_nothing),
        cmocka_unit_test(a_kill_when_trash_is_purged_loses_nothing),
        cmocka_unit_test(a_kill_at_the_end_of_a_scrub_loses_nothing),
        cmocka_unit_test(a_kill_at_every_step_of_a_checkpoint_loses_nothing),
    };
    return cmocka_run_group_tests_name("storaged_housekeeping", tests, NULL, NULL);
}
