/*
 * audit from end to end: a coordinator with its metadata, nodes that are invented.
 *
 * Each kind of evil node is found out and ends suspended, with evidence and the shard on its way to
 * repair; whatever happens to honest nodes convicts none of them.
 */
#include "coordinator/audit/audit.h"

#include "tests/lib/audit_world.h"
#include "tests/lib/test.h"

enum { SEGMENTS = AUDIT_WORLD_UPLOADED, HOUR_MS = 60 * 60 * 1000 };

/* ---- all is well ---- */

static void every_shard_passes_once_within_three_days(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    struct audit_status status;
    audit_world_round(at);
    audit_status_get(at->world.coordinator->audit, &status);
    assert_int_equal(status.fresh_waiting, 0);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        assert_int_equal(ec_slots_count(audit_world_row(at, i).passed), AUDIT_WORLD_N);
    }
    assert_int_equal(status.outcomes_day[AUDIT_PASS], audit_world_count(at, AUDIT_PASS));
}

static void a_node_is_asked_as_often_as_the_rate_says(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    uint64_t before = audit_world_count(at, AUDIT_PASS);
    for (unsigned i = 0; i < 24 * 6; i++) {
        audit_world_pass_ms(at, HOUR_MS / 6);
        audit_world_round(at);
    }
    /* New nodes: 4 x 112 a week are 64 a day, for each of eight; gaps are cut at three times. */
    assert_in_range(audit_world_count(at, AUDIT_PASS) - before, 8 * 50, 8 * 80);
    audit_world_honest_are_left_alone(at);
}

static void what_cannot_be_asked_for_is_not_waited_for(void **state)
{
    struct audit_world *at = *state;
    struct audit *audit = at->world.coordinator->audit;
    struct audit_status status;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        audit_world_delete(at, i);
    }
    audit_world_round(at);
    assert_int_equal(audit_ask_for(audit, 0, AUDIT_RUN_MAX + 1, &at->world.err), HEARTH_INVALID);
    assert_int_equal(audit_ask_for(audit, 99, 1, &at->world.err), HEARTH_NOT_FOUND);
    assert_ok(audit_ask_for(audit, 0, 5, &at->world.err), &at->world.err);
    assert_int_equal(audit_ask_for(audit, 1, AUDIT_RUN_MAX, &at->world.err), HEARTH_BUSY);
    audit_world_round(at);
    audit_status_get(audit, &status);
    assert_int_equal(status.requested, 0);
}

/* ---- evil nodes ---- */

static enum fake_manner lack(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    return node == AUDIT_WORLD_EVIL && order->segment_id[1] % 2 == 0 ? FAKE_LACKS : FAKE_HONEST;
}

static void a_node_that_dropped_shards_is_suspended(void **state)
{
    struct audit_world *at = *state;
    at->choose = lack;
    audit_world_ask(at, 0, 20);
    audit_world_evil_is_convicted(at);
}

/* It said that it has room, took all, and kept the first dozen. */
enum { KEPT = 12 };

static enum fake_manner keep_a_dozen(void *context, uint32_t node, const struct fake_order *order)
{
    return node == AUDIT_WORLD_EVIL && audit_world_upload_of(context, order) >= KEPT ? FAKE_LACKS
                                                                                     : FAKE_HONEST;
}

/* Each by its first audit: none has to be met by chance. */
static void what_a_full_node_dropped_is_missed_by_its_first_audit(void **state)
{
    struct audit_world *at = *state;
    at->choose = keep_a_dozen;
    at->choose_context = at;
    audit_world_let_all_pass(at);
    audit_world_evil_is_convicted(at);
    assert_int_equal(
        audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_FAIL], SEGMENTS - KEPT);
    assert_int_equal(audit_world_damaged(at, AUDIT_WORLD_EVIL), SEGMENTS - KEPT);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_PASS] >= KEPT);
}

static enum fake_manner flip(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node == AUDIT_WORLD_EVIL ? FAKE_FLIPS_A_BIT : FAKE_HONEST;
}

static void a_node_that_serves_other_bytes_is_suspended(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = flip;
    audit_world_ask(at, 0, 20);
    audit_world_evil_is_convicted(at);
}

static enum fake_manner serve_old(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node == AUDIT_WORLD_EVIL ? FAKE_OLD_SHARD : FAKE_HONEST;
}

static void a_node_that_serves_old_versions_is_suspended(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = serve_old;
    audit_world_ask(at, 0, 20);
    audit_world_evil_is_convicted(at);
}

/* ---- honest nodes ---- */

static void tags_that_were_wrong_from_the_start_are_nobodys_fault(void **state)
{
    struct audit_world *at = *state;
    for (unsigned slot = 0; slot < 4; slot++) {
        audit_world_upload_spoilt(at, slot);
    }
    audit_world_let_all_pass(at);
    audit_world_ask(at, 0, 20);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    for (unsigned slot = 0; slot < 4; slot++) { /* ... but they are made anew */
        assert_true(ec_slots_has(audit_world_row(at, SEGMENTS + slot).damaged, slot));
    }
}

/* The object goes while its shard is being asked for, and the node has dropped it already. */
static enum fake_manner lack_what_goes(void *context, uint32_t node, const struct fake_order *order)
{
    struct audit_world *at = context;
    (void)node;
    if (at->row_count > 0 &&
        memcmp(order->segment_id, at->rows[at->row_count - 1].id.bytes, META_ID_SIZE) == 0) {
        return FAKE_LACKS;
    }
    return FAKE_HONEST;
}

static void delete_last(struct audit_world *at)
{
    at->at_wait = NULL;
    audit_world_delete(at, at->row_count - 1);
}

static void what_is_deleted_meanwhile_convicts_nobody(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = lack_what_goes;
    at->choose_context = at;
    at->at_wait = delete_last;
    audit_world_ask(at, 0, SEGMENTS);
    assert_null(at->at_wait);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    assert_int_equal(audit_world_score(at, AUDIT_WORLD_EVIL).contained, 0);
}

/* It goes at the last moment: while witnesses are asked against its holder. */
struct latecomer {
    struct audit_world *at;
    unsigned asked; /* the evil node, for the last shard */
};

static enum fake_manner go_at_last(void *context, uint32_t node, const struct fake_order *order)
{
    struct latecomer *late = context;
    struct audit_world *at = late->at;
    if (memcmp(order->segment_id, at->rows[at->row_count - 1].id.bytes, META_ID_SIZE) != 0) {
        return FAKE_HONEST;
    }
    if (node == AUDIT_WORLD_EVIL) {
        late->asked++;
        return FAKE_LACKS;
    }
    if (late->asked == 2) {
        at->at_wait = delete_last;
    }
    return FAKE_HONEST;
}

static void what_is_deleted_at_the_last_moment_convicts_nobody(void **state)
{
    struct audit_world *at = *state;
    struct latecomer late = {.at = at};
    audit_world_let_all_pass(at);
    at->choose = go_at_last;
    at->choose_context = &late;
    audit_world_ask(at, AUDIT_WORLD_EVIL, SEGMENTS);
    assert_int_equal(late.asked, 2);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    assert_int_equal(audit_world_evidence(at, AUDIT_WORLD_EVIL), 0);
}

static enum fake_manner lack_all(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node <= 5 ? FAKE_LACKS : FAKE_HONEST;
}

static void when_most_nodes_seem_wrong_the_auditor_suspects_itself(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = lack_all;
    audit_world_ask(at, 0, 10);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    for (uint32_t node = 1; node <= AUDIT_WORLD_NODES; node++) {
        assert_int_equal(audit_world_state(at, node), META_NODE_ACTIVE);
    }
    at->choose = NULL; /* and when it was over, nothing is left of it */
    audit_world_go_on(at, 100, HOUR_MS);
    assert_int_equal(audit_world_score(at, 1).contained, 0);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
}

/* ---- readers ---- */

static void report(struct audit_world *at, unsigned index, unsigned slot)
{
    struct wire_empty nothing;
    const struct meta_segment row = audit_world_row(at, index);
    const struct wire_report_shard_request request = {
        .node_id = view_of(at->nodes[row.holders[slot].node - 1].id, PKI_ID_SIZE),
        .segment_id = meta_id_view(&at->rows[index].id),
        .slot = slot,
        .code = HEARTH_NOT_FOUND,
    };
    assert_ok(test_ask(&at->customer, RPC_REPORT_SHARD, &request, &nothing), &at->world.err);
}

static void what_a_reader_complains_of_is_looked_at_and_only_then_believed(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    report(at, 0, 0);
    audit_world_round(at);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    const uint32_t node = at->rows[0].holders[0].node;
    at->net.nodes[node - 1].manner = FAKE_LACKS;
    report(at, 0, 0);
    audit_world_round(at);
    assert_int_equal(audit_world_score(at, node).score.counts[AUDIT_FAIL], 1);
    assert_true(ec_slots_has(audit_world_row(at, 0).damaged, 0));
}

/* ---- what a node sees ---- */

/* As bytes, without what is drawn for each order, and without the MAC over that. */
static void show(struct order order, uint8_t bytes[ORDER_SIZE])
{
    static const uint8_t key[CRYPTO_KEY_SIZE];
    memset(order.serial, 0, sizeof(order.serial));
    memset(order.session, 0, sizeof(order.session));
    order.expires_unix_ms -= order.created_unix_ms;
    order.created_unix_ms = 0;
    order_encode(&order, key, bytes);
}

/* Everything but what is drawn for each order is the same, byte for byte. */
static void an_auditors_order_is_a_readers_order(void **state)
{
    struct audit_world *at = *state;
    struct wire_lookup_reply found;
    uint8_t readers[ORDER_SIZE];
    uint8_t auditors[ORDER_SIZE];
    const struct wire_lookup_request lookup = test_ask_lookup(&at->customer, "key-0");
    assert_ok(test_ask(&at->customer, RPC_LOOKUP, &lookup, &found), &at->world.err);
    const struct wire_placement *holder = &found.segments[0].holders[0];
    assert_int_equal(holder->order.size, ORDER_SIZE);
    show(test_open_order(&at->world, holder->order), readers);
    report(at, 0, holder->slot);
    audit_round(at->world.coordinator->audit, NULL);
    assert_int_equal(at->questions, 1);
    show(at->last, auditors);
    assert_memory_equal(readers, auditors, ORDER_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, audit_world_set_up, audit_world_tear_down)
        TEST(every_shard_passes_once_within_three_days),
        TEST(a_node_is_asked_as_often_as_the_rate_says),
        TEST(what_cannot_be_asked_for_is_not_waited_for),
        TEST(a_node_that_dropped_shards_is_suspended),
        TEST(what_a_full_node_dropped_is_missed_by_its_first_audit),
        TEST(a_node_that_serves_other_bytes_is_suspended),
        TEST(a_node_that_serves_old_versions_is_suspended),
        TEST(tags_that_were_wrong_from_the_start_are_nobodys_fault),
        TEST(what_is_deleted_meanwhile_convicts_nobody),
        TEST(what_is_deleted_at_the_last_moment_convicts_nobody),
        TEST(when_most_nodes_seem_wrong_the_auditor_suspects_itself),
        TEST(what_a_reader_complains_of_is_looked_at_and_only_then_believed),
        TEST(an_auditors_order_is_a_readers_order),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
