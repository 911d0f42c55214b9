/*
 * What a node sees of an audit is what it sees of somebody who reads: as many calls, for the same
 * cells, let come in the same portions.
 *
 * A tape lies over the invented net and notes each call.  A client reads; then the same runs are
 * asked for as audits do, with the same orders.
 */
#include "coordinator/audit/audit_ask.h"
#include "tests/lib/client_world.h"

#include <stdlib.h>

enum { K = 4, STRIPES = 40, STRIPE = K * EC_UNIT_PLAIN_SIZE, CALLS_MAX = 16, READS_MAX = 64 };

/* One call as its node sees it. */
struct seen {
    struct shard_call *call;
    struct fake_order order;
    uint32_t first;
    uint32_t stripes;
    unsigned reads[READS_MAX];
    unsigned read_count;
};

struct tape {
    struct shard_net_ops ops; /* first: what the net has in place of its own */
    const struct shard_net_ops *real;
    struct seen calls[CALLS_MAX];
    unsigned count;
};

static struct shard_call *taped_open(struct shard_net *net, const struct shard_door *door,
    uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context)
{
    struct tape *tape = (struct tape *)net->ops;
    assert_in_range(tape->count, 0, CALLS_MAX - 1);
    struct seen *seen = &tape->calls[tape->count++];
    *seen = (struct seen){.first = first_stripe, .stripes = stripes};
    assert_int_equal(door->order.size, sizeof(seen->order));
    memcpy(&seen->order, door->order.bytes, sizeof(seen->order));
    seen->call = tape->real->get_open(net, door, first_stripe, stripes, inbox, context);
    return seen->call;
}

static void taped_read(struct shard_call *call, unsigned cells)
{
    struct tape *tape = (struct tape *)call->net->ops;
    for (unsigned i = tape->count; i-- > 0;) {
        struct seen *seen = &tape->calls[i];
        if (seen->call == call) {
            assert_in_range(seen->read_count, 0, READS_MAX - 1);
            seen->reads[seen->read_count++] = cells;
            break;
        }
    }
    tape->real->get_read(call, cells);
}

static void tape_over(struct tape *tape, struct shard_net *net)
{
    *tape = (struct tape){.ops = *net->ops, .real = net->ops};
    tape->ops.get_open = taped_open;
    tape->ops.get_read = taped_read;
    net->ops = &tape->ops;
}

static void read_range(struct world *world, struct tape *tape, uint64_t offset, uint64_t length)
{
    struct hearth_err err;
    tape->count = 0;
    assert_ok(world_get(world, "key", 1, offset, length, NULL, &err), &err);
    assert_true(tape->count > 0);
}

/* The same run of the same shard, as an audit. */
static struct seen audit(struct world *world, struct tape *tape, const struct seen *reader)
{
    const struct fake_segment *segment = &world->coordinator.segments[0];
    const struct wire_endpoint endpoint = {.kind = 1, .host = view_text("node"), .port = 1};
    const struct wire_node_address address = {
        .node_id = view_of(world->net.nodes[reader->order.node].id, FAKE_NODE_ID_SIZE),
        .endpoints = &endpoint,
        .endpoints_count = 1};
    struct audit_ask ask = {
        .door = {.node = &address, .order = view_of(&reader->order, sizeof(reader->order))},
        .slot = reader->order.slot,
        .run = {.first = reader->first, .count = reader->stripes},
        .patience_ms = 1000};
    struct audit_ask *asks[] = {&ask};
    struct hearth_err err;
    memcpy(ask.vk.bytes, segment->vk, sizeof(ask.vk.bytes));
    assert_ok(ec_stripes_init(&ask.stripes, K, segment->length, &err), &err);
    tape->count = 0;
    assert_ok(audit_ask_all_blocking(&world->net.net, &world->env.env, asks, 1, &err), &err);
    assert_int_equal(ask.answer, AUDIT_TRUE);
    audit_ask_fini(&ask);
    assert_int_equal(tape->count, 1);
    return tape->calls[0];
}

static void assert_same(const struct seen *one, const struct seen *other)
{
    assert_int_equal(one->first, other->first);
    assert_int_equal(one->stripes, other->stripes);
    assert_memory_equal(&one->order, &other->order, sizeof(one->order));
    assert_int_equal(one->read_count, other->read_count);
    for (unsigned i = 0; i < one->read_count; i++) {
        assert_int_equal(one->reads[i], other->reads[i]);
    }
}

static void an_audit_calls_as_a_reader_calls(void **state)
{
    (void)state;
    const struct {
        uint64_t offset, length;
    } ranges[] = {{0, STRIPES * STRIPE}, {0, 5 * STRIPE}, {7 * STRIPE, 20 * STRIPE},
        {(STRIPES - 1) * STRIPE, STRIPE}, {0, 16 * STRIPE}, {3 * STRIPE, 17 * STRIPE}};
    struct world *world = world_create(NULL);
    struct hearth_err err;
    struct tape tape;
    assert_ok(world_put(world, "key", 1, STRIPES * STRIPE, &err), &err);
    tape_over(&tape, &world->net.net);
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        read_range(world, &tape, ranges[i].offset, ranges[i].length);
        struct tape readers = tape;
        for (unsigned j = 0; j < readers.count; j++) {
            const struct seen seen = audit(world, &tape, &readers.calls[j]);
            assert_same(&readers.calls[j], &seen);
        }
    }
    world->net.net.ops = tape.real;
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_audit_calls_as_a_reader_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
