/*
 * place_sets: a session keeps its nodes from segment to segment, sessions do not share them, and
 * more sessions than there is room for cost a draw and nothing else.
 */
#include "coordinator/fleet/place_sets.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { NODES = 200, WANT = 8, SEGMENT = 1 << 20, SET_NODES = WANT + WANT / 4 };

struct fixture {
    struct test_env env;
    struct place_sets *sets;
    struct place_node nodes[NODES];
    struct place_fleet fleet;
    struct hearth_err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_env_init(&fixture->env, 3);
    fixture->sets = place_sets_create(&fixture->env.env);
    for (unsigned i = 0; i < NODES; i++) {
        fixture->nodes[i] = (struct place_node){.number = i + 1,
            .owner = i + 1,
            .network = {{4, 10, 0, (uint8_t)i}},
            .free_bytes = UINT64_MAX,
            .takes_shards = true};
    }
    fixture->fleet = (struct place_fleet){.nodes = fixture->nodes, .count = NODES};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    place_sets_destroy(fixture->sets);
    free(fixture);
    return 0;
}

/* The nodes a session met, by number. */
struct met {
    bool nodes[NODES + 1];
};

static unsigned count_met(const struct met *met)
{
    unsigned count = 0;
    for (unsigned i = 1; i <= NODES; i++) {
        count += met->nodes[i];
    }
    return count;
}

static void place_segments(
    struct fixture *fixture, unsigned session, unsigned segments, struct met *met)
{
    uint8_t id[PKI_ID_SIZE] = {(uint8_t)session, (uint8_t)(session >> 8)};
    const struct place_query query = {.want = WANT, .least = WANT};
    for (unsigned i = 0; i < segments; i++) {
        struct place_choice choice;
        assert_ok(place_sets_choose(
                      fixture->sets, id, &fixture->fleet, &query, SEGMENT, &choice, &fixture->err),
            &fixture->err);
        assert_int_equal(choice.count, WANT);
        for (unsigned j = 0; j < choice.count; j++) {
            met->nodes[choice.nodes[j]] = true;
        }
    }
}

static void a_session_meets_no_more_nodes_than_its_set(void **state)
{
    struct fixture *fixture = *state;
    struct met met = {{false}};
    place_segments(fixture, 1, 200, &met);
    assert_true(count_met(&met) <= SET_NODES);
    assert_true(count_met(&met) >= WANT);
}

static void sessions_have_sets_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    struct met one = {{false}};
    struct met both = {{false}};
    place_segments(fixture, 1, 50, &one);
    both = one;
    place_segments(fixture, 2, 50, &both);
    assert_true(count_met(&both) > SET_NODES);

    /* And the first still has its own. */
    place_segments(fixture, 1, 50, &one);
    assert_true(count_met(&one) <= SET_NODES);
}

static void the_longest_unused_session_makes_room(void **state)
{
    struct fixture *fixture = *state;
    struct met first = {{false}};
    struct met second = {{false}};
    place_segments(fixture, 0, 50, &first);
    place_segments(fixture, 1, 50, &second);
    for (unsigned session = 2; session < PLACE_SETS_MAX; session++) {
        struct met met = {{false}};
        place_segments(fixture, session, 1, &met);
    }
    place_segments(fixture, 0, 1, &first); /* used again: session 1 is the oldest now */
    struct met newcomer = {{false}};
    place_segments(fixture, PLACE_SETS_MAX, 1, &newcomer);

    place_segments(fixture, 0, 50, &first);
    assert_true(count_met(&first) <= SET_NODES);
    place_segments(fixture, 1, 50, &second);
    assert_true(count_met(&second) > SET_NODES);
}

static void a_fleet_too_small_is_refused_and_remembered_by_nobody(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[PKI_ID_SIZE] = {1};
    const struct place_query query = {.want = WANT, .least = WANT};
    struct place_fleet few = {.nodes = fixture->nodes, .count = WANT - 1};
    struct place_choice choice;
    assert_int_equal(
        place_sets_choose(fixture->sets, id, &few, &query, SEGMENT, &choice, &fixture->err),
        HEARTH_FLEET_TOO_SMALL);
    struct met met = {{false}};
    place_segments(fixture, 1, 1, &met);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_session_meets_no_more_nodes_than_its_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_have_sets_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_unused_session_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_fleet_too_small_is_refused_and_remembered_by_nobody, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("place_sets", tests, NULL, NULL);
}
