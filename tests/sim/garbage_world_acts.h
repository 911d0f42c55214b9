/*
 * garbage_world_acts.h - what the files of garbage_world share: chance, time, nodes; and what
 * customers and repair do.
 */
#ifndef HEARTH_TESTS_SIM_GARBAGE_WORLD_ACTS_H
#define HEARTH_TESTS_SIM_GARBAGE_WORLD_ACTS_H

#include "tests/lib/test.h"
#include "tests/sim/garbage_world.h"

static inline uint64_t below(struct garbage_world *world, uint64_t bound)
{
    return env_random_below(&world->meta.env.env, bound);
}

static inline bool one_in(struct garbage_world *world, uint64_t n)
{
    return below(world, n) == 0;
}

static inline uint64_t now_ms(struct garbage_world *world)
{
    return meta_now_ms(world->meta.store);
}

static inline struct garbage_node *node_of(struct garbage_world *world, uint32_t number)
{
    assert_true(number >= 1 && number <= GARBAGE_NODES);
    return &world->nodes[number - 1];
}

static inline bool read_segment(
    struct garbage_world *world, const struct garbage_object *object, struct meta_segment *out)
{
    return meta_segment_get(world->meta.store, object->segment, out, &world->meta.err) == HEARTH_OK;
}

static inline bool is_holder(const struct meta_holder *holder, uint32_t number, uint16_t p)
{
    return holder->node == number && holder->p == p;
}

struct garbage_shard *garbage_find_shard(struct garbage_node *node, const struct meta_id *id);

/* A put: the same name again is the same shard. */
void garbage_store_shard(
    struct garbage_world *world, uint32_t number, unsigned object, uint16_t slot, uint16_t p);

/* As the metadata has them now. */
void garbage_learn_holders(struct garbage_world *world, struct garbage_object *object);

typedef void garbage_act_fn(struct garbage_world *world);

/* Each does nothing when there is nothing it could be about. */
garbage_act_fn garbage_begin_upload;
garbage_act_fn garbage_seal_upload;
garbage_act_fn garbage_commit_upload;
garbage_act_fn garbage_abort_upload;
garbage_act_fn garbage_delete_object;
garbage_act_fn garbage_repair_slot;

#endif /* HEARTH_TESTS_SIM_GARBAGE_WORLD_ACTS_H */
