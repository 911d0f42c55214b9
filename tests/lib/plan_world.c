#include "tests/lib/plan_world.h"

#include "common/failpoint.h"
#include "tests/lib/test.h"

#include <stdlib.h>

/* D7 */
static void look(struct fake_net *net, void *context)
{
    struct plan_world *world = context;
    (void)net;
    const unsigned index = world->looked++ % world->at.row_count;
    assert_true(move_world_good(&world->at, index) == MOVE_WORLD_N);
    if (world->meanwhile != NULL && world->calls_before_meanwhile-- == 0) {
        void (*meanwhile)(struct plan_world *) = world->meanwhile;
        world->meanwhile = NULL;
        meanwhile(world);
    }
}

void plan_world_after_calls(
    struct plan_world *world, unsigned calls, void (*meanwhile)(struct plan_world *world))
{
    world->calls_before_meanwhile = calls;
    world->meanwhile = meanwhile;
}

int plan_world_set_up(void **state)
{
    struct plan_world *world = calloc(1, sizeof(*world));
    move_world_init(&world->at, PLAN_WORLD_NODES, PLAN_WORLD_NODES_MAX);
    for (unsigned i = 0; i < PLAN_WORLD_SEGMENTS; i++) {
        move_world_upload(&world->at);
    }
    world->leaver = world->at.rows[0].holders[2].node;
    world->at.net.at_open = look;
    world->at.net.at_open_context = world;
    *state = world;
    return 0;
}

int plan_world_tear_down(void **state)
{
    struct plan_world *world = *state;
    move_world_fini(&world->at);
    free(world);
    return 0;
}

struct meta_store *plan_world_store_of(struct plan_world *world)
{
    return world->at.world.coordinator->store;
}

struct hearth_err *plan_world_err_of(struct plan_world *world)
{
    return &world->at.world.err;
}

void plan_world_run_round(struct plan_world *world)
{
    rebalance_round(NULL, world->at.world.coordinator->rebalance);
}

struct meta_rebalance plan_world_plan_now(struct plan_world *world)
{
    return move_world_read_plan(&world->at, world->plan);
}

enum hearth_code plan_world_command(struct plan_world *world, enum meta_rebalance_command what)
{
    return meta_rebalance_command(plan_world_store_of(world), world->plan, what,
        plan_world_plan_now(world).fleet, plan_world_err_of(world));
}

/* Worked out, not applied. */
void plan_world_make_plan(struct plan_world *world, enum rebalance_kind kind, uint32_t leaving)
{
    world->plan = move_world_plan(&world->at, kind, leaving, false).number;
    plan_world_run_round(world);
}

void plan_world_start_drain(struct plan_world *world, uint32_t node)
{
    world->plan = move_world_plan(&world->at, REBALANCE_LEAVING, node, true).number;
    plan_world_run_round(world);
}

void plan_world_run_to_the_end(struct plan_world *world)
{
    for (unsigned i = 0; i < 400 && plan_world_plan_now(world).state == META_REBALANCE_RUNNING;
         i++) {
        plan_world_run_round(world);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
}

void plan_world_restart(struct plan_world *world)
{
    struct coordinator *coordinator = world->at.world.coordinator;
    rebalance_destroy(coordinator->rebalance);
    coordinator->rebalance = rebalance_create(coordinator, 1);
    rebalance_use_session(coordinator->rebalance, &world->at.net.net, world->at.customer.session);
}

void plan_world_restart_at(struct plan_world *world, const char *const steps[], size_t count)
{
    struct hearth_err *err = plan_world_err_of(world);
    for (size_t i = 0; i < count; i++) {
        assert_ok(failpoint_arm(steps[i], err), err);
        plan_world_run_round(world);
        plan_world_restart(world);
        move_world_pass_ms(&world->at, PLAN_WORLD_TICK_MS);
    }
    assert_ok(failpoint_arm(NULL, err), err);
}

void plan_world_pause_it(struct plan_world *world)
{
    assert_ok(plan_world_command(world, META_REBALANCE_PAUSE), plan_world_err_of(world));
    rebalance_interrupt(world->at.world.coordinator->rebalance);
}

void plan_world_cancel_it(struct plan_world *world)
{
    assert_ok(plan_world_command(world, META_REBALANCE_CANCEL), plan_world_err_of(world));
    rebalance_interrupt(world->at.world.coordinator->rebalance);
}

void plan_world_assert_refused(struct plan_world *world, enum hearth_code code, const char *why)
{
    assert_int_equal(code, HEARTH_CONFLICT);
    if (strstr(plan_world_err_of(world)->message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", plan_world_err_of(world)->message, why);
    }
}
