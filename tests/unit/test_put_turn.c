/*
 * put_turn: places to send shards are for who has something to send.  Nodes and coordinator are
 * invented; who waits at the door is a real thread, which asks no node for anything.
 */
#include "client/object_put.h"
#include "client/put_turn.h"
#include "tests/lib/client_world.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { MIB = 1 << 20, OBJECT_SIZE = 6 * MIB + 5, NEVER = 1 << 30 };

/* A put whose source does something at one offset, which no read passes. */
struct scene {
    struct world *world;
    struct world_source inner;
    struct turn others[SESSION_PUTS_MAX]; /* who is inside besides it */
    uint64_t happens_at;
    bool has_happened;
    void (*happen)(struct scene *scene);
    pthread_t visitor;
    bool has_visitor;
    uint64_t read_at_visit; /* how much the put had read when somebody went in before it */
    atomic_bool has_visited;
};

static struct turnstile *puts_of(struct scene *scene)
{
    return &scene->world->session.puts;
}

static unsigned waiting(struct scene *scene)
{
    UNLOCKS pthread_mutex_t *held = lock(&puts_of(scene)->shared.mutex);
    return puts_of(scene)->shared.waiting;
}

static enum hearth_code read_scene(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct scene *scene = context;
    if (scene->inner.at >= scene->happens_at && !scene->has_happened) {
        scene->has_happened = true;
        scene->happen(scene);
    }
    uint64_t left = scene->happens_at - scene->inner.at;
    size = scene->inner.at < scene->happens_at && size > left ? (size_t)left : size;
    return scene->inner.source.read(scene->inner.source.context, bytes, size, out_got, err);
}

/* So many of the other places are taken. */
static void begin(struct scene *scene, unsigned others)
{
    *scene = (struct scene){.world = world_create(NULL), .happens_at = NEVER};
    world_source_init(&scene->inner, 1, OBJECT_SIZE);
    for (unsigned i = 0; i < others; i++) {
        assert_true(turnstile_try_enter(puts_of(scene), &scene->others[i]));
    }
}

static void put_scene(struct scene *scene, bool (*wait)(void *context, unsigned wait_ms))
{
    struct hearth_err err;
    const struct hearth_source source = {.read = read_scene, .wait = wait, .context = scene};
    const struct hearth_put_options options = {.size_expected = OBJECT_SIZE};
    assert_ok(object_put(&scene->world->session, "bucket", view_text("key"), &source, &options,
                  NULL, &err),
        &err);
}

static void end(struct scene *scene, unsigned segments)
{
    struct hearth_err err;
    if (scene->has_visitor) {
        pthread_join(scene->visitor, NULL);
    }
    for (unsigned i = 0; i < SESSION_PUTS_MAX; i++) {
        turnstile_leave(puts_of(scene), &scene->others[i]);
    }
    const struct fake_version *version =
        fake_coordinator_find(&scene->world->coordinator, "bucket", "key");
    assert_non_null(version);
    assert_int_equal(version->extents_count, segments);
    assert_ok(world_get(scene->world, "key", 1, 0, 0, NULL, &err), &err);
    assert_int_equal(scene->world->session.budget.shared.bytes_free, 136 * MIB);
    world_destroy(scene->world);
}

/* ---- outside ---- */

static void free_a_place(struct scene *scene)
{
    assert_int_equal(scene->world->coordinator.asked[RPC_BEGIN], 1);
    assert_int_equal(scene->world->coordinator.asked[RPC_OPEN_SEGMENT], 0);
    assert_int_equal(fake_net_shards(&scene->world->net), 0);
    turnstile_leave(puts_of(scene), &scene->others[0]);
}

static void what_comes_while_all_places_are_taken_is_kept_and_no_node_is_asked(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, SESSION_PUTS_MAX);
    scene.happens_at = 2 * MIB;
    scene.happen = free_a_place;
    put_scene(&scene, NULL);
    assert_true(scene.has_happened);
    end(&scene, 1);
}

static void *leave_when_it_is_at_the_door(void *context)
{
    struct scene *scene = context;
    while (waiting(scene) == 0) {
        sched_yield();
    }
    scene->read_at_visit = scene->inner.at;
    turnstile_leave(puts_of(scene), &scene->others[0]);
    return NULL;
}

static void so_much_is_read_ahead_and_no_more(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, SESSION_PUTS_MAX);
    scene.has_visitor = true;
    assert_int_equal(pthread_create(&scene.visitor, NULL, leave_when_it_is_at_the_door, &scene), 0);
    put_scene(&scene, NULL);
    end(&scene, 1);
    assert_in_range(scene.read_at_visit, PUT_AHEAD_MAX - 2 * 64 * 1024, PUT_AHEAD_MAX);
}

/* ---- inside ---- */

static void *visit(void *context)
{
    struct scene *scene = context;
    struct hearth_err err;
    struct turn turn = {0};
    assert_ok(turnstile_enter_blocking(puts_of(scene), &turn, 3600 * 1000, NULL, &err), &err);
    atomic_store(&scene->has_visited, true);
    turnstile_leave(puts_of(scene), &turn);
    return NULL;
}

static void somebody_comes_to_the_door(struct scene *scene)
{
    scene->has_visitor = true;
    assert_int_equal(pthread_create(&scene->visitor, NULL, visit, scene), 0);
    while (waiting(scene) == 0) {
        sched_yield();
    }
}

/* From `happens_at` on the client sends nothing, until somebody else had a turn. */
static bool wait_for_visit(void *context, unsigned wait_ms)
{
    (void)wait_ms;
    struct scene *scene = context;
    if (scene->inner.at < scene->happens_at || atomic_load(&scene->has_visited)) {
        return true;
    }
    if (!scene->has_happened) {
        scene->has_happened = true;
        somebody_comes_to_the_door(scene);
    }
    sched_yield();
    return false;
}

static void a_put_whose_client_is_slow_makes_way_and_goes_on(void **state)
{
    (void)state;
    /* In the middle of a unit, at its beginning, and where the client had sent all but a byte. */
    const uint64_t gaps[] = {2 * MIB + 77, 3 * MIB, OBJECT_SIZE - 1};
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        struct scene scene;
        begin(&scene, SESSION_PUTS_MAX - 1);
        scene.happens_at = gaps[i];
        put_scene(&scene, wait_for_visit);
        assert_true(scene.has_visited);
        end(&scene, 2);
    }
}

/* What is still to come may be that all of it was wrong. */
static void the_end_of_a_source_is_waited_for_whoever_waits(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, SESSION_PUTS_MAX - 1);
    scene.happens_at = OBJECT_SIZE;
    scene.happen = somebody_comes_to_the_door;
    put_scene(&scene, wait_for_visit);
    assert_true(scene.has_visitor);
    end(&scene, 1);
}

/* Every other time there is nothing yet. */
static bool is_after_a_while(void *context, unsigned wait_ms)
{
    struct scene *scene = context;
    (void)wait_ms;
    scene->has_happened = !scene->has_happened;
    return !scene->has_happened;
}

static void nobody_makes_way_for_nobody(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 3);
    put_scene(&scene, is_after_a_while);
    end(&scene, 1);
}

static void come_and_let_time_pass(struct scene *scene)
{
    somebody_comes_to_the_door(scene);
    test_env_step_ms(&scene->world->env, 6000);
}

static void a_long_turn_ends_when_somebody_waits(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, SESSION_PUTS_MAX - 1);
    scene.happens_at = 2 * MIB;
    scene.happen = come_and_let_time_pass;
    put_scene(&scene, NULL);
    assert_true(scene.has_visited);
    end(&scene, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_while_all_places_are_taken_is_kept_and_no_node_is_asked),
        cmocka_unit_test(so_much_is_read_ahead_and_no_more),
        cmocka_unit_test(a_put_whose_client_is_slow_makes_way_and_goes_on),
        cmocka_unit_test(the_end_of_a_source_is_waited_for_whoever_waits),
        cmocka_unit_test(nobody_makes_way_for_nobody),
        cmocka_unit_test(a_long_turn_ends_when_somebody_waits),
    };
    return cmocka_run_group_tests_name("put_turn", tests, NULL, NULL);
}
