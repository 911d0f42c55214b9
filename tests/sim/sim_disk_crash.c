/*
 * A crash: a new disk from the durable state of another and some of its effects.
 *
 * Nothing of the old disk is changed, so that one run of a workload can be cut at every moment in
 * every way.
 */
#include "tests/sim/sim_disk_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The counterpart in the new disk of an inode of the old one. */
static struct sim_inode *twin(const struct sim_disk *crashed, const struct sim_inode *inode)
{
    return crashed->inodes[inode->number];
}

static void copy_durable(const struct sim_disk *from, struct sim_disk *to)
{
    for (unsigned i = 0; i < from->inode_count; i++) {
        const struct sim_image *image = &from->inodes[i]->durable;
        struct sim_inode *inode = sim_inode_create(to);
        sim_image_write(&inode->durable, 0, image->bytes, image->size);
    }
    to->durable = from->durable;
    for (unsigned i = 0; i < to->durable.count; i++) {
        to->durable.entries[i].inode = twin(to, to->durable.entries[i].inode);
    }
}

static void keep_effect(struct sim_disk *crashed, const struct sim_effect *effect)
{
    struct sim_effect moved = *effect;
    moved.inode = effect->inode != NULL ? twin(crashed, effect->inode) : NULL;
    sim_effect_make_durable(&moved, &crashed->durable);
}

/* The part of a write in sectors [from, to) of the file's grid, as far as it has one. */
static void keep_sectors(
    struct sim_disk *crashed, const struct sim_effect *write, uint64_t from, uint64_t to)
{
    uint64_t start = from * SIM_SECTOR_SIZE;
    uint64_t end = to * SIM_SECTOR_SIZE;
    uint64_t write_end = write->offset + write->size;
    start = start > write->offset ? start : write->offset;
    end = end < write_end ? end : write_end;
    if (start < end) {
        sim_image_write(&twin(crashed, write->inode)->durable, start,
            write->bytes + (start - write->offset), end - start);
    }
}

static void keep_some_sectors(
    struct sim_disk *crashed, const struct sim_effect *write, uint64_t *random)
{
    uint64_t first = write->offset / SIM_SECTOR_SIZE;
    uint64_t end = (write->offset + write->size + SIM_SECTOR_SIZE - 1) / SIM_SECTOR_SIZE;
    for (uint64_t sector = first; sector < end; sector++) {
        if (sim_random_below(random, 2) == 0) {
            keep_sectors(crashed, write, sector, sector + 1);
        }
    }
}

static void keep_torn(struct sim_disk *crashed, const struct sim_effect *write, uint64_t *random)
{
    uint64_t first = write->offset / SIM_SECTOR_SIZE;
    uint64_t count = write->size / SIM_SECTOR_SIZE + 1;
    keep_sectors(crashed, write, first, first + sim_random_below(random, count));
}

static const struct sim_effect *last_write(const struct sim_disk *sim)
{
    const struct sim_effect *last = NULL;
    for (const struct sim_effect *at = sim->oldest_effect; at != NULL; at = at->next) {
        last = at->kind == EFFECT_WRITE ? at : last;
    }
    return last;
}

static uint64_t count_effects(const struct sim_disk *sim)
{
    uint64_t count = 0;
    for (const struct sim_effect *at = sim->oldest_effect; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

/* Into the new disk as an effect again, answered long ago. */
static void keep_as_effect(struct sim_disk *crashed, const struct sim_effect *effect)
{
    struct sim_effect *copy = sim_effect_add(crashed, effect->kind);
    struct sim_effect *next = copy->next;
    *copy = *effect;
    copy->next = next;
    copy->answered_at = 0;
    copy->inode = effect->inode != NULL ? twin(crashed, effect->inode) : NULL;
    if (effect->bytes != NULL) {
        copy->bytes = malloc(effect->size + 1);
        assert(copy->bytes != NULL);
        memcpy(copy->bytes, effect->bytes, effect->size);
    }
    if (effect->kind == EFFECT_WRITE) {
        sim_image_write(&copy->inode->current, copy->offset, copy->bytes, copy->size);
    } else if (effect->kind == EFFECT_SIZE) {
        sim_image_grow(&copy->inode->current, copy->offset);
    } else {
        sim_effect_name(copy, &crashed->current);
    }
}

static void keep_by_policy(
    const struct sim_disk *sim, struct sim_disk *crashed, enum sim_policy policy, uint64_t *random)
{
    const struct sim_effect *torn = policy == SIM_TORN_LAST ? last_write(sim) : NULL;
    uint64_t left = UINT64_MAX;
    if (policy == SIM_DROP_ALL) {
        left = 0;
    } else if (policy == SIM_PREFIX) {
        left = sim_random_below(random, count_effects(sim) + 1);
    }
    bool subset = policy == SIM_SECTORS || policy == SIM_REORDERED;
    for (const struct sim_effect *at = sim->oldest_effect; at != NULL && left > 0; at = at->next) {
        left--;
        if (at == torn) {
            keep_torn(crashed, at, random);
        } else if (policy == SIM_SECTORS && at->kind == EFFECT_WRITE) {
            keep_some_sectors(crashed, at, random);
        } else if (!subset || sim_random_below(random, 2) == 0) {
            keep_effect(crashed, at);
        }
    }
}

struct sim_disk *sim_disk_crash(
    const struct sim_disk *sim, struct loop *loop, enum sim_policy policy, uint64_t seed)
{
    struct sim_disk *crashed = sim_disk_create(loop, sim->random_state);
    uint64_t random = seed;
    crashed->capacity = sim->capacity;
    crashed->moment = 1;
    copy_durable(sim, crashed);
    if (policy != SIM_KILLED) {
        keep_by_policy(sim, crashed, policy, &random);
    }
    crashed->current = crashed->durable;
    for (unsigned i = 0; i < crashed->inode_count; i++) {
        struct sim_inode *inode = crashed->inodes[i];
        sim_image_write(&inode->current, 0, inode->durable.bytes, inode->durable.size);
    }
    for (const struct sim_effect *at = sim->oldest_effect; at != NULL && policy == SIM_KILLED;
         at = at->next) {
        keep_as_effect(crashed, at);
    }
    return crashed;
}
