/*
 * repair_budget: how many repairs a node and a network take part in, and how many bytes pass, alone
 * and with threads that want more.
 */
#include "coordinator/repair/repair_budget.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MIB = 1 << 20, NODES = 12 };

static struct fleet_node node_of(uint32_t number, uint8_t network)
{
    struct fleet_node node = {.number = number};
    node.network.bytes[0] = network;
    return node;
}

static struct repair_budget *budget_of(struct test_env *env, uint64_t node_rate, unsigned node_max)
{
    test_env_init(env, 1);
    const struct repair_budget_options options = {.env = &env->env,
        .rate = 100 * MIB,
        .node_rate = node_rate,
        .network_rate = 4 * MIB,
        .node_max = node_max,
        .network_max = 2};
    struct repair_budget *budget = repair_budget_create(&options);
    assert_non_null(budget);
    return budget;
}

/* How long it takes until so many MiB have gone to or come from each. */
static uint64_t seconds_for(struct test_env *env, struct repair_budget *budget,
    const struct repair_parties *parties, unsigned mib)
{
    const uint64_t start = env_now_ns(&env->env);
    for (unsigned cell = 0; cell < 16 * mib; cell++) {
        const uint64_t wait_ns = repair_budget_pass_ns(budget, parties, MIB / 16);
        test_env_step_ms(env, (wait_ns + 999999) / 1000000);
    }
    return (env_now_ns(&env->env) - start) / 1000000000;
}

static void the_slowest_of_node_network_and_all_decides(void **state)
{
    (void)state;
    struct test_env env;
    struct repair_budget *budget = budget_of(&env, MIB, 2);
    struct repair_parties one = {0};
    const struct fleet_node first = node_of(1, 1);
    repair_parties_add(&one, &first);
    assert_in_range(seconds_for(&env, budget, &one, 60), 58, 62); /* its node: 1 MiB/s */
    struct repair_parties many = {0};
    for (uint32_t number = 2; number < 2 + 8; number++) {
        const struct fleet_node node = node_of(number, 2);
        repair_parties_add(&many, &node);
    }
    assert_in_range(seconds_for(&env, budget, &many, 60), 118, 122); /* 8 in one of 4 MiB/s */
    repair_budget_destroy(budget);

    budget = budget_of(&env, 0, 2);
    struct repair_parties far = {0};
    for (unsigned i = 0; i < 50; i++) {
        const struct fleet_node node = node_of(1 + i, (uint8_t)i);
        repair_parties_add(&far, &node);
    }
    assert_in_range(seconds_for(&env, budget, &far, 60), 29, 32); /* 50 from one of 100 MiB/s */
    repair_budget_destroy(budget);
}

/* ---- many repairs at once, seeded ---- */

enum { REPAIRS = 6, NETWORKS = 5, CELL = MIB / 16, SIMULATED_S = 120, SEEDS = 20 };
enum { RATE = 8 * MIB, NODE_RATE = MIB, NETWORK_RATE = 2 * MIB };

/* What each took part in, by the bytes that passed. */
struct traffic {
    struct test_env env;
    struct repair_budget *budget;
    uint64_t ready_ns[REPAIRS]; /* when it may go on */
    uint64_t all;
    uint64_t nodes[NODES];
    uint64_t networks[NETWORKS];
};

static void pass_one(struct traffic *traffic, unsigned repair)
{
    struct env *env = &traffic->env.env;
    struct repair_parties parties = {0};
    const uint32_t first = (uint32_t)env_random_below(env, NODES);
    const uint32_t count = 1 + (uint32_t)env_random_below(env, NODES);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t number = (first + i) % NODES;
        const struct fleet_node node = node_of(number, (uint8_t)(number % NETWORKS));
        repair_parties_add(&parties, &node);
        traffic->nodes[number] += CELL;
        traffic->networks[number % NETWORKS] += CELL;
        traffic->all += CELL;
    }
    traffic->ready_ns[repair] =
        env_now_ns(env) + repair_budget_pass_ns(traffic->budget, &parties, CELL);
}

static unsigned next_ready(const struct traffic *traffic)
{
    unsigned next = 0;
    for (unsigned i = 1; i < REPAIRS; i++) {
        next = traffic->ready_ns[i] < traffic->ready_ns[next] ? i : next;
    }
    return next;
}

/* At its rate, a burst, and what each repair has passed before it is told to wait. */
static uint64_t most(uint64_t rate, uint64_t cells)
{
    return rate * SIMULATED_S + rate / 10 + REPAIRS * cells * CELL + CELL;
}

static void one_seed(uint64_t seed)
{
    struct traffic traffic = {.all = 0};
    test_env_init(&traffic.env, seed);
    const struct repair_budget_options options = {.env = &traffic.env.env,
        .rate = RATE,
        .node_rate = NODE_RATE,
        .network_rate = NETWORK_RATE,
        .node_max = REPAIRS,
        .network_max = REPAIRS};
    traffic.budget = repair_budget_create(&options);
    const uint64_t end_ns = env_now_ns(&traffic.env.env) + SIMULATED_S * UINT64_C(1000000000);
    for (unsigned next = 0; traffic.ready_ns[next] < end_ns; next = next_ready(&traffic)) {
        const uint64_t now = env_now_ns(&traffic.env.env);
        if (traffic.ready_ns[next] > now) {
            test_env_step_ms(&traffic.env, (traffic.ready_ns[next] - now + 999999) / 1000000);
        }
        pass_one(&traffic, next);
    }
    assert_true(traffic.all <= most(RATE, NODES));
    for (unsigned i = 0; i < NODES; i++) {
        assert_true(traffic.nodes[i] <= most(NODE_RATE, 1));
    }
    for (unsigned i = 0; i < NETWORKS; i++) {
        assert_true(traffic.networks[i] <= most(NETWORK_RATE, 3));
    }
    assert_true(traffic.all > (uint64_t)RATE * SIMULATED_S * 3 / 4); /* and it is made use of */
    repair_budget_destroy(traffic.budget);
}

static void whoever_repairs_what_at_once_nobody_gives_more_than_its_rate(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %d\n", (int)seed);
        one_seed(seed);
    }
}

/* (Once an hour of rest paid for an hour's worth at once.) */
static void a_long_rest_pays_for_no_more_than_a_burst(void **state)
{
    (void)state;
    struct test_env env;
    struct repair_budget *budget = budget_of(&env, MIB, 2);
    struct repair_parties one = {0};
    const struct fleet_node node = node_of(1, 1);
    repair_parties_add(&one, &node);
    test_env_step_ms(&env, 3600 * 1000);
    assert_in_range(seconds_for(&env, budget, &one, 60), 58, 62);
    repair_budget_destroy(budget);
}

static void a_node_is_full_at_its_number_and_free_again_after(void **state)
{
    (void)state;
    struct test_env env;
    struct repair_budget *budget = budget_of(&env, 0, 2);
    struct repair_parties parties = {0};
    const struct fleet_node node = node_of(1, 1);
    const struct fleet_node neighbour = node_of(2, 1);
    const struct fleet_node other = node_of(3, 3);
    repair_parties_add(&parties, &node);
    repair_budget_enter_blocking(budget, &parties);
    assert_false(repair_budget_is_full(budget, &node));
    repair_budget_enter_blocking(budget, &parties);
    assert_true(repair_budget_is_full(budget, &node));
    assert_true(repair_budget_is_full(budget, &neighbour)); /* the same network, at most two */
    assert_false(repair_budget_is_full(budget, &other));
    repair_budget_leave(budget, &parties);
    assert_false(repair_budget_is_full(budget, &node));
    repair_budget_leave(budget, &parties);
    repair_budget_destroy(budget);
}

/* Forty nodes of one network, as in a cluster on one machine. */
static void who_shares_a_network_with_himself_is_let_in(void **state)
{
    (void)state;
    struct test_env env;
    struct repair_budget *budget = budget_of(&env, 0, 1);
    struct repair_parties parties = {0};
    for (uint32_t number = 1; number <= 40; number++) {
        const struct fleet_node node = node_of(number, 1);
        repair_parties_add(&parties, &node);
    }
    repair_budget_enter_blocking(budget, &parties);
    const struct fleet_node neighbour = node_of(41, 1);
    assert_false(repair_budget_is_full(budget, &neighbour)); /* one repair, of two at most */
    repair_budget_leave(budget, &parties);
    repair_budget_destroy(budget);
}

struct contest {
    struct repair_budget *budget;
    atomic_uint inside[NODES];
    atomic_uint most;
    atomic_uint seed;
};

static void take_part(struct contest *contest, const uint32_t numbers[3])
{
    struct repair_parties parties = {0};
    for (unsigned i = 0; i < 3; i++) {
        const struct fleet_node node = node_of(numbers[i], (uint8_t)numbers[i]);
        repair_parties_add(&parties, &node);
    }
    repair_budget_enter_blocking(contest->budget, &parties);
    for (unsigned i = 0; i < 3; i++) {
        unsigned now = atomic_fetch_add(&contest->inside[numbers[i]], 1) + 1;
        unsigned most = atomic_load(&contest->most);
        while (now > most && !atomic_compare_exchange_weak(&contest->most, &most, now)) {
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        atomic_fetch_sub(&contest->inside[numbers[i]], 1);
    }
    repair_budget_leave(contest->budget, &parties);
}

static void *contend(void *context)
{
    struct contest *contest = context;
    unsigned chance = atomic_fetch_add(&contest->seed, 1) * 7919;
    for (unsigned round = 0; round < 500; round++) {
        chance = chance * 1103515245u + 12345u;
        const uint32_t first = (chance >> 16) % NODES;
        take_part(contest, (const uint32_t[]){first, (first + 1) % NODES, (first + 5) % NODES});
    }
    return NULL;
}

static void eight_threads_keep_the_number_and_all_come_to_an_end(void **state)
{
    (void)state;
    struct test_env env;
    struct contest contest = {.budget = budget_of(&env, 0, 2)};
    pthread_t threads[8];
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_in_range(contest.most, 1, 2);
    repair_budget_destroy(contest.budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slowest_of_node_network_and_all_decides),
        cmocka_unit_test(whoever_repairs_what_at_once_nobody_gives_more_than_its_rate),
        cmocka_unit_test(a_long_rest_pays_for_no_more_than_a_burst),
        cmocka_unit_test(a_node_is_full_at_its_number_and_free_again_after),
        cmocka_unit_test(who_shares_a_network_with_himself_is_let_in),
        cmocka_unit_test(eight_threads_keep_the_number_and_all_come_to_an_end),
    };
    return cmocka_run_group_tests_name("repair_budget", tests, NULL, NULL);
}
