/*
 * audit_doubt: more than half of the nodes wrong or away lately, and the auditor suspects itself.
 */
#include "coordinator/audit/audit_doubt.h"
#include "tests/lib/test.h"

static const uint64_t NOW = UINT64_C(1) << 41;

static struct audit_doubt visited(unsigned nodes, unsigned wrong)
{
    struct audit_doubt doubt = {.visits = {{.node = 0}}};
    for (uint32_t node = 1; node <= nodes; node++) {
        audit_doubt_note(&doubt, node, node > wrong, NOW);
    }
    return doubt;
}

static void more_than_half_wrong_is_doubt_and_half_is_not(void **state)
{
    (void)state;
    const struct audit_doubt half = visited(8, 4);
    const struct audit_doubt more = visited(8, 5);
    assert_false(audit_doubt_is(&half, NOW));
    assert_true(audit_doubt_is(&more, NOW));
}

static void of_fewer_than_four_nodes_nothing_is_concluded(void **state)
{
    (void)state;
    const struct audit_doubt few = visited(AUDIT_DOUBT_LEAST - 1, AUDIT_DOUBT_LEAST - 1);
    const struct audit_doubt enough = visited(AUDIT_DOUBT_LEAST, AUDIT_DOUBT_LEAST);
    assert_false(audit_doubt_is(&few, NOW));
    assert_true(audit_doubt_is(&enough, NOW));
}

static void a_quarter_of_an_hour_later_it_is_over(void **state)
{
    (void)state;
    const struct audit_doubt doubt = visited(8, 8);
    assert_true(audit_doubt_is(&doubt, NOW + AUDIT_DOUBT_MS - 1));
    assert_false(audit_doubt_is(&doubt, NOW + AUDIT_DOUBT_MS));
}

/* One bad node that is visited again and again is one node. */
static void each_node_counts_once_and_as_it_was_last(void **state)
{
    (void)state;
    struct audit_doubt doubt = visited(8, 0);
    for (unsigned i = 0; i < AUDIT_DOUBT_VISITS; i++) {
        audit_doubt_note(&doubt, 1, false, NOW);
    }
    assert_false(audit_doubt_is(&doubt, NOW));
    for (uint32_t node = 1; node <= 8; node++) {
        audit_doubt_note(&doubt, node, false, NOW);
    }
    assert_true(audit_doubt_is(&doubt, NOW));
    for (uint32_t node = 1; node <= 8; node++) {
        audit_doubt_note(&doubt, node, true, NOW);
    }
    assert_false(audit_doubt_is(&doubt, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_half_wrong_is_doubt_and_half_is_not),
        cmocka_unit_test(of_fewer_than_four_nodes_nothing_is_concluded),
        cmocka_unit_test(a_quarter_of_an_hour_later_it_is_over),
        cmocka_unit_test(each_node_counts_once_and_as_it_was_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
