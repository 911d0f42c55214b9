#include "coordinator/repair/repair_write.h"

#include <assert.h>

static void end_target(struct repair_target *target)
{
    shard_call_drop(target->owned_by_write.call);
    crypto_hash_destroy(target->owned_by_write.digest);
    target->owned_by_write.call = NULL;
    target->owned_by_write.digest = NULL;
}

static bool is_going(const struct repair_target *target)
{
    return target->owned_by_write.call != NULL;
}

void repair_write_start(struct repair_write *write)
{
    for (unsigned i = 0; i < write->target_count; i++) {
        struct repair_target *target = &write->targets[i];
        target->owned_by_write.digest = crypto_hash_create(CRYPTO_SHA256);
        target->owned_by_write.call =
            shard_put_open(write->net, &target->door, write->shard_size, write->inbox, target);
    }
}

void repair_write_stop(struct repair_write *write)
{
    for (unsigned i = 0; i < write->target_count; i++) {
        end_target(&write->targets[i]);
    }
}

void repair_write_event(struct repair_write *write, const struct shard_event *event TAKES)
{
    (void)write;
    struct repair_target *target = event->context;
    if (event->kind == SHARD_SENT) {
        assert(event->count <= target->owned_by_write.queued);
        target->owned_by_write.queued -= event->count;
        return;
    }
    if (event->kind == SHARD_DONE && target->owned_by_write.is_finished &&
        event->bytes.view.size == sizeof(target->receipt)) {
        memcpy(target->receipt, event->bytes.view.bytes, sizeof(target->receipt));
        target->is_stored = true;
    }
    buf_unref(event->bytes.owner);
    end_target(target);
}

bool repair_write_has_room(const struct repair_write *write)
{
    for (unsigned i = 0; i < write->target_count; i++) {
        if (is_going(&write->targets[i]) &&
            write->targets[i].owned_by_write.queued == REPAIR_QUEUED_CELLS_MAX) {
            return false;
        }
    }
    return true;
}

void repair_write_cell(struct repair_write *write, unsigned index, struct slice cell TAKES)
{
    struct repair_target *target = &write->targets[index];
    if (!is_going(target)) {
        buf_unref(cell.owner);
        return;
    }
    assert(target->owned_by_write.queued < REPAIR_QUEUED_CELLS_MAX);
    target->owned_by_write.queued++;
    struct view tag = view_of(cell.view.bytes + cell.view.size - CRYPTO_TAG_SIZE, CRYPTO_TAG_SIZE);
    crypto_hash_update(target->owned_by_write.digest, tag);
    shard_put_cells(target->owned_by_write.call, &cell, 1);
}

void repair_write_finish(struct repair_write *write, uint32_t cells)
{
    for (unsigned i = 0; i < write->target_count; i++) {
        struct repair_target *target = &write->targets[i];
        if (is_going(target)) {
            struct shard_footer footer = {.cells = cells, .size = write->shard_size};
            crypto_hash_final(target->owned_by_write.digest, footer.tag_digest);
            shard_put_footer(target->owned_by_write.call, &footer);
            target->owned_by_write.is_finished = true;
        }
    }
}

void repair_write_stalled(struct repair_write *write)
{
    bool has_room = repair_write_has_room(write);
    for (unsigned i = 0; i < write->target_count; i++) {
        struct repair_target *target = &write->targets[i];
        if (has_room || target->owned_by_write.queued == REPAIR_QUEUED_CELLS_MAX) {
            end_target(target);
        }
    }
}

unsigned repair_write_nodes(const struct repair_write *write, uint32_t nodes[EC_SLOTS_MAX])
{
    unsigned count = 0;
    for (unsigned i = 0; i < write->target_count; i++) {
        if (is_going(&write->targets[i])) {
            nodes[count++] = write->targets[i].node;
        }
    }
    return count;
}

unsigned repair_write_going(const struct repair_write *write)
{
    uint32_t nodes[EC_SLOTS_MAX];
    return repair_write_nodes(write, nodes);
}
