/*
 * A volume loses power at every moment of every small workload, and keeps what it promised.
 *
 * Every sequence of up to three operations is run once, and of those of four one in so many
 * (HEARTH_CRASH_EACH=1: all of them), and some longer ones in which logs are compacted.  At each
 * request it makes to its disk, and at its end, power is lost in every way the simulated disk
 * knows; each time a new volume is opened on what is left, and must show
 *
 *   every acknowledged shard exactly, deleted ones still readable as trash, refused ids refused
 * (D3, D5), and of the operation under way all or nothing; the same again after a restart, and
 * after one more loss of power: what was seen once stays.
 *
 * Some of the recoveries lose power themselves, at every request.
 */
#include "tests/lib/test.h"
#include "tests/sim/volume_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECOVERIES_CUT = 97, /* one recovery of so many is cut, too */
    DEPTH = 3,
    DEPTH_SAMPLED = 4,
    LENGTH_MAX = 7,
    EACH_DEFAULT = 997, /* a prime, so that all operations come in all places */
};

struct exploration {
    struct volume_world world;
    struct volume_model model;
    enum model_op workload[LENGTH_MAX];
    unsigned length;
    uint64_t states;
    uint64_t recoveries_cut;
    uint64_t compactions; /* in the last operation of a workload, or since its start */
};

static void print_workload(const struct exploration *exploration)
{
    for (unsigned i = 0; i < exploration->length; i++) {
        print_error("  %s\n", model_op_name(exploration->workload[i]));
    }
}

/* ---- one state ---- */

static void open_or_fail(struct exploration *exploration, struct volume_world *world)
{
    struct hearth_err err;
    enum hearth_code code = volume_world_open(world, &err);
    if (code != HEARTH_OK) {
        print_workload(exploration);
    }
    assert_ok(code, &err);
}

static void sees_the_same(struct exploration *exploration, struct volume_world *world,
    const unsigned expected[MODEL_NAMES])
{
    unsigned seen[MODEL_NAMES];
    open_or_fail(exploration, world);
    volume_model_check(&exploration->model, world, seen);
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        assert_true(seen[name] == expected[name] || exploration->model.is_over[name]);
    }
}

/* Nothing that a disk loses by itself may look like rot, or like a shard that the index forgot. */
static void no_rot_was_reported(const struct volume_world *world)
{
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 0);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
}

static void check_state(
    struct exploration *exploration, struct volume_world *world, enum sim_policy policy)
{
    unsigned seen[MODEL_NAMES];
    exploration->states++;
    open_or_fail(exploration, world);
    volume_model_check(&exploration->model, world, seen);
    no_rot_was_reported(world);
    volume_world_crash(world, policy, exploration->states);
    sees_the_same(exploration, world, seen);
    if (exploration->states % 3 == 0) {
        volume_world_close(world);
        sees_the_same(exploration, world, seen);
    }
    if (exploration->states % 5 == 0) {
        volume_model_check_by_put(&exploration->model, world);
    }
    no_rot_was_reported(world);
}

/* ---- a recovery that is cut, too ---- */

struct cut {
    struct exploration *exploration;
    struct volume_world *world;
};

static void cut_recovery(void *context, struct sim_disk *sim)
{
    struct cut *cut = context;
    (void)sim;
    enum sim_policy policy = (enum sim_policy)(cut->exploration->states % SIM_POLICIES);
    struct volume_world crashed;
    volume_world_init_crashed(&crashed, cut->world, policy, cut->exploration->states);
    check_state(cut->exploration, &crashed, SIM_DROP_ALL);
    volume_world_fini(&crashed);
    cut->exploration->recoveries_cut++;
}

static void explore_recovery(struct exploration *exploration, struct volume_world *world)
{
    struct cut cut = {exploration, world};
    sim_disk_set_hook(world->sim, cut_recovery, &cut);
    open_or_fail(exploration, world);
    sim_disk_set_hook(world->sim, NULL, NULL);
    volume_world_kill(world);
}

/* ---- every moment of one workload ---- */

static void lose_power(struct exploration *exploration)
{
    for (unsigned policy = 0; policy < SIM_POLICIES; policy++) {
        struct volume_world crashed;
        volume_world_init_crashed(&crashed, &exploration->world, policy, exploration->states + 1);
        if (exploration->states % RECOVERIES_CUT == 0) {
            explore_recovery(exploration, &crashed);
        }
        check_state(exploration, &crashed, SIM_DROP_ALL);
        volume_world_fini(&crashed);
    }
}

static void on_request(void *context, struct sim_disk *sim)
{
    (void)sim;
    lose_power(context);
}

/*
 * Power is lost during the last operation only: what comes before it is a shorter workload, and has
 * had its turn.  The index is written at every second record or never, by turns.
 */
static void run_workload(struct exploration *exploration, uint64_t number)
{
    struct volume_world *world = &exploration->world;
    unsigned last = exploration->length - 1;
    volume_world_init(world, number);
    world->options.checkpoint_records = number % 2 == 0 ? 2 : 0;
    volume_model_init(&exploration->model);
    if (last == 0) {
        sim_disk_set_hook(world->sim, on_request, exploration);
    }
    open_or_fail(exploration, world);
    for (unsigned i = 0; i <= last; i++) {
        if (i == last) {
            sim_disk_set_hook(world->sim, on_request, exploration);
        }
        volume_model_run(&exploration->model, world, exploration->workload[i], false);
    }
    lose_power(exploration);
    sim_disk_set_hook(world->sim, NULL, NULL);
    struct volume_stats stats;
    volume_stats(world->volume, &stats);
    exploration->compactions += stats.compacted;
    volume_world_fini(world);
}

/* One in `each` of all sequences of `length` operations, which are the digits of a number. */
static uint64_t run_all_of_length(struct exploration *exploration, unsigned length, uint64_t each)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < length; i++) {
        count *= MODEL_OPS;
    }
    for (uint64_t number = 0; number < count; number += each) {
        uint64_t digits = number;
        exploration->length = length;
        for (unsigned i = 0; i < length; i++) {
            exploration->workload[i] = (enum model_op)(digits % MODEL_OPS);
            digits /= MODEL_OPS;
        }
        run_workload(exploration, number);
    }
    return (count + each - 1) / each;
}

static void print_states(const struct exploration *exploration, uint64_t workloads)
{
    print_message("%llu workloads, %llu states, %llu recoveries cut, %llu logs compacted\n",
        (unsigned long long)workloads, (unsigned long long)exploration->states,
        (unsigned long long)exploration->recoveries_cut,
        (unsigned long long)exploration->compactions);
}

static void every_crash_of_every_small_workload_keeps_what_was_promised(void **state)
{
    (void)state;
    static struct exploration exploration;
    uint64_t workloads = 0;
    for (unsigned length = 1; length <= DEPTH; length++) {
        workloads += run_all_of_length(&exploration, length, 1);
    }
    const char *each = getenv("HEARTH_CRASH_EACH");
    workloads += run_all_of_length(
        &exploration, DEPTH_SAMPLED, each != NULL ? strtoul(each, NULL, 10) : EACH_DEFAULT);
    print_states(&exploration, workloads);
    assert_true(exploration.states >= 20000);
}

/* ---- longer ones, in which logs are compacted ---- */

static const struct {
    unsigned length;
    enum model_op ops[LENGTH_MAX];
} long_workloads[] = {
    {4, {MODEL_PUT_PAIR, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY}},
    {4, {MODEL_PUT_PAIR, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_AGE}},
    {4, {MODEL_STORM, MODEL_TRASH_MIDDLE, MODEL_KILL, MODEL_AGE}},
    {4, {MODEL_TRASH_SMALL, MODEL_PUT_PAIR, MODEL_KILL, MODEL_TIDY}},
    {5, {MODEL_PUT_PAIR, MODEL_REOPEN, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY}},
    {6, {MODEL_PUT_PAIR, MODEL_REOPEN, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY, MODEL_KILL}},
    {6, {MODEL_PUT_PAIR, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY, MODEL_REOPEN, MODEL_AGE}},
    {7,
        {MODEL_STORM, MODEL_KILL, MODEL_TRASH_LARGE, MODEL_REOPEN, MODEL_TIDY, MODEL_KILL,
            MODEL_TIDY}},
    {7,
        {MODEL_STORM, MODEL_REOPEN, MODEL_TRASH_MIDDLE, MODEL_KILL, MODEL_AGE, MODEL_REOPEN,
            MODEL_PUT_LARGE}},
};

static void a_crash_of_compaction_and_purge_loses_nothing(void **state)
{
    (void)state;
    static struct exploration exploration;
    uint64_t workloads = 0;
    for (unsigned i = 0; i < sizeof(long_workloads) / sizeof(long_workloads[0]); i++) {
        for (unsigned seed = 0; seed < 4; seed++) {
            exploration.length = long_workloads[i].length;
            memcpy(exploration.workload, long_workloads[i].ops, sizeof(exploration.workload));
            run_workload(&exploration, seed);
            workloads++;
        }
    }
    print_states(&exploration, workloads);
    assert_true(exploration.compactions >= 2 * sizeof(long_workloads) / sizeof(long_workloads[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_of_compaction_and_purge_loses_nothing),
        cmocka_unit_test(every_crash_of_every_small_workload_keeps_what_was_promised),
    };
    return cmocka_run_group_tests_name("volume_crash", tests, NULL, NULL);
}
