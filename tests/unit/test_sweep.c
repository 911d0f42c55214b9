/*
 * sweep: every watcher sees every segment once and in order, a pass that was cut short goes on, and
 * a pass keeps to its share of the time.
 */
#include "coordinator/fleet/sweep.h"

#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_segment.h"
#include "coordinator/meta/meta_sweep.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum { NODES = 10, SEGMENTS = 700, SHARE = 20, COPIES = 9 };

/* A watcher that remembers. */
struct memory {
    struct fixture *at;
    struct meta_id ids[2 * SEGMENTS];
    size_t count;
    size_t largest; /* page */
    size_t shares;  /* that were shown with their segment */
    unsigned begins, ends, completes, resumes;
    uint64_t number;
    bool refuses;
    size_t stops_after; /* segments; then the store fails; 0: never */
};

struct fixture {
    struct test_meta meta;
    struct node_table *nodes;
    struct sweep *sweep;
    struct memory memories[2];
    struct meta_id holder;
    bool is_broken;   /* the metadata takes no changes */
    uint64_t page_ms; /* that each watcher takes for one */
    uint64_t look_ms; /* that passes whenever somebody looks at the clock */
    uint64_t rested_ms;
    uint64_t shortest_rest_ms;
    unsigned rests;
    struct hearth_err err;
};

static bool fails(void *context, enum meta_step step)
{
    struct fixture *at = context;
    return at->is_broken && step == META_STEP_CLOSURES_DONE;
}

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    struct memory *memory = context;
    if (memory->refuses) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "no");
    }
    assert_int_equal(pass->fleet->count, NODES);
    memory->begins++;
    memory->resumes += pass->is_resumed;
    memory->number = pass->number;
    return HEARTH_OK;
}

static bool is_on_page(
    const struct meta_segment *segments, size_t count, const struct meta_share *share)
{
    for (size_t i = 0; i < count; i++) {
        if (meta_id_equal(segments[i].id, share->segment)) {
            return true;
        }
    }
    return false;
}

static void page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    struct memory *memory = context;
    assert_int_equal(pass->number, memory->number);
    memory->largest = count > memory->largest ? count : memory->largest;
    for (size_t i = 0; i < count; i++) {
        assert_true(memory->count < sizeof(memory->ids) / sizeof(memory->ids[0]));
        memory->ids[memory->count++] = segments[i].id;
    }
    for (size_t i = 0; i < pass->share_count; i++) {
        memory->shares += is_on_page(segments, count, &pass->shares[i]);
    }
    if (memory->stops_after > 0 && memory->count >= memory->stops_after) {
        memory->at->is_broken = true;
    }
    test_env_step_ms(&memory->at->meta.env, memory->at->page_ms);
}

static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct memory *memory = context;
    assert_int_equal(pass->number, memory->number);
    memory->ends++;
    memory->completes += complete;
}

static bool rest(void *context, struct duty *duty, uint64_t ms)
{
    struct fixture *at = context;
    assert_null(duty);
    at->rests++;
    at->rested_ms += ms;
    at->shortest_rest_ms = ms < at->shortest_rest_ms ? ms : at->shortest_rest_ms;
    test_env_step_ms(&at->meta.env, ms);
    return true;
}

/* A machine so slow that looking at the clock takes a while. */
static uint64_t now_when_slow(struct env *env)
{
    struct fixture *at = (struct fixture *)env; /* the first of the first */
    at->meta.env.monotonic_ns += at->look_ms * 1000000;
    return at->meta.env.monotonic_ns;
}

static void start(struct fixture *at)
{
    struct hearth_err *err = &at->err;
    const struct node_table_options nodes = {
        .store = at->meta.store, .env = &at->meta.env.env, .heartbeat_ms = 1000};
    assert_ok(node_table_create(&nodes, &at->nodes, err), err);
    const struct sweep_options options = {.store = at->meta.store,
        .nodes = at->nodes,
        .env = &at->meta.env.env,
        .holder = at->holder,
        .share_percent = SHARE,
        .rest = rest,
        .rest_context = at};
    assert_ok(sweep_create(&options, &at->sweep, err), err);
    for (size_t i = 0; i < 2; i++) {
        at->memories[i] = (struct memory){.at = at};
        const struct sweep_watcher watcher = {
            .context = &at->memories[i], .begin = begin, .page = page, .end = end};
        sweep_watch(at->sweep, &watcher);
    }
}

static void stop(struct fixture *at)
{
    sweep_destroy(at->sweep);
    node_table_destroy(at->nodes);
}

/* Most in one range, so that it has several pages. */
static void make_segments(struct test_meta *meta)
{
    struct meta_intent intent = test_meta_begin(meta, "key");
    for (unsigned i = 0; i < SEGMENTS; i++) {
        struct meta_id id = test_meta_id(meta);
        struct meta_receipt receipts[META_SLOTS_MAX];
        struct meta_seal_result sealed;
        id.bytes[0] = i % 8 == 0 ? id.bytes[0] : 0x30 | id.bytes[0] >> 4;
        const struct meta_offers offers = test_meta_open_segment(meta, intent.id, id);
        const struct meta_seal seal =
            test_meta_seal(intent.id, id, &offers, offers.count, receipts);
        assert_ok(meta_seal(meta->store, &seal, &sealed, &meta->err), &meta->err);
    }
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    at->page_ms = SWEEP_SAVE_MS / 4;
    at->shortest_rest_ms = UINT64_MAX;
    test_meta_init(&at->meta, 1, NODES);
    at->meta.env.env.now_monotonic_ns = now_when_slow;
    at->meta.fails_at = fails;
    at->meta.fails_context = at;
    make_segments(&at->meta);
    start(at);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    stop(at);
    test_meta_fini(&at->meta);
    free(at);
    return 0;
}

static void assert_ascending(const struct memory *memory)
{
    for (size_t i = 1; i < memory->count; i++) {
        assert_true(memcmp(&memory->ids[i - 1], &memory->ids[i], META_ID_SIZE) < 0);
    }
}

static struct sweep_status status(struct fixture *at)
{
    struct sweep_status out;
    sweep_status_get(at->sweep, &out);
    return out;
}

static void every_watcher_sees_every_segment_once_and_in_order(void **state)
{
    struct fixture *at = *state;
    sweep_round(NULL, at->sweep);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(at->memories[i].count, SEGMENTS);
        assert_ascending(&at->memories[i]);
        assert_int_equal(at->memories[i].completes, 1);
        assert_int_equal(at->memories[i].resumes, 0);
    }
    assert_int_equal(status(at).pass, 1);
    assert_int_equal(status(at).segments, SEGMENTS);
    assert_int_equal(status(at).running, 0);
    assert_int_equal(status(at).finished_ms, meta_now_ms(at->meta.store));
}

/* ---- copies in other buckets ---- */

struct copies {
    struct meta_id segment;
    unsigned buckets;
};

static enum hearth_code add_copies(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct copies *copies = arg;
    for (unsigned i = 0; i < copies->buckets; i++) {
        struct meta_id bucket = {.bytes = {(uint8_t)i, (uint8_t)(i >> 8)}};
        struct sql *sql = sql_use(tx, SQL_SHARE_ADD);
        sql_set_id(sql, ":segment", &copies->segment);
        sql_set_id(sql, ":bucket", &bucket);
        sql_run(sql);
    }
    return HEARTH_OK;
}

static void copy(struct fixture *at, struct meta_id segment, unsigned buckets)
{
    struct copies copies = {.segment = segment, .buckets = buckets};
    assert_ok(meta_run(at->meta.store, add_copies, &copies, &at->err), &at->err);
}

/* Pages are as small as it takes; the passes before it tell the ids. */
static void no_page_has_more_shares_than_are_shown_with_it(void **state)
{
    struct fixture *at = *state;
    struct memory *memory = &at->memories[0];
    sweep_round(NULL, at->sweep);
    for (size_t i = 0; i < SEGMENTS; i++) {
        copy(at, memory->ids[i], COPIES);
    }
    *memory = (struct memory){.at = at};
    sweep_round(NULL, at->sweep);
    assert_int_equal(memory->count, SEGMENTS);
    assert_ascending(memory);
    assert_int_equal(memory->shares, SEGMENTS * COPIES);
    assert_int_equal(memory->completes, 1);
}

/* It is shown alone, with as many as there is room for, and the pass goes on. */
static void a_segment_that_is_in_too_many_buckets_holds_nobody_up(void **state)
{
    struct fixture *at = *state;
    struct memory *memory = &at->memories[0];
    sweep_round(NULL, at->sweep);
    const struct meta_id ids[] = {memory->ids[0], memory->ids[SEGMENTS / 2]};
    copy(at, ids[0], META_SHARES_MAX + 1);
    copy(at, ids[1], META_SHARES_MAX);
    *memory = (struct memory){.at = at};
    sweep_round(NULL, at->sweep);
    assert_int_equal(memory->count, SEGMENTS);
    assert_ascending(memory);
    assert_in_range(memory->shares, META_SHARES_MAX, 2 * META_SHARES_MAX);
}

static void a_watcher_that_refuses_sees_nothing_of_the_pass(void **state)
{
    struct fixture *at = *state;
    at->memories[0].refuses = true;
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].count + at->memories[0].ends, 0);
    assert_int_equal(at->memories[1].count, SEGMENTS);
    at->memories[0].refuses = false;
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].count, SEGMENTS);
    assert_int_equal(at->memories[0].number, 2);
}

/* Cut short by a store that takes no changes; a page was read since it last did. */
static void a_new_process_goes_on_with_the_pass_and_leaves_nothing_out(void **state)
{
    struct fixture *at = *state;
    at->memories[1].stops_after = SEGMENTS / 2;
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].ends, 1);
    assert_int_equal(at->memories[0].completes, 0);
    const struct memory before = at->memories[0];
    assert_ascending(&before);
    assert_in_range(before.count, SEGMENTS / 2, SEGMENTS - 1);
    assert_int_equal(status(at).pass, 0);

    stop(at);
    at->is_broken = false;
    test_meta_reopen(&at->meta);
    start(at);
    sweep_round(NULL, at->sweep);
    const struct memory *after = &at->memories[0];
    assert_int_equal(after->number, before.number);
    assert_int_equal(after->resumes, 1);
    assert_int_equal(after->completes, 1);
    assert_ascending(after);
    assert_true(memcmp(&after->ids[0], &before.ids[before.count], META_ID_SIZE) != 0);
    assert_in_range(after->count, SEGMENTS - before.count, SEGMENTS - 1);
    assert_int_equal(status(at).pass, before.number);
}

/* A second coordinator, while the lease of the first lasts. */
static void what_another_has_leased_is_left_to_it(void **state)
{
    struct fixture *at = *state;
    at->memories[1].stops_after = SEGMENTS / 2;
    sweep_round(NULL, at->sweep);
    stop(at);
    at->is_broken = false;
    at->holder.bytes[0]++;
    start(at);
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].begins, 0);
    test_env_step_ms(&at->meta.env, SWEEP_LEASE_MS);
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].resumes, 1);
    assert_int_equal(at->memories[0].completes, 1);
}

static void who_asks_gets_a_pass_that_began_afterwards(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(sweep_ask(at->sweep), 1);
    sweep_round(NULL, at->sweep);
    assert_int_equal(sweep_ask(at->sweep), 2);
    at->memories[0].stops_after = SEGMENTS + 1;
    sweep_round(NULL, at->sweep);
    assert_int_equal(status(at).pass, 1);
    at->is_broken = false;
    assert_int_equal(sweep_ask(at->sweep), 3); /* what is left of the second began before */
}

static void rests_keep_the_share(void **state)
{
    (void)state;
    assert_int_equal(sweep_rest_ns(1000, 20), 4000);
    assert_int_equal(sweep_rest_ns(1000, 50), 1000);
    assert_int_equal(sweep_rest_ns(1000, 100), 0);
    assert_int_equal(sweep_rest_ns(UINT64_C(60000000000), 1), UINT64_C(5940000000000));
}

static void after_each_page_it_rests_as_long_as_its_share_demands(void **state)
{
    struct fixture *at = *state;
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].completes, 1);
    assert_true(status(at).busy_ms > 0);
    assert_int_equal(at->rested_ms, status(at).busy_ms * (100 - SHARE) / SHARE);
    assert_true(at->rests >= META_SWEEP_RANGES);
}

static void short_rests_are_put_together(void **state)
{
    struct fixture *at = *state;
    at->page_ms = 1;
    sweep_round(NULL, at->sweep);
    const uint64_t owed_ms = status(at).busy_ms * (100 - SHARE) / SHARE;
    assert_true(at->rests > 0 && at->rests < META_SWEEP_RANGES);
    assert_true(at->shortest_rest_ms >= SWEEP_REST_MS);
    assert_in_range(at->rested_ms, owed_ms - SWEEP_REST_MS, owed_ms);
}

static void a_pass_that_somebody_waits_for_does_not_rest(void **state)
{
    struct fixture *at = *state;
    sweep_ask(at->sweep);
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].completes, 1);
    assert_int_equal(at->rests, 0);
    sweep_round(NULL, at->sweep); /* and the one after it does */
    assert_true(at->rests > 0);
}

/* A transaction over META_READ_MS_MAX is interrupted; half of it, or a quarter, is not. */
static void a_page_that_takes_too_long_is_asked_for_again_half_as_large(void **state)
{
    struct fixture *at = *state;
    sweep_round(NULL, at->sweep);
    assert_int_equal(at->memories[0].largest, META_SWEEP_MAX);
    at->memories[0] = (struct memory){.at = at};
    at->look_ms = META_READ_MS_MAX * 2 / 5;
    sweep_round(NULL, at->sweep);
    assert_in_range(at->memories[0].largest, 1, META_SWEEP_MAX / 2);
    assert_int_equal(at->memories[0].count, SEGMENTS);
    assert_ascending(&at->memories[0]);
    assert_int_equal(at->memories[0].completes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(every_watcher_sees_every_segment_once_and_in_order),
        CASE(no_page_has_more_shares_than_are_shown_with_it),
        CASE(a_segment_that_is_in_too_many_buckets_holds_nobody_up),
        CASE(a_watcher_that_refuses_sees_nothing_of_the_pass),
        CASE(a_new_process_goes_on_with_the_pass_and_leaves_nothing_out),
        CASE(what_another_has_leased_is_left_to_it),
        CASE(who_asks_gets_a_pass_that_began_afterwards),
        CASE(after_each_page_it_rests_as_long_as_its_share_demands),
        CASE(short_rests_are_put_together),
        CASE(a_pass_that_somebody_waits_for_does_not_rest),
        CASE(a_page_that_takes_too_long_is_asked_for_again_half_as_large),
#undef CASE
        cmocka_unit_test(rests_keep_the_share),
    };
    return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
