/*
 * channel_cache: which channel goes when there are too many.
 *
 * A channel connects when it is used first: nobody is dialled here.
 */
#include "client/channel_cache.h"
#include "tests/lib/test.h"
#include "tests/lib/test_rpc.h"

struct fixture {
    struct test_rpc rpc;
    struct channel_cache *cache;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    test_rpc_init(&fixture->rpc);
    fixture->cache = channel_cache_create(fixture->rpc.runtime);
    channel_cache_set_credentials(fixture->cache, fixture->rpc.client_credentials);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    channel_cache_destroy(fixture->cache);
    test_rpc_fini(&fixture->rpc);
    free(fixture);
    return 0;
}

static struct channel_entry *acquire(struct fixture *fixture, unsigned number, size_t addresses)
{
    const uint8_t id[PKI_ID_SIZE] = {(uint8_t)(number >> 8), (uint8_t)number};
    const struct wire_endpoint endpoints[] = {
        {.kind = 1, .host = view_text("first"), .port = 1},
        {.kind = 1, .host = view_text("second"), .port = 1},
    };
    const struct wire_node_address node = {
        .node_id = view_of(id, sizeof(id)), .endpoints = endpoints, .endpoints_count = addresses};
    struct channel_entry *entry = NULL;
    struct hearth_err err;
    assert_ok(channel_acquire(fixture->cache, &node, &entry, &err), &err);
    return entry;
}

/* Nodes [first, end), one after the other. */
static void use(struct fixture *fixture, unsigned first, unsigned end)
{
    for (unsigned number = first; number < end; number++) {
        channel_release(fixture->cache, acquire(fixture, number, 1), true);
    }
}

/* Node 0 is found at its second address for as long as it is known that it was not at its first:
 * as long as the channel to that is there. */
static bool is_first_remembered(struct fixture *fixture, const struct channel_entry *second)
{
    struct channel_entry *entry = acquire(fixture, 0, 2);
    channel_release(fixture->cache, entry, true);
    return entry == second;
}

static void the_longest_unused_makes_room_and_none_that_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    channel_release(fixture->cache, acquire(fixture, 0, 2), false);
    struct channel_entry *second = acquire(fixture, 0, 2);
    use(fixture, 1, CHANNELS_MAX - 1);
    bool is_there_when_full = is_first_remembered(fixture, second); /* and it was used now */
    use(fixture, CHANNELS_MAX, 2 * CHANNELS_MAX - 2);
    bool is_there_when_used_lately = is_first_remembered(fixture, second);
    use(fixture, 1, CHANNELS_MAX);
    bool is_there_when_unused = is_first_remembered(fixture, second);
    channel_release(fixture->cache, acquire(fixture, 0, 1), false);
    bool is_held_one_there = is_first_remembered(fixture, second);
    channel_release(fixture->cache, second, true); /* a failed claim leaves nothing held */
    assert_true(is_there_when_full);
    assert_true(is_there_when_used_lately);
    assert_false(is_there_when_unused);
    assert_true(is_held_one_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_longest_unused_makes_room_and_none_that_is_in_use, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("channel_cache", tests, NULL, NULL);
}
