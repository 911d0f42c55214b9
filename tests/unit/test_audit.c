/*
 * audit from end to end: a coordinator with its metadata, nodes that are invented.
 *
 * Each kind of evil node is found out and ends suspended, with evidence and the shard on its way to
 * repair; whatever happens to honest nodes convicts none of them.
 */
#include "coordinator/audit/audit.h"

#include "tests/lib/audit_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { EVIL = 3, SEGMENTS = 20, HOUR_MS = 60 * 60 * 1000 };

static int set_up(void **state)
{
    struct audit_world *at = calloc(1, sizeof(*at));
    audit_world_init(at);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        audit_world_upload(at);
    }
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    audit_world_fini(*state);
    free(*state);
    return 0;
}

/* All shards pass once, as they do within three days of storing. */
static void let_all_pass(struct audit_world *at)
{
    audit_world_pass_ms(at, 2 * 60 * 1000);
    for (unsigned i = 0; i < 40; i++) {
        audit_world_round(at);
        audit_world_pass_ms(at, 60 * 1000);
    }
}

static unsigned damaged_shards(struct audit_world *at, uint32_t node)
{
    unsigned count = 0;
    for (unsigned i = 0; i < at->row_count; i++) {
        const struct meta_segment row = audit_world_row(at, i);
        for (unsigned slot = 0; slot < row.n; slot++) {
            count += ec_slots_has(row.damaged, slot) && row.holders[slot].node == node;
        }
    }
    return count;
}

static size_t count_evidence(struct audit_world *at, uint32_t node)
{
    struct meta_audit_evidence found[META_AUDIT_EVIDENCE_MAX];
    struct arena arena;
    size_t count;
    arena_init(&arena, 0);
    assert_ok(meta_audit_evidence_get(at->world.coordinator->store, node, 0, &arena, found,
                  META_AUDIT_EVIDENCE_MAX, &count, &at->world.err),
        &at->world.err);
    uint8_t pin[PKI_PIN_SIZE];
    pki_key_pin(at->world.coordinator->cluster->ca_key, pin);
    for (size_t i = 0; i < count; i++) {
        struct evidence evidence;
        assert_ok(evidence_decode(found[i].record, pin, &evidence, &at->world.err), &at->world.err);
        assert_int_equal(evidence.node, node);
        assert_true(evidence.try_count > 0);
    }
    arena_fini(&arena);
    return count;
}

static void honest_nodes_are_left_alone(struct audit_world *at)
{
    for (uint32_t node = 1; node <= AUDIT_WORLD_NODES; node++) {
        if (node != EVIL) {
            assert_int_equal(audit_world_score(at, node).score.counts[AUDIT_FAIL], 0);
            assert_int_equal(audit_world_state(at, node), META_NODE_ACTIVE);
            assert_int_equal(damaged_shards(at, node), 0);
        }
    }
}

static void evil_is_convicted(struct audit_world *at)
{
    assert_true(audit_world_score(at, EVIL).score.counts[AUDIT_FAIL] >= 2);
    assert_int_equal(audit_world_state(at, EVIL), META_NODE_SUSPENDED);
    assert_true(damaged_shards(at, EVIL) >= 2);
    assert_true(count_evidence(at, EVIL) >= 2);
    honest_nodes_are_left_alone(at);
}

/* ---- all is well ---- */

static void every_shard_passes_once_within_three_days(void **state)
{
    struct audit_world *at = *state;
    let_all_pass(at);
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
    let_all_pass(at);
    uint64_t before = audit_world_count(at, AUDIT_PASS);
    for (unsigned i = 0; i < 24 * 6; i++) {
        audit_world_pass_ms(at, HOUR_MS / 6);
        audit_world_round(at);
    }
    /* New nodes: 4 x 112 a week are 64 a day, for each of eight; gaps are cut at three times. */
    assert_in_range(audit_world_count(at, AUDIT_PASS) - before, 8 * 50, 8 * 80);
    honest_nodes_are_left_alone(at);
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
    return node == EVIL && order->segment_id[1] % 2 == 0 ? FAKE_LACKS : FAKE_HONEST;
}

static void a_node_that_dropped_shards_is_suspended(void **state)
{
    struct audit_world *at = *state;
    at->choose = lack;
    audit_world_ask(at, 0, 20);
    evil_is_convicted(at);
}

/* Which upload it was. */
static unsigned upload_of(const struct audit_world *at, const struct fake_order *order)
{
    unsigned i = 0;
    while (memcmp(order->segment_id, at->rows[i].id.bytes, META_ID_SIZE) != 0) {
        assert_true(++i < at->row_count);
    }
    return i;
}

/* It said that it has room, took all, and kept the first dozen. */
enum { KEPT = 12 };

static enum fake_manner keep_a_dozen(void *context, uint32_t node, const struct fake_order *order)
{
    return node == EVIL && upload_of(context, order) >= KEPT ? FAKE_LACKS : FAKE_HONEST;
}

/* Each by its first audit: none has to be met by chance. */
static void what_a_full_node_dropped_is_missed_by_its_first_audit(void **state)
{
    struct audit_world *at = *state;
    at->choose = keep_a_dozen;
    at->choose_context = at;
    let_all_pass(at);
    evil_is_convicted(at);
    assert_int_equal(audit_world_score(at, EVIL).score.counts[AUDIT_FAIL], SEGMENTS - KEPT);
    assert_int_equal(damaged_shards(at, EVIL), SEGMENTS - KEPT);
    assert_true(audit_world_score(at, EVIL).score.counts[AUDIT_PASS] >= KEPT);
}

static enum fake_manner flip(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node == EVIL ? FAKE_FLIPS_A_BIT : FAKE_HONEST;
}

static void a_node_that_serves_other_bytes_is_suspended(void **state)
{
    struct audit_world *at = *state;
    let_all_pass(at);
    at->choose = flip;
    audit_world_ask(at, 0, 20);
    evil_is_convicted(at);
}

static enum fake_manner serve_old(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node == EVIL ? FAKE_OLD_SHARD : FAKE_HONEST;
}

static void a_node_that_serves_old_versions_is_suspended(void **state)
{
    struct audit_world *at = *state;
    let_all_pass(at);
    at->choose = serve_old;
    audit_world_ask(at, 0, 20);
    evil_is_convicted(at);
}

/* Silent about what it does not have, for as long as anybody waits. */
static enum fake_manner stall(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    return node == EVIL && order->segment_id[1] % 2 == 0 ? FAKE_STOPPED : FAKE_HONEST;
}

static void go_on(struct audit_world *at, unsigned rounds, uint64_t apart_ms)
{
    for (unsigned i = 0; i < rounds; i++) {
        audit_world_pass_ms(at, apart_ms);
        audit_world_round(at);
    }
}

static void ask_again_until_the_end(struct audit_world *at)
{
    go_on(at, 150, HOUR_MS);
}

static void a_node_that_times_out_on_what_is_missing_is_suspended_in_the_end(void **state)
{
    struct audit_world *at = *state;
    let_all_pass(at);
    at->choose = stall;
    audit_world_ask(at, 0, 20);
    assert_int_equal(audit_world_score(at, EVIL).score.counts[AUDIT_FAIL], 0);
    assert_true(audit_world_score(at, EVIL).contained > 0);
    assert_int_equal(audit_world_state(at, EVIL), META_NODE_ACTIVE);
    ask_again_until_the_end(at);
    evil_is_convicted(at);
    assert_true(audit_world_score(at, EVIL).score.counts[AUDIT_CONTAINED] >= AUDIT_STRIKES_MAX);
}

/* Says "busy" instead, or breaks the connection. */
static enum fake_manner refuse(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    return node == EVIL && order->segment_id[1] % 2 == 0 ? FAKE_DEAD : FAKE_HONEST;
}

static void breaking_the_connection_is_no_better_than_silence(void **state)
{
    struct audit_world *at = *state;
    let_all_pass(at);
    at->choose = refuse;
    audit_world_ask(at, 0, 20);
    ask_again_until_the_end(at);
    evil_is_convicted(at);
}

/* Once it was asked for what it lacks, the first few, it is silent about everything for a while. */
enum { LACKED = 2, SULK_MS = 10 * 60 * 1000 };

struct sulker {
    struct audit_world *at;
    uint64_t until_ms;
};

static enum fake_manner sulk(void *context, uint32_t node, const struct fake_order *order)
{
    struct sulker *sulker = context;
    if (node != EVIL) {
        return FAKE_HONEST;
    }
    if (upload_of(sulker->at, order) < LACKED) {
        sulker->until_ms = sulker->at->world.env.unix_ms + SULK_MS;
    }
    return sulker->at->world.env.unix_ms < sulker->until_ms ? FAKE_STOPPED : FAKE_HONEST;
}

/* What it has, it is not charged with, whatever it was asked for at the same time. */
static void only_what_it_lacks_is_held_against_it(struct audit_world *at)
{
    for (unsigned i = LACKED; i < at->row_count; i++) {
        assert_int_equal(ec_slots_count(audit_world_row(at, i).damaged), 0);
    }
}

static void who_pretends_to_be_away_each_time_is_convicted_in_the_end(void **state)
{
    struct audit_world *at = *state;
    struct sulker sulker = {.at = at};
    let_all_pass(at);
    at->choose = sulk;
    at->choose_context = &sulker;
    at->world.settings.audit_recheck_ms = SULK_MS;
    for (unsigned rounds = 0; damaged_shards(at, EVIL) < LACKED; rounds++) {
        assert_in_range(rounds, 0, 100);
        go_on(at, 10, SULK_MS);
    }
    assert_int_equal(audit_world_score(at, EVIL).score.counts[AUDIT_FAIL], LACKED);
    assert_int_equal(count_evidence(at, EVIL), LACKED);
    honest_nodes_are_left_alone(at);
    only_what_it_lacks_is_held_against_it(at);
}

/* A line that breaks whenever a second question comes within ten minutes of another. */
struct frail {
    struct audit_world *at;
    uint64_t asked_ms;
    bool is_broken;
};

static enum fake_manner break_down(void *context, uint32_t node, const struct fake_order *order)
{
    (void)order;
    struct frail *frail = context;
    if (node != EVIL) {
        return FAKE_HONEST;
    }
    uint64_t now_ms = frail->at->world.env.unix_ms;
    frail->is_broken = now_ms < frail->asked_ms + SULK_MS;
    frail->asked_ms = frail->is_broken ? frail->asked_ms : now_ms;
    return frail->is_broken ? FAKE_STOPPED : FAKE_HONEST;
}

static void a_line_that_breaks_under_a_second_question_convicts_nobody(void **state)
{
    struct audit_world *at = *state;
    struct frail frail = {.at = at};
    let_all_pass(at);
    at->choose = break_down;
    at->choose_context = &frail;
    audit_world_ask(at, EVIL, 20);
    assert_true(audit_world_score(at, EVIL).contained > 0);
    at->world.settings.audit_recheck_ms = SULK_MS;
    go_on(at, 120, SULK_MS);
    assert_true(audit_world_score(at, EVIL).score.counts[AUDIT_UNKNOWN] > 0);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
}

/* ---- honest nodes ---- */

static void tags_that_were_wrong_from_the_start_are_nobodys_fault(void **state)
{
    struct audit_world *at = *state;
    for (unsigned slot = 0; slot < 4; slot++) {
        audit_world_upload_spoilt(at, slot);
    }
    let_all_pass(at);
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
    let_all_pass(at);
    at->choose = lack_what_goes;
    at->choose_context = at;
    at->at_wait = delete_last;
    audit_world_ask(at, 0, SEGMENTS);
    assert_null(at->at_wait);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    assert_int_equal(audit_world_score(at, EVIL).contained, 0);
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
    if (node == EVIL) {
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
    let_all_pass(at);
    at->choose = go_at_last;
    at->choose_context = &late;
    audit_world_ask(at, EVIL, SEGMENTS);
    assert_int_equal(late.asked, 2);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    assert_int_equal(count_evidence(at, EVIL), 0);
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
    let_all_pass(at);
    at->choose = lack_all;
    audit_world_ask(at, 0, 10);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    for (uint32_t node = 1; node <= AUDIT_WORLD_NODES; node++) {
        assert_int_equal(audit_world_state(at, node), META_NODE_ACTIVE);
    }
    at->choose = NULL; /* and when it was over, nothing is left of it */
    ask_again_until_the_end(at);
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
    let_all_pass(at);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(every_shard_passes_once_within_three_days),
        TEST(a_node_is_asked_as_often_as_the_rate_says),
        TEST(what_cannot_be_asked_for_is_not_waited_for),
        TEST(a_node_that_dropped_shards_is_suspended),
        TEST(what_a_full_node_dropped_is_missed_by_its_first_audit),
        TEST(a_node_that_serves_other_bytes_is_suspended),
        TEST(a_node_that_serves_old_versions_is_suspended),
        TEST(a_node_that_times_out_on_what_is_missing_is_suspended_in_the_end),
        TEST(breaking_the_connection_is_no_better_than_silence),
        TEST(who_pretends_to_be_away_each_time_is_convicted_in_the_end),
        TEST(a_line_that_breaks_under_a_second_question_convicts_nobody),
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
