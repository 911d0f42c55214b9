#include "storaged/log_scan.h"

#include <stdlib.h>

enum {
    /* The largest chunk, from anywhere in a page to anywhere in a page. */
    WINDOW_SIZE = (RECORD_HEADER_SIZE + CHUNK_BODY_MAX + 2 * FORMAT_PAGE_SIZE) / FORMAT_PAGE_SIZE *
        FORMAT_PAGE_SIZE,
    /*
     * Read at once when only a header is wanted.
     * Too low: a log of small shards is read page by page.
     * Too high: a log of large shards is read whole, for a header every 256 KiB.
     */
    READ_AHEAD_SIZE = 32 * 1024,
};

struct window {
    struct log_scan *scan;
    uint8_t *bytes; /* aligned for direct reads */
    uint64_t offset;
    size_t size;
};

/* ---- reading ---- */

static uint64_t page_before(uint64_t offset)
{
    return offset & ~(uint64_t)(FORMAT_PAGE_SIZE - 1);
}

/* Returns the bytes read; 0 as well when they cannot be. */
static size_t read_at(const struct log_scan *scan, uint64_t offset, uint8_t *bytes, size_t size)
{
    struct iovec part = {bytes, size};
    struct disk_io io = {
        .request = DISK_READ, .file = scan->file, .offset = offset, .iov = &part, .iov_count = 1};
    disk_run_blocking(scan->disk, &io);
    return io.error == 0 ? (size_t)io.size : 0;
}

/* Pages that cannot be read become zeros: no record is made of them. */
static void fill(struct window *window, uint64_t offset, size_t size)
{
    window->offset = offset;
    window->size = size;
    if (read_at(window->scan, offset, window->bytes, size) == size) {
        return;
    }
    memset(window->bytes, 0, size);
    for (size_t at = 0; at < size; at += FORMAT_PAGE_SIZE) {
        uint8_t *page = window->bytes + at;
        size_t got = read_at(window->scan, offset + at, page, FORMAT_PAGE_SIZE);
        memset(page + got, 0, FORMAT_PAGE_SIZE - got);
    }
}

/* [offset, offset + size) of the file, zeros behind its end. Valid until the next call. */
static struct view fetch(struct window *window, uint64_t offset, size_t size)
{
    if (offset < window->offset || offset + size > window->offset + window->size) {
        uint64_t start = page_before(offset);
        size_t wanted = (size_t)format_round_up(offset + size - start, FORMAT_PAGE_SIZE);
        assert(wanted <= WINDOW_SIZE);
        fill(window, start, wanted > READ_AHEAD_SIZE ? wanted : READ_AHEAD_SIZE);
    }
    return view_of(window->bytes + (offset - window->offset), size);
}

/* ---- one record ---- */

static bool header_at(struct window *window, uint64_t offset, struct record_header *out)
{
    const struct log_scan *scan = window->scan;
    return offset + RECORD_HEADER_SIZE <= scan->size &&
        record_header_decode(fetch(window, offset, RECORD_HEADER_SIZE), scan->seed, offset, out) &&
        out->sequence >> 32 == scan->number &&
        out->body_size <= scan->size - offset - RECORD_HEADER_SIZE;
}

/* Header and, unless it is a CHUNK, body verify. */
static bool record_at(struct window *window, uint64_t offset, struct record_header *out)
{
    if (!header_at(window, offset, out)) {
        return false;
    }
    return out->type == RECORD_CHUNK ||
        record_verify(
            fetch(window, offset, RECORD_HEADER_SIZE + (size_t)out->body_size), window->scan->seed);
}

static bool chunk_is_whole(struct window *window, const struct shard_id *id,
    const struct shard_footer *footer, uint32_t chunk)
{
    uint64_t offset = footer_chunk_offset(footer, chunk);
    struct record_header header;
    if (!header_at(window, offset, &header) || header.type != RECORD_CHUNK ||
        header.part != chunk || !shard_id_equal(&header.id, id) ||
        header.body_size != footer_chunk_size(footer, chunk)) {
        return false;
    }
    struct view body = fetch(window, offset + RECORD_HEADER_SIZE, header.body_size);
    return footer_chunk_verify(footer, chunk, body);
}

static bool shard_is_whole(
    struct window *window, const struct record_header *header, struct view body)
{
    struct shard_footer footer;
    if (!footer_decode(body, &footer)) {
        return false;
    }
    uint32_t chunk = 0;
    while (chunk < footer.chunk_count && chunk_is_whole(window, &header->id, &footer, chunk)) {
        chunk++;
    }
    return chunk == footer.chunk_count;
}

/* Hands a record on, if it counts. */
static enum hearth_code take_record(
    struct window *window, const struct record_header *header, struct hearth_err *err)
{
    struct log_scan *scan = window->scan;
    if (header->type == RECORD_CHUNK || header->type == RECORD_MARK ||
        (scan->good_until != 0 && header->sequence > scan->good_until)) {
        return HEARTH_OK;
    }
    uint8_t body[FOOTER_BODY_MAX]; /* the window moves on while the shard is verified */
    assert(header->body_size <= sizeof(body));
    memcpy(body, fetch(window, header->offset + RECORD_HEADER_SIZE, header->body_size).bytes,
        header->body_size);
    struct view view = view_of(body, header->body_size);
    if (header->type == RECORD_SHARD && header->sequence > scan->frontier &&
        !shard_is_whole(window, header, view)) {
        return HEARTH_OK;
    }
    return scan->record(scan->context, header, view, err);
}

/* ---- the two passes ---- */

static void find_frontier(struct window *window)
{
    struct log_scan *scan = window->scan;
    scan->frontier = scan->durable;
    uint64_t end = format_round_up(scan->size, FORMAT_PAGE_SIZE);
    while (end > scan->from) {
        uint64_t start = end - scan->from > READ_AHEAD_SIZE ? end - READ_AHEAD_SIZE : scan->from;
        fill(window, start, (size_t)(end - start));
        for (uint64_t offset = end; offset > start;) {
            struct record_header header;
            offset -= RECORD_ALIGNMENT;
            if (header_at(window, offset, &header)) {
                scan->frontier = header.durable > scan->durable ? header.durable : scan->durable;
                return;
            }
        }
        end = start;
    }
}

static void report_missing(struct log_scan *scan, uint64_t until)
{
    if (scan->last_sequence < scan->frontier) {
        scan->damaged(scan->context, scan->end, until - scan->end);
    }
}

static enum hearth_code scan_forwards(struct window *window, struct hearth_err *err)
{
    struct log_scan *scan = window->scan;
    uint64_t offset = scan->from;
    while (offset + RECORD_HEADER_SIZE <= scan->size) {
        struct record_header header;
        if (!record_at(window, offset, &header) || header.sequence <= scan->last_sequence) {
            offset += RECORD_ALIGNMENT;
            continue;
        }
        if (header.sequence > scan->last_sequence + 1) {
            report_missing(scan, offset);
        }
        if (take_record(window, &header, err) != HEARTH_OK) {
            return err->code;
        }
        scan->record_count++;
        scan->last_sequence = header.sequence;
        offset += record_size(header.body_size);
        scan->end = offset < scan->size ? offset : scan->size; /* its padding may be cut off */
    }
    report_missing(scan, scan->size);
    return HEARTH_OK;
}

enum hearth_code log_scan_run(struct log_scan *scan, struct hearth_err *err)
{
    void *bytes = NULL;
    assert(scan->from % FORMAT_PAGE_SIZE == 0);
    if (posix_memalign(&bytes, FORMAT_PAGE_SIZE, WINDOW_SIZE) != 0) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "scan log %08x", scan->number);
    }
    struct window window = {.scan = scan, .bytes = bytes};
    scan->end = scan->from;
    scan->last_sequence = scan->durable;
    scan->record_count = 0;
    find_frontier(&window);
    enum hearth_code code = scan_forwards(&window, err);
    scan->end = format_round_up(scan->end, FORMAT_PAGE_SIZE);
    free(bytes);
    return code;
}
