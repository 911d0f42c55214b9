/*
 * cluster_health: the worst that is true is said, and nothing worse.
 */
#include "proto/cluster_health.h"
#include "tests/lib/test.h"

enum { NODES = 4 };

struct cluster {
    struct wire_node_info nodes[NODES];
    struct wire_status_reply status;
};

/* Four nodes that answer, ten whole segments. */
static void cluster_init(struct cluster *cluster)
{
    *cluster = (struct cluster){.status.segments = 10, .status.nodes_count = NODES};
    cluster->status.nodes = cluster->nodes;
    for (unsigned i = 0; i < NODES; i++) {
        cluster->nodes[i].state = view_text("alive");
    }
}

static void assert_sentence(const struct cluster *cluster, const char *expected)
{
    char sentence[CLUSTER_SENTENCE_SIZE];
    assert_string_equal(cluster_health_sentence(&cluster->status, sentence), expected);
}

static void all_well_is_said_so(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    assert_sentence(&cluster, "healthy: 4 of 4 nodes answer, and every segment has all its shards");
    cluster.status.segments = 0;
    assert_sentence(&cluster, "healthy: 4 of 4 nodes answer, and nothing is stored yet");
    cluster.status.objects = 7; /* small ones, or newer than the pass */
    assert_sentence(&cluster, "healthy: 4 of 4 nodes answer, and the last pass found no segments");
    cluster.status.nodes_count = 0;
    assert_sentence(&cluster, "empty: no node has joined yet");
}

static void nothing_is_said_of_segments_that_nobody_has_looked_at(void **state)
{
    (void)state;
    struct cluster cluster;
    struct wire_repair_info repair = {.counted = false};
    cluster_init(&cluster);
    cluster.status.repair = &repair;
    cluster.status.segments = 0;
    assert_sentence(&cluster,
        "starting: 4 of 4 nodes answer, and no pass over all segments has ended since the start");
    repair.counted = true;
    assert_int_equal(cluster_health_of(&cluster.status), CLUSTER_HEALTHY);
}

static void a_silent_node_reduces(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    cluster.nodes[2].state = view_text("suspect");
    assert_sentence(&cluster, "reduced: 3 of 4 nodes answer, and every segment has all its shards");
}

static void a_node_that_is_drained_answers(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    cluster.nodes[2].state = view_text("draining");
    assert_sentence(&cluster, "healthy: 4 of 4 nodes answer, and every segment has all its shards");
    cluster.nodes[2].state = view_text("suspended");
    assert_int_equal(cluster_health_of(&cluster.status), CLUSTER_REDUCED);
}

static void a_lost_node_is_not_waited_for(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    cluster.nodes[0].state = view_text("lost");
    cluster.nodes[1].state = view_text("gone");
    assert_sentence(&cluster, "healthy: 2 of 2 nodes answer, and every segment has all its shards");
}

static void the_worst_comes_first(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    cluster.status.segments_below_n = 5;
    assert_sentence(&cluster,
        "healing: 4 of 4 nodes answer, and 5 of 10 segments have fewer shards "
        "than they should; everything can be read");
    cluster.status.segments_below_r = 2;
    assert_sentence(&cluster,
        "endangered: 4 of 4 nodes answer, and 2 of 10 segments must be "
        "repaired now; everything can be read");
    cluster.status.segments_unreadable = 1;
    assert_sentence(&cluster,
        "broken: 4 of 4 nodes answer, and 1 of 10 segments cannot be read now; "
        "nodes that come back, or repair, may bring them back");
}

static void no_figure_overflows_the_sentence(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster);
    cluster.status.segments = cluster.status.segments_unreadable = UINT64_MAX;
    char sentence[CLUSTER_SENTENCE_SIZE];
    assert_non_null(strstr(cluster_health_sentence(&cluster.status, sentence), "bring them back"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_well_is_said_so),
        cmocka_unit_test(nothing_is_said_of_segments_that_nobody_has_looked_at),
        cmocka_unit_test(a_silent_node_reduces),
        cmocka_unit_test(a_node_that_is_drained_answers),
        cmocka_unit_test(a_lost_node_is_not_waited_for),
        cmocka_unit_test(the_worst_comes_first),
        cmocka_unit_test(no_figure_overflows_the_sentence),
    };
    return cmocka_run_group_tests_name("cluster_health", tests, NULL, NULL);
}
