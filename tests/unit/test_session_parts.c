/*
 * The small things a session is made of: memory shares, what is remembered of nodes, when a cell is
 * late.
 */
#include "client/byte_budget.h"
#include "client/get_tempo.h"
#include "client/node_health.h"
#include "client/session.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { MS = 1000000 };

static void shares_are_cut_to_what_is_free_and_refused_below_the_least(void **state)
{
    (void)state;
    struct byte_budget budget;
    struct hearth_err err;
    uint64_t first;
    uint64_t second;
    uint64_t third;
    byte_budget_init(&budget, 100, NULL);
    assert_ok(byte_budget_reserve(&budget, 10, 60, &first, &err), &err);
    assert_int_equal(first, 60);
    assert_ok(byte_budget_reserve(&budget, 10, 60, &second, &err), &err);
    assert_int_equal(second, 40);
    assert_int_equal(byte_budget_reserve(&budget, 1, 60, &third, &err), HEARTH_BUSY);
    assert_string_equal(err.message, "0 of 100 bytes of transfer memory are free, 1 needed");
    byte_budget_release(&budget, second);
    assert_int_equal(byte_budget_reserve(&budget, 41, 60, &third, &err), HEARTH_BUSY);
    byte_budget_release(&budget, first);
    byte_budget_fini(&budget);
}

static void parts_of_a_budget_share_it(void **state)
{
    (void)state;
    struct byte_budget whole;
    struct byte_budget parts[2];
    struct hearth_err err;
    uint64_t first;
    uint64_t second;
    byte_budget_init(&whole, 100, NULL);
    byte_budget_init(&parts[0], 80, &whole);
    byte_budget_init(&parts[1], 80, &whole);
    assert_ok(byte_budget_reserve(&parts[0], 10, 200, &first, &err), &err);
    assert_int_equal(first, 80); /* its own limit */
    assert_ok(byte_budget_reserve(&parts[1], 10, 200, &second, &err), &err);
    assert_int_equal(second, 20); /* what the other left */
    assert_int_equal(byte_budget_reserve(&parts[1], 10, 10, &second, &err), HEARTH_BUSY);
    assert_int_equal(parts[1].shared.bytes_free, 60);
    byte_budget_release(&parts[0], first);
    byte_budget_release(&parts[1], 20);
    byte_budget_fini(&parts[0]);
    byte_budget_fini(&parts[1]);
    byte_budget_fini(&whole);
}

static struct view node(uint8_t id[NODE_HEALTH_ID_SIZE], unsigned number)
{
    memset(id, 0, NODE_HEALTH_ID_SIZE);
    memcpy(id, &number, sizeof(number));
    return view_of(id, NODE_HEALTH_ID_SIZE);
}

static void bad_standing_is_forgotten_after_a_while(void **state)
{
    (void)state;
    struct test_env env;
    struct node_health health;
    uint8_t id[NODE_HEALTH_ID_SIZE];
    test_env_init(&env, 1);
    node_health_init(&health, &env.env);
    node_health_note(&health, node(id, 1), NODE_SLOW);
    node_health_note(&health, node(id, 2), NODE_WRONG);
    test_env_step_ms(&env, 29 * 1000);
    assert_int_equal(node_health_of(&health, node(id, 1)), NODE_SLOW);
    test_env_step_ms(&env, 1000);
    assert_int_equal(node_health_of(&health, node(id, 1)), NODE_GOOD);
    assert_int_equal(node_health_of(&health, node(id, 2)), NODE_WRONG);
    node_health_note(&health, node(id, 2), NODE_GOOD);
    assert_int_equal(node_health_of(&health, node(id, 2)), NODE_GOOD);
    assert_int_equal(node_health_of(&health, node(id, 3)), NODE_GOOD);
    node_health_fini(&health);
}

static void the_one_forgotten_first_makes_room(void **state)
{
    (void)state;
    struct test_env env;
    struct node_health health;
    uint8_t id[NODE_HEALTH_ID_SIZE];
    test_env_init(&env, 1);
    node_health_init(&health, &env.env);
    for (unsigned slow = 0; slow < NODE_HEALTH_ROW_MAX; slow++) {
        for (unsigned i = 0; i <= NODE_HEALTH_ROW_MAX; i++) { /* these share row number `slow` */
            enum node_standing standing = i == slow ? NODE_SLOW : NODE_WRONG;
            node_health_note(&health, node(id, i * 256 + slow), standing);
        }
        for (unsigned i = 0; i <= NODE_HEALTH_ROW_MAX; i++) {
            assert_int_equal(node_health_of(&health, node(id, i * 256 + slow)),
                i == slow ? NODE_GOOD : NODE_WRONG);
        }
    }
    node_health_fini(&health);
}

static void how_quick_a_node_was_is_not_forgotten_before_a_standing_that_ends_sooner(void **state)
{
    (void)state;
    struct test_env env;
    struct node_health health;
    uint8_t id[NODE_HEALTH_ID_SIZE];
    test_env_init(&env, 1);
    node_health_init(&health, &env.env);
    for (unsigned i = 0; i < NODE_HEALTH_ROW_MAX; i++) {
        if (i == 3) {
            node_health_note(&health, node(id, i * 256), NODE_SLOW);
        } else {
            node_health_note_call(&health, node(id, i * 256), 20 * MS, 0, 0);
        }
    }
    node_health_note_call(&health, node(id, NODE_HEALTH_ROW_MAX * 256), 20 * MS, 0, 0);
    for (unsigned i = 0; i <= NODE_HEALTH_ROW_MAX; i++) {
        assert_int_equal(
            node_health_expected_ns(&health, node(id, i * 256), 1), i == 3 ? UINT64_MAX : 20 * MS);
    }
    assert_int_equal(node_health_of(&health, node(id, 3 * 256)), NODE_GOOD);
    node_health_fini(&health);
}

static void late_is_three_medians_and_at_least_50_ms(void **state)
{
    (void)state;
    struct get_tempo tempo = {0};
    assert_int_equal(get_tempo_late_ns(&tempo), 900 * (uint64_t)MS); /* nothing known yet */
    get_tempo_note(&tempo, 1 * MS);
    assert_int_equal(get_tempo_late_ns(&tempo), 50 * (uint64_t)MS);
    for (unsigned i = 0; i < GET_TEMPO_CELLS / 2; i++) {
        get_tempo_note(&tempo, 9000 * (uint64_t)MS); /* one odd node */
        get_tempo_note(&tempo, 100 * (uint64_t)MS);
    }
    assert_int_equal(get_tempo_late_ns(&tempo), 300 * (uint64_t)MS);
    for (unsigned i = 0; i < GET_TEMPO_CELLS; i++) {
        get_tempo_note(&tempo, 400 * (uint64_t)MS);
    }
    assert_int_equal(get_tempo_late_ns(&tempo), 1200 * (uint64_t)MS);
}

static void calls_are_remembered_for_each_node(void **state)
{
    (void)state;
    struct test_env env;
    struct node_health health;
    uint8_t id[NODE_HEALTH_ID_SIZE];
    test_env_init(&env, 1);
    node_health_init(&health, &env.env);
    node_health_note_call(&health, node(id, 1), 20 * MS, 0, 0);
    node_health_note_call(&health, node(id, 2), 40 * MS, 0, 0);
    assert_int_equal(node_health_expected_ns(&health, node(id, 1), 1), 20 * MS);
    assert_int_equal(node_health_expected_ns(&health, node(id, 2), 1), 40 * MS);
    assert_int_equal(node_health_expected_ns(&health, node(id, 3), 1), UINT64_MAX);
    assert_int_equal(node_health_late_ns(&health, node(id, 3)), 0);
    node_health_note(&health, node(id, 2), NODE_SILENT);
    assert_int_equal(node_health_expected_ns(&health, node(id, 2), 1), 80 * MS);
    node_health_fini(&health);
}

static void drawn_ids_ascend_with_time_and_are_never_drawn_twice(void **state)
{
    (void)state;
    enum { DRAWN = 2000, ORDERED_SIZE = 7 };
    static uint8_t ids[DRAWN][SESSION_DRAWN_ID_SIZE];
    struct test_env env;
    test_env_init(&env, 1);
    struct session session = {.env = &env.env, .id_lane = 200};
    for (unsigned i = 0; i < DRAWN; i++) {
        session_draw_id(&session, ids[i]);
        test_env_step_ms(&env, i % 3 == 0);
        assert_int_equal(ids[i][0], 200);
        assert_true(i == 0 || memcmp(ids[i - 1], ids[i], ORDERED_SIZE) <= 0);
        for (unsigned j = 0; j < i; j++) {
            assert_memory_not_equal(ids[j], ids[i], SESSION_DRAWN_ID_SIZE);
        }
    }
    assert_memory_not_equal(ids[0], ids[DRAWN - 1], ORDERED_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_cut_to_what_is_free_and_refused_below_the_least),
        cmocka_unit_test(parts_of_a_budget_share_it),
        cmocka_unit_test(drawn_ids_ascend_with_time_and_are_never_drawn_twice),
        cmocka_unit_test(bad_standing_is_forgotten_after_a_while),
        cmocka_unit_test(the_one_forgotten_first_makes_room),
        cmocka_unit_test(how_quick_a_node_was_is_not_forgotten_before_a_standing_that_ends_sooner),
        cmocka_unit_test(calls_are_remembered_for_each_node),
        cmocka_unit_test(late_is_three_medians_and_at_least_50_ms),
    };
    return cmocka_run_group_tests_name("session_parts", tests, NULL, NULL);
}
