#include "coordinator/audit/audit_sample.h"

#include "erasure/ec_stripe.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The reservoir of one node. */
struct reservoir {
    uint32_t node;
    unsigned max;
    unsigned count;
    double skip; /* weight to pass over before the next pick, once it is full */
    struct audit_pick *picks;
};

struct audit_sample {
    struct env *env;
    struct reservoir *reservoirs;
    size_t reservoir_count;
    uint32_t *index; /* by node number: reservoir + 1; 0: none */
    size_t index_size;
    struct audit_pick *picks; /* of all reservoirs, one after the other */
};

struct audit_sample *audit_sample_create(struct env *env)
{
    struct audit_sample *sample = calloc(1, sizeof(*sample));
    if (sample != NULL) {
        sample->env = env;
    }
    return sample;
}

static void forget(struct audit_sample *sample)
{
    free(sample->reservoirs);
    free(sample->index);
    free(sample->picks);
    *sample = (struct audit_sample){.env = sample->env};
}

void audit_sample_destroy(struct audit_sample *sample)
{
    if (sample != NULL) {
        forget(sample);
        free(sample);
    }
}

/* ---- quotas ---- */

static unsigned quota_of(const struct audit_quota *quota)
{
    return quota->picks < AUDIT_SAMPLE_NODE_MAX ? quota->picks : AUDIT_SAMPLE_NODE_MAX;
}

static bool make_room(struct audit_sample *sample, const struct audit_quota *quotas, size_t count)
{
    uint32_t highest = 0;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        assert(quotas[i].node > 0 && quotas[i].node < AUDIT_NODE_NUMBER_MAX);
        highest = quotas[i].node > highest ? quotas[i].node : highest;
        wanted += quota_of(&quotas[i]);
    }
    wanted = wanted < AUDIT_SAMPLE_MAX ? wanted : AUDIT_SAMPLE_MAX;
    sample->index_size = (size_t)highest + 1;
    sample->index = calloc(sample->index_size, sizeof(*sample->index));
    sample->reservoirs = calloc(count + 1, sizeof(*sample->reservoirs));
    sample->picks = calloc(wanted + 1, sizeof(*sample->picks));
    return sample->index != NULL && sample->reservoirs != NULL && sample->picks != NULL;
}

bool audit_sample_begin(struct audit_sample *sample, const struct audit_quota *quotas, size_t count)
{
    forget(sample);
    if (!make_room(sample, quotas, count)) {
        forget(sample);
        return false;
    }
    size_t used = 0;
    for (size_t i = 0; i < count && used < AUDIT_SAMPLE_MAX; i++) {
        size_t left = AUDIT_SAMPLE_MAX - used;
        unsigned max = quota_of(&quotas[i]);
        max = max < left ? max : (unsigned)left;
        if (max > 0) {
            sample->reservoirs[sample->reservoir_count++] = (struct reservoir){
                .node = quotas[i].node, .max = max, .picks = sample->picks + used};
            sample->index[quotas[i].node] = (uint32_t)sample->reservoir_count;
            used += max;
        }
    }
    return true;
}

static struct reservoir *find(const struct audit_sample *sample, uint32_t node)
{
    uint32_t at = node < sample->index_size ? sample->index[node] : 0;
    return at == 0 ? NULL : &sample->reservoirs[at - 1];
}

/* ---- drawing ---- */

/* Uniform over (0, 1): never 0, whose logarithm there is none of, never 1. */
static double chance(struct env *env)
{
    uint64_t bits;
    env_random(env, &bits, sizeof(bits));
    return ((double)(bits >> 12) + 0.5) / (double)(UINT64_C(1) << 52);
}

static struct audit_pick *least(const struct reservoir *reservoir)
{
    struct audit_pick *found = &reservoir->picks[0];
    for (unsigned i = 1; i < reservoir->count; i++) {
        if (reservoir->picks[i].key < found->key) {
            found = &reservoir->picks[i];
        }
    }
    return found;
}

/* By bytes: the last cell is shorter, and drawn more rarely. */
static uint32_t draw_stripe(struct env *env, const struct ec_stripes *stripes)
{
    size_t full = EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE;
    uint64_t offset = env_random_below(env, ec_stripes_tagged_shard_size(stripes));
    uint32_t stripe = (uint32_t)(offset / full);
    return stripe < stripes->stripe_count ? stripe : stripes->stripe_count - 1;
}

/* Keys are logarithms of those in the paper: u^(1/w) becomes ln(u) / w. */
static void put(struct audit_sample *sample, struct reservoir *reservoir, struct audit_pick *place,
    const struct audit_pick *pick)
{
    *place = *pick;
    if (reservoir->count == reservoir->max) {
        reservoir->skip = log(chance(sample->env)) / least(reservoir)->key;
    }
}

/* A shard of this node passes by. */
static void consider(struct audit_sample *sample, struct reservoir *reservoir,
    const struct ec_stripes *stripes, double weight, struct audit_pick pick)
{
    if (reservoir->count < reservoir->max) {
        pick.stripe = draw_stripe(sample->env, stripes);
        pick.key = log(chance(sample->env)) / weight;
        reservoir->count++;
        put(sample, reservoir, &reservoir->picks[reservoir->count - 1], &pick);
        return;
    }
    reservoir->skip -= weight;
    if (reservoir->skip <= 0) {
        struct audit_pick *place = least(reservoir);
        double bound = exp(place->key * weight); /* the new key is greater than the one that goes */
        pick.stripe = draw_stripe(sample->env, stripes);
        pick.key = log(bound + (1 - bound) * chance(sample->env)) / weight;
        put(sample, reservoir, place, &pick);
    }
}

static void sample_segment(struct audit_sample *sample, const struct meta_segment *segment)
{
    struct hearth_err err;
    struct ec_stripes stripes;
    if (segment->dying_ms != 0 || meta_segment_is_doomed(segment) || segment->length == 0 ||
        ec_stripes_init(&stripes, segment->k, segment->length, &err) != HEARTH_OK) {
        return;
    }
    double weight = (double)ec_stripes_tagged_shard_size(&stripes) / EC_CELL_SIZE_MAX;
    for (uint16_t slot = 0; slot < segment->n; slot++) {
        const struct meta_holder holder = segment->holders[slot];
        struct reservoir *reservoir = find(sample, holder.node);
        if (reservoir != NULL && !ec_slots_has(segment->damaged, slot)) {
            consider(sample, reservoir, &stripes, weight,
                (struct audit_pick){
                    .segment = segment->id, .node = holder.node, .slot = slot, .p = holder.p});
        }
    }
}

void audit_sample_page(
    struct audit_sample *sample, const struct meta_segment *segments, size_t count)
{
    for (size_t i = 0; i < count && sample->reservoir_count > 0; i++) {
        sample_segment(sample, &segments[i]);
    }
}

const struct audit_pick *audit_sample_of(
    const struct audit_sample *sample, uint32_t node, size_t *count)
{
    const struct reservoir *reservoir = find(sample, node);
    *count = reservoir == NULL ? 0 : reservoir->count;
    return reservoir == NULL ? NULL : reservoir->picks;
}
