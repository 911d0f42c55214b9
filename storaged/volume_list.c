#include "storaged/volume_state.h"

#include <stdlib.h>

/* One page: the index gives the places, each footer the rest. One read for the largest footer. */
enum { FOOTER_READ_SIZE = RECORD_HEADER_SIZE + FOOTER_BODY_MAX };

struct volume_list_op {
    struct volume *volume;
    struct volume_list *list;
    struct shard_index_item items[VOLUME_LIST_MAX];
    struct volume_log *logs[VOLUME_LIST_MAX]; /* held; NULL: it is not there */
    unsigned item_count;
    unsigned next_item;
    struct disk_io io;
    struct iovec part;
    struct task answer;
    uint8_t record[FOOTER_READ_SIZE];
};

static void run_answer(struct task *task)
{
    struct volume_list_op *op =
        (struct volume_list_op *)((char *)task - offsetof(struct volume_list_op, answer));
    struct volume *volume = op->volume;
    struct volume_wait *wait = &op->list->wait;
    for (unsigned i = 0; i < op->item_count; i++) {
        if (op->logs[i] != NULL) {
            volume_log_let_go(op->logs[i]);
        }
    }
    free(op);
    volume->list_count--;
    volume_close_if_idle(volume);
    wait->err = (struct hearth_err){.code = HEARTH_OK};
    wait->done(wait);
}

static void read_next(struct volume_list_op *op);

/* Sorts it in: the index gave them in the order of the first 52 bits. */
static void add_entry(struct volume_list *list, const struct volume_entry *entry)
{
    unsigned at = list->count++;
    while (at > 0 && memcmp(list->entries[at - 1].id.bytes, entry->id.bytes, SHARD_ID_SIZE) > 0) {
        list->entries[at] = list->entries[at - 1];
        at--;
    }
    list->entries[at] = *entry;
}

/* False: the record is not that of a shard any more. */
static bool read_footer(const struct volume_list_op *op, const struct shard_location *at,
    uint64_t size, struct volume_entry *out)
{
    uint64_t seed = log_seed(op->volume->superblock.salt, at->log);
    struct record_header header;
    struct shard_footer footer;
    if (!record_header_decode(view_of(op->record, size), seed, at->offset, &header) ||
        header.type != RECORD_SHARD || RECORD_HEADER_SIZE + (uint64_t)header.body_size > size ||
        !record_verify(view_of(op->record, RECORD_HEADER_SIZE + header.body_size), seed) ||
        !footer_decode(view_of(op->record + RECORD_HEADER_SIZE, header.body_size), &footer)) {
        return false;
    }
    bool trashed = at->state == SHARD_TRASHED;
    *out = (struct volume_entry){
        .id = header.id,
        .locator = footer.locator,
        .length = footer.length,
        .stored_unix_ms = footer.stored_unix_ms,
        .trashed = trashed,
        .trashed_unix_ms = trashed ? trash_day_time(at->day, volume_now_unix_ms(op->volume)) : 0,
    };
    return true;
}

static void take_record(struct volume_list_op *op, uint64_t size)
{
    const struct shard_location *at = &op->items[op->next_item].location;
    struct volume_entry entry;
    if (read_footer(op, at, size, &entry)) {
        add_entry(op->list, &entry);
        return;
    }
    op->list->damaged++;
    volume_report(op->volume,
        &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
            .log = at->log,
            .offset = at->offset,
            .reason = "the record of a shard does not verify"});
}

static void record_read(struct disk_io *io)
{
    struct volume_list_op *op = io->context;
    take_record(op, io->error == 0 ? io->size : 0);
    op->next_item++;
    read_next(op);
}

static bool is_listed(const struct shard_location *at)
{
    return at->state == SHARD_LIVE || (at->state == SHARD_TRASHED && at->day != TRASH_DAY_PURGED);
}

static void read_next(struct volume_list_op *op)
{
    while (op->next_item < op->item_count && !is_listed(&op->items[op->next_item].location)) {
        op->next_item++;
    }
    if (op->next_item == op->item_count) {
        op->answer.run = run_answer;
        loop_post(op->volume->loop, &op->answer);
        return;
    }
    const struct shard_location *at = &op->items[op->next_item].location;
    const struct volume_log *log = op->logs[op->next_item];
    if (log == NULL || log->file == NULL) {
        take_record(op, 0);
        op->next_item++;
        read_next(op);
        return;
    }
    op->part = (struct iovec){op->record, FOOTER_READ_SIZE};
    op->io = (struct disk_io){.request = DISK_READ,
        .file = log->file,
        .offset = at->offset,
        .iov = &op->part,
        .iov_count = 1,
        .done = record_read,
        .context = op};
    disk_submit(op->volume->disk, &op->io);
}

void volume_list_next(struct volume *volume, struct volume_list *list)
{
    assert(loop_is_current(volume->loop));
    struct volume_list_op *op = volume->is_closing ? NULL : calloc(1, sizeof(*op));
    if (op == NULL) {
        hearth_fail(&list->wait.err, volume->is_closing ? HEARTH_CANCELLED : HEARTH_NO_MEMORY,
            "list shards");
        volume_answer(volume, &list->wait);
        return;
    }
    op->volume = volume;
    op->list = list;
    volume->list_count++;
    list->count = 0;
    list->damaged = 0;
    op->item_count = shard_index_walk(volume->index, &list->cursor, op->items, VOLUME_LIST_MAX);
    list->at_end = list->cursor == UINT64_MAX;
    for (unsigned i = 0; i < op->item_count; i++) {
        op->logs[i] = volume_log_find(volume, op->items[i].location.log);
        if (op->logs[i] != NULL) {
            volume_log_hold(op->logs[i]);
        }
    }
    read_next(op);
}

uint64_t volume_list_cursor(const struct shard_id *id)
{
    return shard_index_cursor(id);
}

void volume_digest(const struct volume *volume, unsigned bits, uint32_t first, uint32_t count,
    struct shard_digest *out)
{
    shard_index_digest(volume->index, bits, first, count, out);
}
