/*
 * audits of who is silent: a coordinator with its metadata, nodes that are invented.
 *
 * Who withholds what it lacks is convicted and suspended, however it goes about it; lines that are
 * slow, break down or are away for hours convict nobody.
 */
#include "coordinator/audit/audit.h"

#include "tests/lib/audit_world.h"
#include "tests/lib/test.h"

#include <stddef.h>

enum { HOUR_MS = 60 * 60 * 1000 };

/* Silent about what it does not have, for as long as anybody waits. */
static enum fake_manner stall(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    return node == AUDIT_WORLD_EVIL && order->segment_id[1] % 2 == 0 ? FAKE_STOPPED : FAKE_HONEST;
}

static void ask_again_until_the_end(struct audit_world *at)
{
    audit_world_go_on(at, 100, HOUR_MS);
}

/* Readers read single stripes from then on, and so do audits that are drawn. */
static void let_readers_read_little(struct audit_world *at)
{
    for (unsigned i = 0; i < 20 * AUDIT_SHAPES_MAX; i++) {
        audit_note_reader(
            at->world.coordinator->audit, (struct audit_run){.first = 1, .count = 1}, 2);
    }
}

static void a_node_that_times_out_on_what_is_missing_is_suspended_in_the_end(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = stall;
    audit_world_ask(at, 0, 20);
    assert_int_equal(audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_FAIL], 0);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).contained > 0);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_ACTIVE);
    let_readers_read_little(at); /* what goes before is as long as what is missing all the same */
    ask_again_until_the_end(at);
    audit_world_evil_is_convicted(at);
    assert_true(
        audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_CONTAINED] >= AUDIT_STRIKES_MAX);
}

/* Says "busy" instead, or breaks the connection. */
static enum fake_manner refuse(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    return node == AUDIT_WORLD_EVIL && order->segment_id[1] % 2 == 0 ? FAKE_DEAD : FAKE_HONEST;
}

static void breaking_the_connection_is_no_better_than_silence(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = refuse;
    audit_world_ask(at, 0, 20);
    ask_again_until_the_end(at);
    audit_world_evil_is_convicted(at);
}

/* Once it was asked for what it lacks, the first few, it is silent about everything for a while. */
enum { LACKED = 3, SULK_MS = 10 * 60 * 1000 };

struct sulker {
    struct audit_world *at;
    uint64_t until_ms;
};

static enum fake_manner sulk(void *context, uint32_t node, const struct fake_order *order)
{
    struct sulker *sulker = context;
    if (node != AUDIT_WORLD_EVIL) {
        return FAKE_HONEST;
    }
    if (audit_world_upload_of(sulker->at, order) < LACKED) {
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
    audit_world_let_all_pass(at);
    at->choose = sulk;
    at->choose_context = &sulker;
    at->world.settings.audit_recheck_ms = SULK_MS;
    for (unsigned rounds = 0; audit_world_damaged(at, AUDIT_WORLD_EVIL) < LACKED; rounds++) {
        assert_in_range(rounds, 0, 100);
        audit_world_go_on(at, 10, SULK_MS);
    }
    assert_int_equal(audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_FAIL], LACKED);
    assert_int_equal(audit_world_evidence(at, AUDIT_WORLD_EVIL), LACKED);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_SUSPENDED);
    audit_world_honest_are_left_alone(at);
    only_what_it_lacks_is_held_against_it(at);
}

/* Heard, and never there when it is asked. */
static enum fake_manner be_silent(void *context, uint32_t node, const struct fake_order *order)
{
    (void)context;
    (void)order;
    return node == AUDIT_WORLD_EVIL ? FAKE_STOPPED : FAKE_HONEST;
}

static void who_is_heard_and_gives_nothing_for_days_is_suspended_and_not_convicted(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = be_silent;
    audit_world_go_on(at, 20, HOUR_MS);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_ACTIVE);
    audit_world_go_on(at, 40, HOUR_MS);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_SUSPENDED);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    assert_int_equal(audit_world_damaged(at, AUDIT_WORLD_EVIL), 0);
    audit_world_honest_are_left_alone(at);
}

static void an_outage_of_hours_is_forgiven(void **state)
{
    struct audit_world *at = *state;
    audit_world_let_all_pass(at);
    at->choose = be_silent;
    audit_world_go_on(at, 12, HOUR_MS);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).contained > 0);
    at->choose = NULL;
    audit_world_go_on(at, 36, HOUR_MS);
    assert_int_equal(audit_world_score(at, AUDIT_WORLD_EVIL).contained, 0);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_ACTIVE);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
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
    if (node != AUDIT_WORLD_EVIL) {
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
    audit_world_let_all_pass(at);
    at->choose = break_down;
    at->choose_context = &frail;
    audit_world_ask(at, AUDIT_WORLD_EVIL, 20);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).contained > 0);
    at->world.settings.audit_recheck_ms = SULK_MS;
    audit_world_go_on(at, 120, SULK_MS);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_CONTAINED] > 0);
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
}

/* A line that never lasts for two stripes, seen by what is opened over it. */
struct short_line {
    struct audit_world *at;
    struct shard_net_ops ops; /* what the net has in place of its own */
    const struct shard_net_ops *real;
    uint32_t stripes; /* of what is being opened */
};

static struct short_line *the_short_line(const struct shard_net *net)
{
    return (struct short_line *)((char *)net->ops - offsetof(struct short_line, ops));
}

static struct shard_call *short_open(struct shard_net *net, const struct shard_door *door,
    uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context)
{
    struct short_line *line = the_short_line(net);
    line->stripes = stripes;
    return line->real->get_open(net, door, first_stripe, stripes, inbox, context);
}

static enum fake_manner break_when_long(
    void *context, uint32_t node, const struct fake_order *order)
{
    (void)order;
    const struct short_line *line = context;
    return node == AUDIT_WORLD_EVIL && line->stripes > 1 ? FAKE_STOPPED : FAKE_HONEST;
}

static void a_line_too_slow_for_long_runs_is_not_held_against_short_ones(void **state)
{
    struct audit_world *at = *state;
    struct short_line line = {.at = at, .ops = *at->net.net.ops, .real = at->net.net.ops};
    audit_world_let_all_pass(at);
    line.ops.get_open = short_open;
    at->net.net.ops = &line.ops;
    at->choose = break_when_long;
    at->choose_context = &line;
    audit_world_ask(at, AUDIT_WORLD_EVIL, 5);
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).contained > 0);
    let_readers_read_little(at);
    audit_world_go_on(at, 100, HOUR_MS);
    assert_true(
        audit_world_score(at, AUDIT_WORLD_EVIL).contained > 0); /* though single stripes passed */
    assert_int_equal(audit_world_count(at, AUDIT_FAIL), 0);
    at->net.net.ops = line.real;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, audit_world_set_up, audit_world_tear_down)
        TEST(a_node_that_times_out_on_what_is_missing_is_suspended_in_the_end),
        TEST(breaking_the_connection_is_no_better_than_silence),
        TEST(who_pretends_to_be_away_each_time_is_convicted_in_the_end),
        TEST(who_is_heard_and_gives_nothing_for_days_is_suspended_and_not_convicted),
        TEST(an_outage_of_hours_is_forgiven),
        TEST(a_line_that_breaks_under_a_second_question_convicts_nobody),
        TEST(a_line_too_slow_for_long_runs_is_not_held_against_short_ones),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
