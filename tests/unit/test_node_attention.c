/*
 * node_attention: of all that is wrong with a node the operator is told what matters most, and of a
 * node that is well, nothing.
 */
#include "coordinator/fleet/node_attention.h"

#include "tests/lib/test.h"

static struct node_status well(void)
{
    return (struct node_status){.health = NODE_ALIVE,
        .uptime = 0.95,
        .node = {
            .state = META_NODE_ACTIVE, .endpoints = {{.verified_ms = 1}}, .endpoint_count = 1}};
}

static void assert_begins(const struct node_status *status, const char *expected)
{
    const char *said = node_attention(status);
    assert_true(*expected != '\0' || *said == '\0');
    assert_memory_equal(said, expected, strlen(expected));
}

/* Each is put on top of those before. */
static void what_matters_most_is_said(void **state)
{
    (void)state;
    struct node_status status = well();
    assert_begins(&status, "");
    status.uptime = 0.79;
    assert_begins(&status, "it is up less than 80 % of the time");
    status.node.endpoint_count = 0;
    assert_begins(&status, "nobody can reach it");
    status.node.report.read_only = true;
    assert_begins(&status, "its disk fails");
    status.node.state = META_NODE_SUSPENDED;
    assert_begins(&status, "failed audits");
    status.record.fence = META_FENCE_TWO_AT_ONCE;
    assert_begins(&status, "two machines report as this node");
    status.node.state = META_NODE_GONE;
    assert_begins(&status, "");
}

/* Who sleeps is not called a sleeper for being asleep; its line says that it is away. */
static void who_is_away_is_not_told_of_its_habits(void **state)
{
    (void)state;
    struct node_status status = well();
    status.uptime = 0.5;
    status.health = NODE_OFFLINE;
    assert_begins(&status, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matters_most_is_said),
        cmocka_unit_test(who_is_away_is_not_told_of_its_habits),
    };
    return cmocka_run_group_tests_name("node_attention", tests, NULL, NULL);
}
