#include "coordinator/fleet/place_choose.h"

#include "common/cleanup.h"

#include <assert.h>

/*
 * Owners and networks are the two sides of a bipartite graph, and a node that can take a shard is
 * an edge; a choice without collisions is a matching.  Owners join one by one in random order,
 * each along an augmenting path (Kuhn's algorithm): an owner that joined before may have to move
 * to another of its nodes, but never drops out.
 */
#define NOBODY UINT32_MAX

struct candidate {
    const struct place_node *node;
    uint32_t owner;   /* index among the owners of all candidates */
    uint32_t network; /* likewise */
};

struct matching {
    struct candidate *candidates; /* grouped by owner */
    uint32_t candidate_count;
    uint32_t owner_count;
    uint32_t network_count;
    uint32_t *owner_order;      /* shuffled as far as it was needed */
    uint32_t *owner_first;      /* owner_count + 1: where its candidates begin */
    uint32_t *owner_choice;     /* candidate */
    uint32_t *network_owner;    /* who has it, or NOBODY */
    uint32_t *network_searched; /* number of the last search that came by */
    uint32_t search;
};

/* ---- candidates ---- */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static bool is_in_set(const struct place_choice *set, uint32_t number)
{
    return bsearch(&number, set->nodes, set->count, sizeof(number), compare_numbers) != NULL;
}

static bool is_excluded(const struct place_query *query, uint32_t number)
{
    for (size_t i = 0; i < query->excluded_count; i++) {
        if (query->excluded[i] == number) {
            return true;
        }
    }
    return false;
}

static int compare_networks(const struct place_node *a, const struct place_node *b)
{
    return memcmp(a->network.bytes, b->network.bytes, META_NETWORK_SIZE);
}

/* `taken`: excluded nodes whose owners and networks count as used. */
static bool is_domain_taken(
    const struct place_node *node, const struct place_node *const *taken, size_t taken_count)
{
    for (size_t i = 0; i < taken_count; i++) {
        if (taken[i]->owner == node->owner || compare_networks(taken[i], node) == 0) {
            return true;
        }
    }
    return false;
}

static size_t collect_taken(const struct place_fleet *fleet, const struct place_query *query,
    const struct place_node **taken)
{
    size_t count = 0;
    for (size_t i = 0; i < fleet->count && !query->allow_colocation; i++) {
        if (is_excluded(query, fleet->nodes[i].number)) {
            taken[count++] = &fleet->nodes[i];
        }
    }
    return count;
}

static bool can_take(const struct place_node *node, const struct place_query *query,
    const struct place_node *const *taken, size_t taken_count)
{
    return node->takes_shards && node->free_bytes >= query->free_bytes_min &&
        !is_excluded(query, node->number) && !is_domain_taken(node, taken, taken_count);
}

bool place_is_possible(const struct place_fleet *fleet, const struct place_query *query)
{
    const struct place_node *taken[META_SLOTS_MAX];
    assert(query->excluded_count <= META_SLOTS_MAX);
    size_t taken_count = collect_taken(fleet, query, taken);
    for (size_t i = 0; i < fleet->count; i++) {
        if (can_take(&fleet->nodes[i], query, taken, taken_count)) {
            return true;
        }
    }
    return false;
}

/* `only`: NULL for the whole fleet. `taken` has room for the whole fleet. */
static uint32_t collect_candidates(const struct place_fleet *fleet, const struct place_query *query,
    const struct place_choice *only, const struct place_node **taken, struct candidate *candidates)
{
    size_t taken_count = collect_taken(fleet, query, taken);
    uint32_t count = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct place_node *node = &fleet->nodes[i];
        if ((only == NULL || is_in_set(only, node->number)) &&
            can_take(node, query, taken, taken_count)) {
            candidates[count++].node = node;
        }
    }
    return count;
}

/* ---- the graph ---- */

static int by_network(const void *a, const void *b)
{
    return compare_networks(
        ((const struct candidate *)a)->node, ((const struct candidate *)b)->node);
}

static int by_owner(const void *a, const void *b)
{
    return compare_numbers(
        &((const struct candidate *)a)->node->owner, &((const struct candidate *)b)->node->owner);
}

static void number_domains(struct matching *matching)
{
    struct candidate *at = matching->candidates;
    qsort(at, matching->candidate_count, sizeof(*at), by_network);
    for (uint32_t i = 0; i < matching->candidate_count; i++) {
        if (i == 0 || by_network(&at[i - 1], &at[i]) != 0) {
            matching->network_count++;
        }
        at[i].network = matching->network_count - 1;
    }
    qsort(at, matching->candidate_count, sizeof(*at), by_owner);
    for (uint32_t i = 0; i < matching->candidate_count; i++) {
        if (i == 0 || by_owner(&at[i - 1], &at[i]) != 0) {
            matching->owner_first[matching->owner_count++] = i;
        }
        at[i].owner = matching->owner_count - 1;
    }
    matching->owner_first[matching->owner_count] = matching->candidate_count;
}

/* Colocation: each node is a domain of its own. */
static void number_nodes(struct matching *matching)
{
    matching->owner_count = matching->network_count = matching->candidate_count;
    for (uint32_t i = 0; i <= matching->candidate_count; i++) {
        matching->owner_first[i] = i;
    }
    for (uint32_t i = 0; i < matching->candidate_count; i++) {
        matching->candidates[i].owner = matching->candidates[i].network = i;
    }
}

/* `numbers` has room for five arrays of `candidate_count` + 1. */
static void matching_init(struct matching *matching, struct candidate *candidates,
    uint32_t candidate_count, uint32_t *numbers, bool allow_colocation)
{
    size_t stride = candidate_count + 1;
    *matching = (struct matching){
        .candidates = candidates,
        .candidate_count = candidate_count,
        .owner_order = numbers,
        .owner_first = numbers + stride,
        .owner_choice = numbers + 2 * stride,
        .network_owner = numbers + 3 * stride,
        .network_searched = numbers + 4 * stride,
    };
    if (allow_colocation) {
        number_nodes(matching);
    } else {
        number_domains(matching);
    }
    for (uint32_t i = 0; i < candidate_count; i++) {
        matching->owner_order[i] = i;
        matching->network_owner[i] = NOBODY;
        matching->network_searched[i] = 0;
    }
}

static void take(struct matching *matching, uint32_t candidate)
{
    matching->owner_choice[matching->candidates[candidate].owner] = candidate;
    matching->network_owner[matching->candidates[candidate].network] =
        matching->candidates[candidate].owner;
}

static bool take_free_network(struct matching *matching, uint32_t owner)
{
    for (uint32_t i = matching->owner_first[owner]; i < matching->owner_first[owner + 1]; i++) {
        if (matching->network_owner[matching->candidates[i].network] == NOBODY) {
            take(matching, i);
            return true;
        }
    }
    return false;
}

/* Recursion visits owners that have joined, each once: at most PLACE_NODES_MAX deep. */
static bool join(struct matching *matching, uint32_t owner)
{
    if (take_free_network(matching, owner)) {
        return true;
    }
    for (uint32_t i = matching->owner_first[owner]; i < matching->owner_first[owner + 1]; i++) {
        uint32_t network = matching->candidates[i].network;
        if (matching->network_searched[network] == matching->search) {
            continue;
        }
        matching->network_searched[network] = matching->search;
        if (join(matching, matching->network_owner[network])) {
            take(matching, i);
            return true;
        }
    }
    return false;
}

/* ---- chance ---- */

static void shuffle_candidates_of(struct matching *matching, uint32_t owner, struct env *env)
{
    struct candidate *first = &matching->candidates[matching->owner_first[owner]];
    uint32_t count = matching->owner_first[owner + 1] - matching->owner_first[owner];
    for (uint32_t left = count; left > 1; left--) {
        uint32_t at = (uint32_t)env_random_below(env, left);
        struct candidate moved = first[at];
        first[at] = first[left - 1];
        first[left - 1] = moved;
    }
}

static void swap_owners(struct matching *matching, uint32_t a, uint32_t b)
{
    uint32_t owner = matching->owner_order[a];
    matching->owner_order[a] = matching->owner_order[b];
    matching->owner_order[b] = owner;
}

static bool is_newcomer(const struct matching *matching, uint32_t owner)
{
    for (uint32_t i = matching->owner_first[owner]; i < matching->owner_first[owner + 1]; i++) {
        if (!matching->candidates[i].node->is_new) {
            return false;
        }
    }
    return true;
}

/* The `nth` owner of a random order, of which the first nth - 1 are settled. Those from *end on
 * were passed over, and come last. */
static uint32_t draw_owner(
    struct matching *matching, uint32_t nth, uint32_t *end, bool is_fair, struct env *env)
{
    while (nth < *end) {
        swap_owners(matching, nth, nth + (uint32_t)env_random_below(env, *end - nth));
        uint32_t owner = matching->owner_order[nth];
        if (is_fair || !is_newcomer(matching, owner) ||
            env_random_below(env, PLACE_NEW_ONE_IN) == 0) {
            return owner;
        }
        swap_owners(matching, nth, --*end);
    }
    return matching->owner_order[nth];
}

/* is_fair: newcomers are drawn like anybody. */
static void match(struct matching *matching, unsigned want, bool is_fair, struct env *env,
    struct place_choice *out)
{
    uint32_t joined[PLACE_NODES_MAX];
    uint32_t end = matching->owner_count;
    unsigned count = 0;
    for (uint32_t nth = 0; nth < matching->owner_count && count < want; nth++) {
        uint32_t owner = draw_owner(matching, nth, &end, is_fair, env);
        shuffle_candidates_of(matching, owner, env);
        matching->search++;
        if (join(matching, owner)) {
            joined[count++] = owner;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        out->nodes[i] = matching->candidates[matching->owner_choice[joined[i]]].node->number;
    }
    out->count = count;
}

static enum hearth_code choose_among(const struct place_fleet *fleet,
    const struct place_query *query, const struct place_choice *only, struct env *env,
    struct place_choice *out, struct hearth_err *err)
{
    assert(query->want >= 1 && query->want <= PLACE_NODES_MAX && query->least <= query->want);
    assert(fleet->count <= META_NODES_MAX);
    FREES const struct place_node **taken = calloc(fleet->count + 1, sizeof(struct place_node *));
    FREES struct candidate *candidates = calloc(fleet->count + 1, sizeof(*candidates));
    FREES uint32_t *numbers = calloc(5 * (fleet->count + 1), sizeof(*numbers));
    if (taken == NULL || candidates == NULL || numbers == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "choose among %zu nodes", fleet->count);
    }

    struct matching matching;
    uint32_t count = collect_candidates(fleet, query, only, taken, candidates);
    matching_init(&matching, candidates, count, numbers, query->allow_colocation);
    struct place_choice choice;
    match(&matching, query->want, only != NULL, env, &choice);
    if (choice.count < query->least) {
        return hearth_fail(err, HEARTH_FLEET_TOO_SMALL,
            "choose nodes: %u of distinct owners and networks can take a shard now, %u are needed"
            " (%u usable of %zu enrolled)",
            choice.count, query->least, count, fleet->count);
    }
    *out = choice;
    return HEARTH_OK;
}

enum hearth_code place_choose(const struct place_fleet *fleet, const struct place_query *query,
    struct env *env, struct place_choice *out, struct hearth_err *err)
{
    return choose_among(fleet, query, NULL, env, out, err);
}

/* ---- the working set ---- */

static bool is_used_up(const struct place_set *set, uint64_t now_ns)
{
    return set->drawn.count == 0 || set->bytes_placed >= PLACE_SET_BYTES ||
        now_ns - set->drawn_ns >= PLACE_SET_MS * UINT64_C(1000000);
}

static enum hearth_code draw_set(struct place_set *set, const struct place_fleet *fleet,
    const struct place_query *query, struct env *env, struct hearth_err *err)
{
    struct place_query wide = *query;
    wide.want = query->want + query->want / 4;
    enum hearth_code code = place_choose(fleet, &wide, env, &set->drawn, err);
    if (code == HEARTH_OK) {
        qsort(set->drawn.nodes, set->drawn.count, sizeof(uint32_t), compare_numbers);
        set->bytes_placed = 0;
        set->drawn_ns = env_now_ns(env);
    }
    return code;
}

enum hearth_code place_set_choose(struct place_set *set, const struct place_fleet *fleet,
    const struct place_query *query, uint64_t bytes, struct env *env, struct place_choice *out,
    struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    struct place_choice choice = {.count = 0};
    struct place_query all = *query;
    all.least = query->want;
    if (is_used_up(set, env_now_ns(env)) ||
        choose_among(fleet, &all, &set->drawn, env, &choice, err) != HEARTH_OK) {
        code = draw_set(set, fleet, query, env, err);
        if (code == HEARTH_OK) {
            code = choose_among(fleet, query, &set->drawn, env, &choice, err);
        }
    }
    if (code == HEARTH_OK) {
        set->bytes_placed += bytes;
        *out = choice;
    }
    return code;
}

enum hearth_code place_set_spare(const struct place_set *set, const struct place_fleet *fleet,
    const struct place_query *query, struct env *env, struct place_choice *out,
    struct hearth_err *err)
{
    assert(query->want == 1 && query->least == 1);
    if (choose_among(fleet, query, &set->drawn, env, out, err) == HEARTH_OK) {
        return HEARTH_OK;
    }
    return place_choose(fleet, query, env, out, err);
}
