/*
 * Every request of some workloads fails once, or from then on for good, and nothing that was
 * acknowledged is lost.
 *
 *   the n-th request of every kind answers EIO, for every n
 *   ENOSPC at every request that needs room, and short writes
 *   a failed sync at every sync, whose bytes are then lost; never repeated (the disk asserts it)
 *   all writes, or all syncs, fail from the n-th on: reads still work
 *   writes that land elsewhere or nowhere: never other bytes than were stored (D2)
 *
 * After each run the volume is looked at as it is, after a kill, and after a loss of power.
 */
#include "tests/lib/test.h"
#include "tests/sim/volume_model.h"

#include <errno.h>
#include <string.h>

enum {
    SCENARIO_MAX = 9,
    SEEDS = 5,    /* orders of answers that each fault is tried with */
    PAIRS = 3000, /* runs with two faults, drawn by chance */
};

static const enum model_op scenarios[][SCENARIO_MAX] = {
    {MODEL_PUT_SMALL, MODEL_PUT_LARGE, MODEL_TRASH_SMALL, MODEL_REOPEN, MODEL_PUT_PAIR,
        MODEL_TRASH_LARGE, MODEL_KILL, MODEL_PUT_PAIR, MODEL_TRASH_MIDDLE},
    {MODEL_STORM, MODEL_TRASH_LARGE, MODEL_STORM, MODEL_KILL, MODEL_TRASH_MIDDLE, MODEL_REOPEN,
        MODEL_STORM, MODEL_PUT_SMALL, MODEL_PUT_PAIR},
    {MODEL_TRASH_LARGE, MODEL_ABORT_LARGE, MODEL_PUT_PAIR, MODEL_PUT_SMALL_OTHER, MODEL_KILL,
        MODEL_PUT_SMALL, MODEL_ABORT_LARGE, MODEL_TRASH_SMALL, MODEL_REOPEN},
    {MODEL_STORM, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY, MODEL_TRASH_MIDDLE, MODEL_KILL,
        MODEL_AGE, MODEL_REOPEN, MODEL_TIDY},
};

enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

struct run {
    struct volume_world world;
    struct volume_model model;
};

static uint64_t runs;

/* A fault may keep the volume from opening; a healthy disk does not. */
static void open_again(struct run *run)
{
    struct hearth_err err;
    sim_disk_heal(run->world.sim);
    assert_ok(volume_world_open(&run->world, &err), &err);
}

static void run_begin(
    struct run *run, const struct sim_fault *faults, unsigned fault_count, uint64_t seed)
{
    struct hearth_err err;
    runs++;
    volume_world_init(&run->world, seed);
    run->world.options.checkpoint_records = seed % 2 == 0 ? 3 : 0;
    volume_model_init(&run->model);
    for (unsigned i = 0; i < fault_count; i++) {
        sim_disk_add_fault(run->world.sim, &faults[i]);
    }
    if (volume_world_open(&run->world, &err) != HEARTH_OK) {
        open_again(run);
    }
}

static void run_scenario(struct run *run, const enum model_op *scenario)
{
    for (unsigned i = 0; i < SCENARIO_MAX; i++) {
        if (!volume_model_run(&run->model, &run->world, scenario[i], true)) {
            open_again(run);
        }
    }
    volume_world_settle(&run->world);
}

static void look(struct run *run)
{
    unsigned seen[MODEL_NAMES];
    volume_model_check(&run->model, &run->world, seen);
}

/* After a kill, and after losses of power: what is possible, and acknowledged shards verify. */
static void look_after_restarts(struct run *run, uint64_t seed)
{
    struct hearth_err err;
    sim_disk_heal(run->world.sim);
    memset(run->world.events, 0, sizeof(run->world.events));
    volume_world_crash(&run->world, (enum sim_policy)(seed % SIM_POLICIES), seed);
    assert_ok(volume_world_open(&run->world, &err), &err);
    look(run);
    volume_world_crash(&run->world, SIM_DROP_ALL, 1);
    assert_ok(volume_world_open(&run->world, &err), &err);
    look(run);
    volume_model_check_by_put(&run->model, &run->world);
    assert_int_equal(run->world.events[VOLUME_SHARD_DAMAGED], 0);
}

static void run_with_faults(const enum model_op *scenario, const struct sim_fault *faults,
    unsigned fault_count, uint64_t seed)
{
    static struct run run;
    run_begin(&run, faults, fault_count, seed);
    run_scenario(&run, scenario);
    if (faults[0].request != DISK_READ) {
        look(&run); /* with the fault still there: reads work whatever writes do */
    }
    volume_world_settle(&run.world);
    look_after_restarts(&run, runs);
    volume_world_fini(&run.world);
}

/* How many requests of a kind a scenario makes when nothing fails. */
static uint64_t requests_of(const enum model_op *scenario, enum disk_request request, uint64_t seed)
{
    static struct run run;
    run_begin(&run, NULL, 0, seed);
    run_scenario(&run, scenario);
    uint64_t count = sim_disk_requests(run.world.sim, request);
    volume_world_fini(&run.world);
    return count;
}

static void fail_each(
    enum disk_request request, enum sim_fault_kind kind, int error, uint64_t count)
{
    for (uint64_t seed = 1; seed <= SEEDS * SCENARIOS; seed++) {
        const enum model_op *scenario = scenarios[seed % SCENARIOS];
        uint64_t total = requests_of(scenario, request, seed);
        for (uint64_t nth = 0; nth < total; nth++) {
            struct sim_fault fault = {
                .kind = kind, .request = request, .nth = nth, .count = count, .error = error};
            run_with_faults(scenario, &fault, 1, seed);
        }
    }
}

static void any_one_request_may_fail(void **state)
{
    (void)state;
    for (unsigned request = DISK_CREATE; request <= DISK_SYNC_DIR; request++) {
        fail_each((enum disk_request)request, SIM_FAIL, EIO, 1);
    }
}

static void the_disk_may_be_full_at_any_request(void **state)
{
    (void)state;
    fail_each(DISK_WRITE, SIM_FAIL, ENOSPC, 1);
    fail_each(DISK_ALLOCATE, SIM_FAIL, ENOSPC, 1);
    fail_each(DISK_CREATE, SIM_FAIL, ENOSPC, 1);
    fail_each(DISK_ALLOCATE, SIM_FAIL, ENOSPC, UINT64_MAX);
    fail_each(DISK_WRITE, SIM_FAIL, ENOSPC, UINT64_MAX);
}

static void any_write_or_read_may_be_short(void **state)
{
    (void)state;
    fail_each(DISK_WRITE, SIM_SHORT, 0, 1);
    fail_each(DISK_READ, SIM_SHORT, 0, 1);
}

static void writes_and_syncs_may_fail_for_good(void **state)
{
    (void)state;
    fail_each(DISK_WRITE, SIM_FAIL, EIO, UINT64_MAX);
    fail_each(DISK_SYNC, SIM_FAIL, EIO, UINT64_MAX);
}

static void any_two_requests_may_fail(void **state)
{
    (void)state;
    struct test_env chance;
    test_env_init(&chance, 1);
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        struct sim_fault faults[2];
        for (unsigned i = 0; i < 2; i++) {
            static const enum disk_request kinds[] = {DISK_WRITE, DISK_SYNC, DISK_ALLOCATE};
            faults[i] = (struct sim_fault){.kind = SIM_FAIL,
                .request = kinds[env_random_below(&chance.env, 3)],
                .nth = env_random_below(&chance.env, 25),
                .count = 1 + env_random_below(&chance.env, 2),
                .error = env_random_below(&chance.env, 4) == 0 ? ENOSPC : EIO};
        }
        run_with_faults(scenarios[pair % SCENARIOS], faults, 2, pair + 1);
    }
}

/* ---- a disk that lies ---- */

static void run_lied_to(const enum model_op *scenario, const struct sim_fault *fault, uint64_t seed)
{
    static struct run run;
    struct hearth_err err;
    run_begin(&run, fault, 1, seed);
    run.model.expects_nothing = true;
    run_scenario(&run, scenario);
    sim_disk_heal(run.world.sim);
    look(&run);
    volume_world_kill(&run.world);
    if (volume_world_open(&run.world, &err) == HEARTH_OK) {
        look(&run);
    } else {
        assert_int_equal(err.code, HEARTH_CHECKSUM); /* both superblocks are gone */
    }
    volume_world_fini(&run.world);
}

static void lie_at_each(enum sim_fault_kind kind, uint64_t offset)
{
    for (unsigned i = 0; i < SCENARIOS; i++) {
        uint64_t total = requests_of(scenarios[i], DISK_WRITE, i + 1);
        for (uint64_t nth = 0; nth < total; nth++) {
            struct sim_fault fault = {
                .kind = kind, .request = DISK_WRITE, .nth = nth, .count = 1, .offset = offset};
            run_lied_to(scenarios[i], &fault, i + 1);
        }
    }
}

static void lost_and_misplaced_writes_never_show_other_bytes(void **state)
{
    (void)state;
    lie_at_each(SIM_DROPPED, 0);
    lie_at_each(SIM_MISPLACED, 4096);
    lie_at_each(SIM_MISPLACED, 12288);
}

static int print_runs(void **state)
{
    (void)state;
    print_message("%llu runs\n", (unsigned long long)runs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_one_request_may_fail),
        cmocka_unit_test(the_disk_may_be_full_at_any_request),
        cmocka_unit_test(any_write_or_read_may_be_short),
        cmocka_unit_test(writes_and_syncs_may_fail_for_good),
        cmocka_unit_test(any_two_requests_may_fail),
        cmocka_unit_test(lost_and_misplaced_writes_never_show_other_bytes),
    };
    return cmocka_run_group_tests_name("volume_faults", tests, NULL, print_runs);
}
