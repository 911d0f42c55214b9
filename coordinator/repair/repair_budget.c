#include "coordinator/repair/repair_budget.h"

#include "common/cleanup.h"
#include "common/token_bucket.h"

#include <assert.h>
#include <stdlib.h>

/* A node or a network. */
struct place {
    struct token_bucket bucket;
    unsigned running; /* repairs it takes part in */
};

struct repair_budget {
    struct repair_budget_options options; /* set once */

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t left;
        struct token_bucket all;
        struct place nodes[REPAIR_BUDGET_PLACES];
        struct place networks[REPAIR_BUDGET_PLACES];
    } shared;
};

struct repair_budget *repair_budget_create(const struct repair_budget_options *options)
{
    struct repair_budget *budget = calloc(1, sizeof(*budget));
    if (budget == NULL) {
        return NULL;
    }
    const uint64_t now = env_now_ns(options->env);
    budget->options = *options;
    pthread_mutex_init(&budget->shared.mutex, NULL);
    pthread_cond_init(&budget->shared.left, NULL);
    token_bucket_init(&budget->shared.all, options->rate, now);
    for (unsigned i = 0; i < REPAIR_BUDGET_PLACES; i++) {
        token_bucket_init(&budget->shared.nodes[i].bucket, options->node_rate, now);
        token_bucket_init(&budget->shared.networks[i].bucket, options->network_rate, now);
    }
    return budget;
}

void repair_budget_destroy(struct repair_budget *budget)
{
    if (budget != NULL) {
        pthread_cond_destroy(&budget->shared.left);
        pthread_mutex_destroy(&budget->shared.mutex);
        free(budget);
    }
}

/* ---- who takes part ---- */

/* FNV-1a: a prefix is a few bytes. */
static uint16_t place_of_network(const struct meta_network *network)
{
    const uint8_t *bytes = (const uint8_t *)network->bytes;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof(network->bytes); i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return (uint16_t)((hash ^ hash >> 16) % REPAIR_BUDGET_PLACES);
}

static uint16_t place_of_node(const struct fleet_node *node)
{
    return (uint16_t)(node->number % REPAIR_BUDGET_PLACES);
}

void repair_parties_add(struct repair_parties *parties, const struct fleet_node *node)
{
    assert(parties->count < REPAIR_PARTIES_MAX);
    parties->nodes[parties->count] = place_of_node(node);
    parties->networks[parties->count] = place_of_network(&node->network);
    parties->count++;
}

/* ---- how many at once ---- */

bool repair_budget_is_full(struct repair_budget *budget, const struct fleet_node *node)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    return budget->shared.nodes[place_of_node(node)].running >= budget->options.node_max ||
        budget->shared.networks[place_of_network(&node->network)].running >=
        budget->options.network_max;
}

/* Two parties in one place count once: alone, a repair may always go on. */
static bool has_room(const struct repair_budget *budget, const struct repair_parties *parties)
{
    for (unsigned i = 0; i < parties->count; i++) {
        if (budget->shared.nodes[parties->nodes[i]].running >= budget->options.node_max ||
            budget->shared.networks[parties->networks[i]].running >= budget->options.network_max) {
            return false;
        }
    }
    return true;
}

static bool is_first(const uint16_t *places, unsigned index)
{
    for (unsigned i = 0; i < index; i++) {
        if (places[i] == places[index]) {
            return false;
        }
    }
    return true;
}

static void count(struct repair_budget *budget, const struct repair_parties *parties, int by)
{
    for (unsigned i = 0; i < parties->count; i++) {
        struct place *node = &budget->shared.nodes[parties->nodes[i]];
        struct place *network = &budget->shared.networks[parties->networks[i]];
        node->running += (unsigned)(is_first(parties->nodes, i) ? by : 0);
        network->running += (unsigned)(is_first(parties->networks, i) ? by : 0);
    }
}

void repair_budget_enter_blocking(
    struct repair_budget *budget, const struct repair_parties *parties)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    while (!has_room(budget, parties)) {
        pthread_cond_wait(&budget->shared.left, &budget->shared.mutex);
    }
    count(budget, parties, 1);
}

void repair_budget_leave(struct repair_budget *budget, const struct repair_parties *parties)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    count(budget, parties, -1);
    pthread_cond_broadcast(&budget->shared.left);
}

/* ---- how many bytes ---- */

/* Filled up to now first: the time before does not pay for what passes now. */
static uint64_t take(struct token_bucket *bucket, uint64_t bytes, uint64_t now_ns)
{
    token_bucket_wait_ns(bucket, now_ns);
    token_bucket_take(bucket, (int64_t)bytes);
    return token_bucket_wait_ns(bucket, now_ns);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t repair_budget_pass_ns(
    struct repair_budget *budget, const struct repair_parties *parties, uint64_t bytes_each)
{
    UNLOCKS pthread_mutex_t *held = lock(&budget->shared.mutex);
    const uint64_t now = env_now_ns(budget->options.env);
    uint64_t wait = take(&budget->shared.all, bytes_each * parties->count, now);
    for (unsigned i = 0; i < parties->count; i++) {
        wait = later(wait, take(&budget->shared.nodes[parties->nodes[i]].bucket, bytes_each, now));
        wait = later(
            wait, take(&budget->shared.networks[parties->networks[i]].bucket, bytes_each, now));
    }
    return wait;
}
