#include "coordinator/repair/repair_read.h"

#include <assert.h>

static void drop_cells(struct repair_reader *reader, unsigned count)
{
    assert(count <= reader->count);
    for (unsigned i = 0; i < count; i++) {
        buf_unref(reader->cells[i].owner);
    }
    reader->count -= count;
    memmove(reader->cells, reader->cells + count, reader->count * sizeof(reader->cells[0]));
}

static void end_reader(struct repair_reader *reader)
{
    shard_call_drop(reader->call);
    drop_cells(reader, reader->count);
    *reader = (struct repair_reader){0};
}

/* The next source that nobody has tried takes this reader's place, from the current stripe on. */
static enum hearth_code start_reader(
    struct repair_read *read, struct repair_reader *reader, struct hearth_err *err)
{
    assert(reader->source == NULL);
    if (read->next_source == read->source_count) {
        return hearth_fail(err, HEARTH_SHARDS_LOST,
            "%u shards could be asked, fewer than %u of them gave true cells", read->source_count,
            read->k);
    }
    reader->source = &read->sources[read->next_source++];
    reader->next_stripe = read->stripe;
    reader->call = shard_get_open(read->net, &reader->source->door, read->stripe,
        read->stripes->stripe_count - read->stripe, read->inbox, reader);
    shard_get_read(reader->call, REPAIR_AHEAD_CELLS);
    return HEARTH_OK;
}

static enum hearth_code replace_reader(
    struct repair_read *read, struct repair_reader *reader, const char *why, struct hearth_err *err)
{
    read->accuse(read->accuse_context, reader->source, why);
    end_reader(reader);
    return start_reader(read, reader, err);
}

enum hearth_code repair_read_start(struct repair_read *read, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < read->k && code == HEARTH_OK; i++) {
        code = start_reader(read, &read->readers[i], err);
    }
    return code;
}

void repair_read_stop(struct repair_read *read)
{
    for (unsigned i = 0; i < read->k; i++) {
        end_reader(&read->readers[i]);
    }
}

static bool is_true_cell(
    const struct repair_read *read, const struct repair_reader *reader, struct view bytes)
{
    size_t size = ec_stripes_cell_size(read->stripes, reader->next_stripe);
    return bytes.size == size + EC_CELL_TAG_SIZE &&
        shard_tag_fits(read->tagger, reader->source->slot, reader->next_stripe,
            view_of(bytes.bytes, size), bytes.bytes + size);
}

enum hearth_code repair_read_event(
    struct repair_read *read, const struct shard_event *event TAKES, struct hearth_err *err)
{
    struct repair_reader *reader = event->context;
    if (event->kind == SHARD_FAILED) {
        return replace_reader(read, reader, event->err.message, err);
    }
    if (event->kind == SHARD_DONE) {
        bool is_whole = reader->next_stripe == read->stripes->stripe_count;
        return is_whole ? HEARTH_OK : replace_reader(read, reader, "ended early", err);
    }
    assert(event->kind == SHARD_CELL);
    if (reader->next_stripe == read->stripes->stripe_count || reader->count == REPAIR_AHEAD_CELLS ||
        !is_true_cell(read, reader, event->bytes.view)) {
        buf_unref(event->bytes.owner);
        return replace_reader(read, reader, "a cell does not fit its tag", err);
    }
    reader->cells[reader->count++] = event->bytes;
    reader->next_stripe++;
    return HEARTH_OK;
}

enum hearth_code repair_read_stalled(struct repair_read *read, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < read->k && code == HEARTH_OK; i++) {
        if (read->readers[i].count == 0) {
            code = replace_reader(read, &read->readers[i], "too slow", err);
        }
    }
    return code;
}

bool repair_read_is_ready(const struct repair_read *read)
{
    for (unsigned i = 0; i < read->k; i++) {
        if (read->readers[i].count == 0) {
            return false;
        }
    }
    return true;
}

struct ec_slots repair_read_cells(const struct repair_read *read, uint8_t *cells[EC_SLOTS_MAX])
{
    struct ec_slots have = {{0}};
    for (unsigned i = 0; i < read->k; i++) {
        const struct repair_reader *reader = &read->readers[i];
        unsigned slot = reader->source->slot;
        assert(reader->count > 0 && !ec_slots_has(have, slot));
        ec_slots_add(&have, slot);
        /* The codec takes one array for what it reads and what it writes; these are only read. */
        cells[slot] = (uint8_t *)(uintptr_t)reader->cells[0].view.bytes;
    }
    return have;
}

unsigned repair_read_nodes(const struct repair_read *read, uint32_t nodes[EC_SLOTS_MAX])
{
    for (unsigned i = 0; i < read->k; i++) {
        nodes[i] = read->readers[i].source->node;
    }
    return read->k;
}

void repair_read_advance(struct repair_read *read)
{
    for (unsigned i = 0; i < read->k; i++) {
        struct repair_reader *reader = &read->readers[i];
        drop_cells(reader, 1);
        if (reader->next_stripe < read->stripes->stripe_count) {
            shard_get_read(reader->call, 1);
        }
    }
    read->stripe++;
}
