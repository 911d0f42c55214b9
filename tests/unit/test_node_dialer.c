/*
 * node_dialer: an address counts once the node itself was met there, and no node makes us dial
 * more than once in NODE_DIAL_PAUSE_MS.
 *
 * The network is invented: a probe answers by the address's host.  Time is stepped.
 */
#include "coordinator/fleet/node_dialer.h"

#include "common/cleanup.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_rpc.h"

#include <poll.h>
#include <stdio.h>

struct fixture {
    struct test_env env;
    struct node_dialer *dialer;
    struct test_gate dialled; /* passed after each round */
    struct test_gate reached; /* passed by a probe that hangs */
    _Atomic unsigned probes;
    char last_address[64];
    uint32_t number;
    size_t count;
    bool is_met[META_ENDPOINTS_MAX];
};

static struct fixture *fixture; /* a probe has no context of its own */

static const uint8_t node_id[PKI_ID_SIZE] = {7};

/* "there" is there; "slow" answers only when we stop; all else is silent. */
static enum hearth_code invented_probe(const struct node_probe *probe, struct hearth_err *err)
{
    fixture->probes++;
    snprintf(fixture->last_address, sizeof(fixture->last_address), "%s", probe->address);
    assert_memory_equal(probe->id, node_id, sizeof(node_id));
    if (strncmp(probe->address, "slow", 4) == 0) {
        test_gate_pass(&fixture->reached);
        struct pollfd stop = {.fd = probe->stop_fd, .events = POLLIN};
        assert_int_equal(poll(&stop, 1, -1), 1);
        return hearth_fail(err, HEARTH_CANCELLED, "stopping");
    }
    return strncmp(probe->address, "there", 5) == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_UNREACHABLE, "silence");
}

static void remember(
    void *context, uint32_t number, const struct meta_endpoint *endpoints, size_t count)
{
    struct fixture *at = context;
    at->number = number;
    at->count = count;
    for (size_t i = 0; i < count; i++) {
        at->is_met[i] = endpoints[i].verified_ms != 0;
    }
    test_gate_pass(&at->dialled);
}

static int set_up(void **state)
{
    struct hearth_err err;
    struct fixture *at = calloc(1, sizeof(*at));
    fixture = at;
    test_env_init(&at->env, 1);
    test_gate_init(&at->dialled);
    test_gate_init(&at->reached);
    const struct node_dialer_options options = {.env = &at->env.env,
        .ca_pem = "",
        .dialled = remember,
        .context = at,
        .probe = invented_probe};
    assert_ok(node_dialer_start(&options, &at->dialer, &err), &err);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    node_dialer_stop(at->dialer);
    test_gate_fini(&at->dialled);
    test_gate_fini(&at->reached);
    free(at);
    return 0;
}

static void see(struct fixture *at, const char *host, const char *second_host)
{
    const struct wire_endpoint endpoints[] = {
        {.kind = META_ENDPOINT_DIRECT, .host = view_text(host), .port = 7000},
        {.kind = META_ENDPOINT_DIRECT, .host = view_text(second_host), .port = 7001}};
    node_dialer_see(at->dialer, 3, node_id, endpoints, second_host[0] == '\0' ? 1 : 2);
}

/* A dial that must not happen would be under way by the time another node's is over. */
static void assert_no_dial(struct fixture *at, unsigned rounds_so_far, unsigned probes_so_far)
{
    const struct wire_endpoint other = {
        .kind = META_ENDPOINT_DIRECT, .host = view_text("there"), .port = 1};
    static uint32_t number = 100;
    node_dialer_see(at->dialer, number++, node_id, &other, 1);
    test_gate_wait(&at->dialled, rounds_so_far + 1);
    assert_int_equal(at->probes, probes_so_far + 1);
}

static void an_address_counts_once_the_node_was_met_there(void **state)
{
    struct fixture *at = *state;
    see(at, "there", "silent");
    test_gate_wait(&at->dialled, 1);
    assert_int_equal(at->number, 3);
    assert_int_equal(at->count, 2);
    assert_true(at->is_met[0]);
    assert_false(at->is_met[1]);
}

static void v6_addresses_get_their_brackets(void **state)
{
    struct fixture *at = *state;
    see(at, "2001:db8::7", "");
    test_gate_wait(&at->dialled, 1);
    assert_string_equal(at->last_address, "[2001:db8::7]:7000");
}

static void what_is_right_is_not_dialled_again_for_hours(void **state)
{
    struct fixture *at = *state;
    see(at, "there", "");
    test_gate_wait(&at->dialled, 1);
    test_env_step_ms(&at->env, NODE_DIAL_AGAIN_MS - 1000);
    see(at, "there", "");
    assert_no_dial(at, 1, 1);
    test_env_step_ms(&at->env, 1000);
    see(at, "there", "");
    test_gate_wait(&at->dialled, 3);
}

static void what_is_wrong_is_dialled_again_after_a_pause(void **state)
{
    struct fixture *at = *state;
    see(at, "silent", "");
    test_gate_wait(&at->dialled, 1);
    test_env_step_ms(&at->env, NODE_DIAL_PAUSE_MS);
    see(at, "silent", "");
    test_gate_wait(&at->dialled, 2);
    assert_int_equal(at->probes, 2);
}

static void a_node_that_keeps_changing_its_address_is_dialled_once_a_pause(void **state)
{
    struct fixture *at = *state;
    char host[32];
    see(at, "there", "");
    test_gate_wait(&at->dialled, 1);
    for (int i = 0; i < 50; i++) {
        snprintf(host, sizeof(host), "victim%d", i);
        see(at, host, "");
    }
    assert_no_dial(at, 1, 1);
    test_env_step_ms(&at->env, NODE_DIAL_PAUSE_MS);
    see(at, "there2", "");
    test_gate_wait(&at->dialled, 3);
    assert_string_equal(at->last_address, "there2:7000");
}

static void a_relay_is_not_dialled(void **state)
{
    struct fixture *at = *state;
    const struct wire_endpoint relay = {
        .kind = META_ENDPOINT_RELAY, .host = view_text("there"), .port = 7000};
    node_dialer_see(at->dialer, 3, node_id, &relay, 1);
    test_gate_wait(&at->dialled, 1);
    assert_false(at->is_met[0]);
    assert_int_equal(at->probes, 0);
}

static void a_dial_that_was_cut_short_says_nothing(void **state)
{
    struct fixture *at = *state;
    see(at, "slow", "");
    test_gate_wait(&at->reached, 1);
    node_dialer_stop(at->dialer);
    at->dialer = NULL;
    assert_int_equal(test_gate_count(&at->dialled), 0);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_address_counts_once_the_node_was_met_there),
        claim(v6_addresses_get_their_brackets),
        claim(what_is_right_is_not_dialled_again_for_hours),
        claim(what_is_wrong_is_dialled_again_after_a_pause),
        claim(a_node_that_keeps_changing_its_address_is_dialled_once_a_pause),
        claim(a_relay_is_not_dialled),
        claim(a_dial_that_was_cut_short_says_nothing),
    };
    return cmocka_run_group_tests_name("node_dialer", tests, NULL, NULL);
}
