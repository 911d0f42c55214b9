#include "storaged/volume_state.h"

#include <stdlib.h>

/* One page: the index gives the places, each footer's header the whole id. */
struct volume_list_op {
    struct volume *volume;
    struct volume_list *list;
    struct shard_index_item items[VOLUME_LIST_MAX];
    struct volume_log *logs[VOLUME_LIST_MAX]; /* held; NULL: it is not there */
    unsigned item_count;
    unsigned next_item;
    struct disk_io io;
    struct iovec part;
    uint8_t header[RECORD_HEADER_SIZE];
    struct task answer;
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

static void take_header(struct volume_list_op *op, uint64_t size)
{
    const struct shard_location *at = &op->items[op->next_item].location;
    struct record_header header;
    if (record_header_decode(view_of(op->header, size),
            log_seed(op->volume->superblock.salt, at->log), at->offset, &header) &&
        header.type == RECORD_SHARD) {
        op->list->entries[op->list->count].id = header.id;
        op->list->entries[op->list->count].trashed = at->state == SHARD_TRASHED;
        op->list->count++;
    } else {
        volume_report(op->volume,
            &(struct volume_event){.kind = VOLUME_SHARD_DAMAGED,
                .log = at->log,
                .offset = at->offset,
                .reason = "the record of a shard does not verify"});
    }
}

static void header_read(struct disk_io *io)
{
    struct volume_list_op *op = io->context;
    take_header(op, io->error == 0 ? io->size : 0);
    op->next_item++;
    read_next(op);
}

static void read_next(struct volume_list_op *op)
{
    while (
        op->next_item < op->item_count && op->items[op->next_item].location.state == SHARD_BARRED) {
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
        take_header(op, 0);
        op->next_item++;
        read_next(op);
        return;
    }
    op->part = (struct iovec){op->header, RECORD_HEADER_SIZE};
    op->io = (struct disk_io){.request = DISK_READ,
        .file = log->file,
        .offset = at->offset,
        .iov = &op->part,
        .iov_count = 1,
        .done = header_read,
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
