/*
 * lying_coordinator: whatever a coordinator says, and some nodes do, a transfer ends; what is read
 * is what was put, or an error.  Each claim is tried with many lies, drawn by a seed.
 */
#include "tests/lib/lying_coordinator.h"

#include "client/object_copy.h"
#include "client/object_list.h"
#include "client/object_stat.h"
#include "tests/lib/client_world.h"

enum { KIB = 1024, STRIPE = 256 * KIB, SEEDS = 150, ASKED_MAX = 500 };

static size_t below(struct test_env *chance, size_t limit)
{
    uint64_t drawn;
    env_random(&chance->env, &drawn, sizeof(drawn));
    return (size_t)(drawn % limit);
}

/* "key" is there; from now on its coordinator lies, and a node in four has a bad manner. */
static struct world *world_of_lies(
    struct lying_coordinator *liar, struct test_env *chance, uint64_t size)
{
    struct world *world = world_create(&(struct world_options){.segment_plain_max = 2 * STRIPE});
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, size, &err), &err);
    lying_coordinator_init(liar, &world->coordinator.coordinator, &chance->env);
    world->session.coordinator = &liar->coordinator;
    for (unsigned i = 0; i < world->net.node_count; i++) {
        bool is_bad = below(chance, 4) == 0;
        world->net.nodes[i].manner = is_bad ? (enum fake_manner)below(chance, FAKE_MANNERS) : 0;
    }
    return world;
}

static void try_lies(void (*try)(struct world *world, uint64_t size))
{
    static const uint64_t sizes[] = {10, 100 * KIB, 5 * STRIPE + 1};
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct lying_coordinator liar;
        struct test_env chance;
        test_env_init(&chance, seed);
        uint64_t size = sizes[seed % (sizeof(sizes) / sizeof(sizes[0]))];
        struct world *world = world_of_lies(&liar, &chance, size);
        try(world, size);
        assert_true(liar.asked < ASKED_MAX);
        world_destroy(world);
    }
}

/* What the coordinator says wrong is not the reader's fault. */
static void get_range(struct world *world, uint64_t offset, uint64_t length, uint64_t wanted)
{
    struct hearth_err err;
    uint64_t got;
    enum hearth_code code = world_get(world, "key", 1, offset, length, &got, &err);
    assert_true(code != HEARTH_OK || got == wanted);
    assert_int_not_equal(code, HEARTH_INVALID);
}

static void get_whole(struct world *world, uint64_t size)
{
    get_range(world, 0, 0, size);
}

static void a_get_is_true_or_an_error(void **state)
{
    (void)state;
    try_lies(get_whole);
}

static void get_some(struct world *world, uint64_t size)
{
    get_range(world, size / 3, size / 2, size / 2);
}

static void a_part_of_a_get_is_true_or_an_error(void **state)
{
    (void)state;
    try_lies(get_some);
}

static void put(struct world *world, uint64_t size)
{
    struct hearth_err err;
    (void)world_put(world, "other", 2, size, &err);
}

static void a_put_ends(void **state)
{
    (void)state;
    try_lies(put);
}

static void list_stat_and_copy(struct world *world, uint64_t size)
{
    (void)size;
    struct hearth_err err;
    struct hearth_page *page = NULL;
    struct hearth_stat *stat = NULL;
    struct hearth_put_result result;
    const struct hearth_list_options list = {.bucket = "bucket"};
    (void)object_list(&world->session, &list, &page, &err);
    hearth_page_destroy(page);
    (void)object_stat(&world->session, "bucket", view_text("key"), true, &stat, &err);
    hearth_stat_destroy(stat);
    (void)object_copy(&world->session, "bucket", view_text("key"), "bucket", view_text("copy"),
        NULL, &result, &err);
}

static void lists_stats_and_copies_end(void **state)
{
    (void)state;
    try_lies(list_stat_and_copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_is_true_or_an_error),
        cmocka_unit_test(a_part_of_a_get_is_true_or_an_error),
        cmocka_unit_test(a_put_ends),
        cmocka_unit_test(lists_stats_and_copies_end),
    };
    return cmocka_run_group_tests_name("lying_coordinator", tests, NULL, NULL);
}
