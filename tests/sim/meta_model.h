/*
 * meta_model.h - what the metadata should be, kept in memory in the plainest way: keys, uploads,
 * segments, and every placement ever offered with the reasons why it must still be alive.
 *
 * The test tells it what happened and asks it what must be true.  It knows no SQL and no garbage
 * collection: only who could still need a shard.
 */
#ifndef HEARTH_TESTS_SIM_META_MODEL_H
#define HEARTH_TESTS_SIM_META_MODEL_H

#include "coordinator/meta/meta_object.h"

enum {
    MODEL_KEYS = 5,
    MODEL_SLOTS = 8,
    MODEL_INTENTS_MAX = 4096,
    MODEL_SEGMENTS_MAX = 4096,
    MODEL_PLACEMENTS_MAX = 65536,
    MODEL_EXTENTS_MAX = 4, /* of one object */
};

struct model_version {
    bool exists;
    struct meta_version version;
    uint64_t size;
    unsigned segments[MODEL_EXTENTS_MAX];
    unsigned segment_count;
};

struct model_intent {
    struct meta_id id;
    unsigned key;
    uint64_t expires_ms;
    bool ended; /* committed or aborted */
};

struct model_segment {
    struct meta_id id;
    unsigned intent;
    bool sealed;
    uint16_t last_p;
    uint64_t generation;
    uint64_t needed_until_ms;      /* by readers of a version that was unlinked */
    unsigned holders[MODEL_SLOTS]; /* placement + 1; 0: nobody */
};

struct model_placement {
    unsigned segment;
    uint16_t slot;
    uint16_t p;
    uint32_t node;
    struct meta_id shard;
    uint64_t order_until_ms; /* somebody may be writing it */
    uint64_t read_until_ms;  /* somebody may be reading it */
    bool is_dead;            /* its node has been told to trash it */
};

struct model {
    struct model_version keys[MODEL_KEYS];
    struct model_intent intents[MODEL_INTENTS_MAX];
    unsigned intent_count;
    struct model_segment segments[MODEL_SEGMENTS_MAX];
    unsigned segment_count;
    struct model_placement placements[MODEL_PLACEMENTS_MAX];
    unsigned placement_count;
};

bool model_intent_is_open(const struct model *model, unsigned intent, uint64_t now_ms);

unsigned model_add_intent(struct model *model, unsigned key, const struct meta_intent *intent);

unsigned model_add_segment(struct model *model, unsigned intent, struct meta_id id);

/* A placement that has just been offered: its name must be new. */
void model_add_placement(struct model *model, unsigned segment, const struct meta_offer *offer,
    struct meta_id shard, uint64_t order_until_ms);

/* The segment as the store has it now: holders may only be placements that were offered. */
void model_set_holders(
    struct model *model, unsigned segment, const struct meta_segment *now, uint64_t now_ms);

/* `version` becomes what the key shows (exists false: nothing). */
void model_set_key(
    struct model *model, unsigned key, const struct model_version *version, uint64_t now_ms);

/* Orders to read the holders of this segment leave now. */
void model_read_segment(struct model *model, unsigned segment, uint64_t now_ms);

/* Why nobody may trash it; NULL: it may go. */
const char *model_needs(
    const struct model *model, const struct model_placement *placement, uint64_t now_ms);

/* NULL: no such name was ever offered. */
struct model_placement *model_find_shard(struct model *model, struct meta_id shard);

#endif /* HEARTH_TESTS_SIM_META_MODEL_H */
