#include "storaged/log_walk.h"

/* The largest record that is handed on. */
enum { SMALL_RECORD_MAX = RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE };

void log_walk_begin(struct log_walk *walk)
{
    walk->error = 0;
    walk->misses_synced = false;
    walk->offset = LOG_FIRST_RECORD;
    walk->window_offset = 0;
    walk->window_size = 0;
    walk->last_sequence = sequence_of(walk->number, 0);
    walk->first_missing = UINT64_MAX;
    walk->durable = 0;
}

static void finish(struct log_walk *walk)
{
    walk->misses_synced = walk->misses_synced || walk->first_missing <= walk->durable;
    walk->found(walk, NULL, view_of(NULL, 0));
}

/* `size` bytes from the walk's offset. Empty: they are not in the window. */
static struct view peek(const struct log_walk *walk, size_t size)
{
    uint64_t window_end = walk->window_offset + walk->window_size;
    if (walk->offset < walk->window_offset || walk->offset + size > window_end) {
        return view_of(NULL, 0);
    }
    return view_of(walk->buffer + (walk->offset - walk->window_offset), size);
}

static bool decode(const struct log_walk *walk, struct view bytes, struct record_header *out)
{
    return record_header_decode(bytes, walk->seed, walk->offset, out) &&
        out->sequence >> 32 == walk->number && out->sequence > walk->last_sequence;
}

static void count_record(struct log_walk *walk, const struct record_header *header)
{
    if (header->sequence > walk->last_sequence + 1 && walk->first_missing == UINT64_MAX) {
        walk->first_missing = walk->last_sequence + 1;
    }
    walk->last_sequence = header->sequence;
    walk->durable = header->durable > walk->durable ? header->durable : walk->durable;
    walk->offset += record_size(header->body_size);
}

static bool is_small(const struct record_header *header)
{
    return header->type == RECORD_TOMBSTONE || header->type == RECORD_RETIRED;
}

static void window_read(struct disk_io *io)
{
    struct log_walk *walk = io->context;
    walk->window_size = io->error == 0 ? io->size : 0;
    if (walk->window_size == 0) {
        walk->error = io->error;
        walk->misses_synced = true;
        finish(walk);
        return;
    }
    log_walk_next(walk);
}

static void read_window(struct log_walk *walk)
{
    walk->window_offset = walk->offset & ~(uint64_t)(FORMAT_PAGE_SIZE - 1);
    walk->part = (struct iovec){walk->buffer, LOG_WALK_WINDOW};
    walk->io = (struct disk_io){.request = DISK_READ,
        .file = walk->file,
        .offset = walk->window_offset,
        .iov = &walk->part,
        .iov_count = 1,
        .done = window_read,
        .context = walk};
    disk_submit(walk->disk, &walk->io);
}

/* A record whose body does not verify counts as missing. */
static bool body_verifies(const struct log_walk *walk, const struct record_header *header)
{
    return record_verify(peek(walk, RECORD_HEADER_SIZE + (size_t)header->body_size), walk->seed);
}

void log_walk_next(struct log_walk *walk)
{
    while (walk->offset + RECORD_HEADER_SIZE <= walk->end) {
        struct view bytes = peek(walk, SMALL_RECORD_MAX);
        struct record_header header;
        bool is_last_window = walk->window_size > 0 && walk->window_size < LOG_WALK_WINDOW;
        if (bytes.size == 0 && is_last_window) {
            bytes = peek(walk, RECORD_HEADER_SIZE);
        }
        if (bytes.size == 0 && is_last_window) {
            break;
        }
        if (bytes.size == 0) {
            read_window(walk);
            return;
        }
        if (!decode(walk, bytes, &header) || (is_small(&header) && !body_verifies(walk, &header))) {
            walk->offset += RECORD_ALIGNMENT;
            continue;
        }
        count_record(walk, &header);
        if (is_small(&header)) {
            walk->found(walk, &header, view_of(bytes.bytes + RECORD_HEADER_SIZE, header.body_size));
            return;
        }
        if (header.type == RECORD_SHARD) {
            walk->found(walk, &header, view_of(NULL, 0));
            return;
        }
    }
    finish(walk);
}
