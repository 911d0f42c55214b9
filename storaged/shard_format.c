#include "storaged/shard_format.h"

#include "common/codec.h"

#include <stdio.h>
#include <xxhash.h>

uint64_t format_sum(struct view bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.bytes, bytes.size, seed);
}

/* ---- what every format begins and ends with ---- */

static struct writer begin(uint8_t *out, size_t size, const char magic[4])
{
    memset(out, 0, size);
    struct writer writer = writer_of(out, size);
    writer_u8(&writer, FORMAT_VERSION);
    writer_bytes(&writer, "\0\0\0", 3);
    writer_bytes(&writer, magic, 4);
    return writer;
}

static void skip_to(struct writer *writer, size_t offset)
{
    assert(writer->size <= offset && offset <= writer->capacity);
    writer->size = offset; /* zeros are there already */
}

/* The sum over everything before it; it must end the format exactly. */
static void end(struct writer *writer, uint64_t seed)
{
    uint64_t sum = format_sum(view_of(writer->start, writer->size), seed);
    writer_u64(writer, sum);
    assert(!writer->failed && writer->size == writer->capacity);
}

static bool sum_fits(struct view bytes, uint64_t seed)
{
    if (bytes.size < FORMAT_SUM_SIZE) {
        return false;
    }
    size_t covered = bytes.size - FORMAT_SUM_SIZE;
    struct reader reader = reader_of(view_of(bytes.bytes + covered, FORMAT_SUM_SIZE));
    return reader_u64(&reader) == format_sum(view_of(bytes.bytes, covered), seed);
}

static bool has_magic(struct view bytes, const char magic[4])
{
    return bytes.size >= 8 && memcmp(bytes.bytes + 4, magic, 4) == 0;
}

static struct reader reader_at(struct view bytes, size_t offset)
{
    struct reader reader = reader_of(bytes);
    reader_view(&reader, offset);
    return reader;
}

/* ---- superblock ---- */

void superblock_encode(const struct superblock *superblock, uint8_t out[SUPERBLOCK_SIZE])
{
    struct writer writer = begin(out, SUPERBLOCK_SIZE, "HSUP");
    writer_u64(&writer, superblock->start_counter);
    writer_bytes(&writer, superblock->uuid, VOLUME_UUID_SIZE);
    writer_bytes(&writer, superblock->node_id, VOLUME_NODE_ID_SIZE);
    skip_to(&writer, 56);
    writer_u64(&writer, superblock->salt);
    writer_u64(&writer, superblock->incompatible);
    writer_u64(&writer, superblock->compatible);
    writer_u64(&writer, superblock->created_unix_ms);
    end(&writer, 0);
}

enum hearth_code superblock_decode(
    struct view bytes, struct superblock *out, struct hearth_err *err)
{
    if (bytes.size < SUPERBLOCK_SIZE || !has_magic(bytes, "HSUP")) {
        return hearth_fail(err, HEARTH_CHECKSUM, "not a superblock");
    }
    if (!sum_fits(view_of(bytes.bytes, SUPERBLOCK_SIZE), 0)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "superblock does not match its checksum");
    }
    if (bytes.bytes[0] != FORMAT_VERSION) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "superblock of format %u, this program knows %d", bytes.bytes[0], FORMAT_VERSION);
    }
    struct reader reader = reader_at(bytes, 8);
    out->start_counter = reader_u64(&reader);
    reader_bytes(&reader, out->uuid, VOLUME_UUID_SIZE);
    reader_bytes(&reader, out->node_id, VOLUME_NODE_ID_SIZE);
    reader_u32(&reader);
    out->salt = reader_u64(&reader);
    out->incompatible = reader_u64(&reader);
    out->compatible = reader_u64(&reader);
    out->created_unix_ms = reader_u64(&reader);
    return HEARTH_OK;
}

/* ---- log header ---- */

uint64_t log_seed(uint64_t salt, uint32_t number)
{
    uint8_t bytes[4];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_u32(&writer, number);
    return format_sum(view_of(bytes, sizeof(bytes)), salt);
}

void log_header_encode(const struct log_header *header, uint64_t seed, uint8_t out[LOG_HEADER_SIZE])
{
    struct writer writer = begin(out, LOG_HEADER_SIZE, "HLOG");
    writer_bytes(&writer, header->uuid, VOLUME_UUID_SIZE);
    writer_u32(&writer, header->number);
    writer_u32(&writer, header->size_max);
    writer_u64(&writer, header->start_counter);
    writer_u64(&writer, header->created_unix_ms);
    skip_to(&writer, 56);
    end(&writer, seed);
}

enum hearth_code log_header_decode(
    struct view bytes, uint64_t seed, struct log_header *out, struct hearth_err *err)
{
    if (bytes.size < LOG_HEADER_SIZE || !has_magic(bytes, "HLOG")) {
        return hearth_fail(err, HEARTH_CHECKSUM, "not a log header");
    }
    if (!sum_fits(view_of(bytes.bytes, LOG_HEADER_SIZE), seed)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "log header does not match its checksum");
    }
    if (bytes.bytes[0] != FORMAT_VERSION) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "log of format %u, this program knows %d",
            bytes.bytes[0], FORMAT_VERSION);
    }
    struct reader reader = reader_at(bytes, 8);
    reader_bytes(&reader, out->uuid, VOLUME_UUID_SIZE);
    out->number = reader_u32(&reader);
    out->size_max = reader_u32(&reader);
    out->start_counter = reader_u64(&reader);
    out->created_unix_ms = reader_u64(&reader);
    return HEARTH_OK;
}

/* ---- records ---- */

void record_header_encode(
    const struct record_header *header, uint64_t seed, uint8_t out[RECORD_HEADER_SIZE])
{
    assert(header->offset % RECORD_ALIGNMENT == 0);
    assert(header->durable < header->sequence);
    struct writer writer = begin(out, RECORD_HEADER_SIZE, "HREC");
    out[1] = (uint8_t)header->type;
    writer_u64(&writer, header->offset);
    writer_u64(&writer, header->sequence);
    writer_u64(&writer, header->durable);
    writer_bytes(&writer, header->id.bytes, SHARD_ID_SIZE);
    writer_u32(&writer, header->body_size);
    writer_u32(&writer, header->part);
    end(&writer, seed);
}

/* How large the body of a record may be. */
static bool body_size_possible(enum record_type type, uint32_t size)
{
    switch (type) {
    case RECORD_CHUNK: return size > VOLUME_TAG_SIZE && size <= CHUNK_BODY_MAX;
    case RECORD_SHARD: return size > FOOTER_FIXED_SIZE && size <= FOOTER_BODY_MAX;
    case RECORD_TOMBSTONE: return size == TOMBSTONE_BODY_SIZE;
    case RECORD_MARK: return size == MARK_BODY_SIZE;
    case RECORD_RETIRED: return size == RETIRED_BODY_SIZE;
    }
    return false;
}

bool record_header_decode(
    struct view bytes, uint64_t seed, uint64_t offset, struct record_header *out)
{
    if (bytes.size < RECORD_HEADER_SIZE || bytes.bytes[0] != FORMAT_VERSION ||
        !has_magic(bytes, "HREC") || !sum_fits(view_of(bytes.bytes, RECORD_HEADER_SIZE), seed)) {
        return false;
    }
    struct record_header header = {.type = bytes.bytes[1]};
    struct reader reader = reader_at(bytes, 8);
    header.offset = reader_u64(&reader);
    header.sequence = reader_u64(&reader);
    header.durable = reader_u64(&reader);
    reader_bytes(&reader, header.id.bytes, SHARD_ID_SIZE);
    header.body_size = reader_u32(&reader);
    header.part = reader_u32(&reader);
    if (header.offset != offset || header.durable >= header.sequence ||
        !body_size_possible(header.type, header.body_size)) {
        return false;
    }
    *out = header;
    return true;
}

void record_seal(uint8_t *record, size_t size, uint64_t seed)
{
    struct writer writer = writer_of(record, size);
    skip_to(&writer, size - FORMAT_SUM_SIZE);
    end(&writer, seed);
}

bool record_verify(struct view record, uint64_t seed)
{
    return sum_fits(record, seed);
}

/* ---- footer ---- */

uint32_t footer_body_size(uint32_t cell_count, size_t note_size)
{
    assert(cell_count <= VOLUME_CELLS_MAX && note_size <= VOLUME_NOTE_SIZE_MAX);
    return FOOTER_FIXED_SIZE + 4 * chunk_count_of(cell_count) + 8 * cell_count +
        (uint32_t)note_size + FORMAT_SUM_SIZE;
}

void footer_encode(const struct shard_footer *footer, const uint64_t *chunk_offsets,
    const uint64_t *cell_sums, uint8_t *body, size_t body_size)
{
    assert(body_size == footer_body_size(footer->cell_count, footer->note.size));
    assert(footer->chunk_count == chunk_count_of(footer->cell_count));
    struct writer writer = writer_of(body, body_size);
    writer_bytes(&writer, footer->locator.bytes, SHARD_LOCATOR_SIZE);
    writer_u32(&writer, footer->slot);
    writer_u16(&writer, footer->p);
    writer_u16(&writer, (uint16_t)footer->note.size);
    writer_u32(&writer, footer->cell_count);
    writer_u32(&writer, footer->cell_size);
    writer_u32(&writer, footer->last_cell_size);
    writer_u64(&writer, footer->length);
    writer_bytes(&writer, footer->tag_digest, VOLUME_DIGEST_SIZE);
    writer_u64(&writer, footer->stored_unix_ms);
    writer_u32(&writer, footer->chunk_count);
    writer_u32(&writer, 0);
    assert(writer.size == FOOTER_FIXED_SIZE);
    for (uint32_t i = 0; i < footer->chunk_count; i++) {
        writer_u32(&writer, (uint32_t)(chunk_offsets[i] / RECORD_ALIGNMENT));
    }
    for (uint32_t i = 0; i < footer->cell_count; i++) {
        writer_u64(&writer, cell_sums[i]);
    }
    writer_bytes(&writer, footer->note.bytes, footer->note.size);
    assert(!writer.failed && writer.size == body_size - FORMAT_SUM_SIZE);
}

static bool sizes_agree(const struct shard_footer *footer)
{
    if (footer->cell_count < 1 || footer->cell_count > VOLUME_CELLS_MAX || footer->cell_size < 1 ||
        footer->cell_size > VOLUME_CELL_SIZE_MAX || footer->last_cell_size < 1 ||
        footer->last_cell_size > VOLUME_CELL_SIZE_MAX) {
        return false;
    }
    uint64_t length = (uint64_t)(footer->cell_count - 1) * (footer->cell_size + VOLUME_TAG_SIZE) +
        footer->last_cell_size + VOLUME_TAG_SIZE;
    return footer->length == length && footer->chunk_count == chunk_count_of(footer->cell_count);
}

bool footer_decode(struct view body, struct shard_footer *out)
{
    struct shard_footer footer;
    struct reader reader = reader_of(body);
    reader_bytes(&reader, footer.locator.bytes, SHARD_LOCATOR_SIZE);
    footer.slot = reader_u32(&reader);
    footer.p = reader_u16(&reader);
    uint16_t note_size = reader_u16(&reader);
    footer.cell_count = reader_u32(&reader);
    footer.cell_size = reader_u32(&reader);
    footer.last_cell_size = reader_u32(&reader);
    footer.length = reader_u64(&reader);
    reader_bytes(&reader, footer.tag_digest, VOLUME_DIGEST_SIZE);
    footer.stored_unix_ms = reader_u64(&reader);
    footer.chunk_count = reader_u32(&reader);
    reader_u32(&reader);
    if (reader.failed || !sizes_agree(&footer)) {
        return false;
    }
    footer.chunk_offsets = reader_view(&reader, (size_t)4 * footer.chunk_count).bytes;
    footer.cell_sums = reader_view(&reader, (size_t)8 * footer.cell_count).bytes;
    footer.note = reader_view(&reader, note_size);
    reader_view(&reader, FORMAT_SUM_SIZE);
    if (!reader_at_end(&reader) || note_size > VOLUME_NOTE_SIZE_MAX) {
        return false;
    }
    *out = footer;
    return true;
}

uint64_t footer_chunk_offset(const struct shard_footer *footer, uint32_t chunk)
{
    assert(chunk < footer->chunk_count);
    struct reader reader = reader_of(view_of(footer->chunk_offsets + (size_t)4 * chunk, 4));
    return (uint64_t)reader_u32(&reader) * RECORD_ALIGNMENT;
}

uint64_t footer_cell_sum(const struct shard_footer *footer, uint32_t cell)
{
    assert(cell < footer->cell_count);
    struct reader reader = reader_of(view_of(footer->cell_sums + (size_t)8 * cell, 8));
    return reader_u64(&reader);
}

uint32_t footer_cell_size(const struct shard_footer *footer, uint32_t cell)
{
    assert(cell < footer->cell_count);
    return cell + 1 < footer->cell_count ? footer->cell_size : footer->last_cell_size;
}

uint32_t footer_chunk_size(const struct shard_footer *footer, uint32_t chunk)
{
    assert(chunk < footer->chunk_count);
    uint32_t pair = footer->cell_size + VOLUME_TAG_SIZE;
    uint32_t left = footer->cell_count - chunk * CHUNK_CELLS_MAX;
    return left > CHUNK_CELLS_MAX ? CHUNK_CELLS_MAX * pair
                                  : (left - 1) * pair + footer->last_cell_size + VOLUME_TAG_SIZE;
}

bool footer_cells_verify(
    const struct shard_footer *footer, uint32_t first, uint32_t end, struct view cells)
{
    size_t at = 0;
    for (uint32_t cell = first; cell < end; cell++) {
        size_t size = footer_cell_size(footer, cell) + VOLUME_TAG_SIZE;
        if (size > cells.size - at ||
            format_sum(view_of(cells.bytes + at, size), 0) != footer_cell_sum(footer, cell)) {
            return false;
        }
        at += size;
    }
    return at == cells.size;
}

bool footer_chunk_verify(const struct shard_footer *footer, uint32_t chunk, struct view cells)
{
    uint32_t first = chunk * CHUNK_CELLS_MAX;
    uint32_t left = footer->cell_count - first;
    return footer_cells_verify(
        footer, first, first + (left < CHUNK_CELLS_MAX ? left : CHUNK_CELLS_MAX), cells);
}

uint64_t footer_shard_size(const struct shard_footer *footer)
{
    uint64_t size = record_size(footer_body_size(footer->cell_count, footer->note.size));
    for (uint32_t chunk = 0; chunk < footer->chunk_count; chunk++) {
        size += record_size(footer_chunk_size(footer, chunk));
    }
    return size;
}

/* ---- small bodies ---- */

void tombstone_encode(const struct tombstone *tombstone, uint8_t body[TOMBSTONE_BODY_SIZE])
{
    memset(body, 0, TOMBSTONE_BODY_SIZE);
    struct writer writer = writer_of(body, TOMBSTONE_BODY_SIZE);
    writer_u64(&writer, tombstone->deleted_unix_ms);
    writer_u32(&writer, tombstone->footer_log);
    writer_u32(&writer, 0);
    writer_u64(&writer, tombstone->footer_offset);
    assert(writer.size == TOMBSTONE_BODY_SIZE - FORMAT_SUM_SIZE);
}

bool tombstone_decode(struct view body, struct tombstone *out)
{
    if (body.size != TOMBSTONE_BODY_SIZE) {
        return false;
    }
    struct reader reader = reader_of(body);
    out->deleted_unix_ms = reader_u64(&reader);
    out->footer_log = reader_u32(&reader);
    reader_u32(&reader);
    out->footer_offset = reader_u64(&reader);
    return true;
}

void retired_encode(const struct retired *retired, uint8_t body[RETIRED_BODY_SIZE])
{
    memset(body, 0, RETIRED_BODY_SIZE);
    struct writer writer = writer_of(body, RETIRED_BODY_SIZE);
    writer_u64(&writer, retired->good_until);
    writer_u32(&writer, retired->error);
    writer_u32(&writer, 0);
    assert(writer.size == RETIRED_BODY_SIZE - FORMAT_SUM_SIZE);
}

bool retired_decode(struct view body, struct retired *out)
{
    if (body.size != RETIRED_BODY_SIZE) {
        return false;
    }
    struct reader reader = reader_of(body);
    out->good_until = reader_u64(&reader);
    out->error = reader_u32(&reader);
    return true;
}

/* ---- checkpoint ---- */

void checkpoint_header_encode(
    const struct checkpoint_header *header, uint64_t salt, uint8_t out[CHECKPOINT_HEADER_SIZE])
{
    struct writer writer = begin(out, CHECKPOINT_HEADER_SIZE, "HIDX");
    out[0] = CHECKPOINT_VERSION;
    writer_bytes(&writer, header->uuid, VOLUME_UUID_SIZE);
    writer_u64(&writer, header->generation);
    writer_u64(&writer, header->start_counter);
    writer_u32(&writer, header->log_count);
    writer_u32(&writer, header->next_log);
    writer_u64(&writer, header->newest_unix_ms);
    end(&writer, salt);
}

bool checkpoint_header_decode(struct view bytes, uint64_t salt, struct checkpoint_header *out)
{
    if (bytes.size != CHECKPOINT_HEADER_SIZE || bytes.bytes[0] != CHECKPOINT_VERSION ||
        !has_magic(bytes, "HIDX") || !sum_fits(bytes, salt)) {
        return false;
    }
    struct reader reader = reader_at(bytes, 8);
    reader_bytes(&reader, out->uuid, VOLUME_UUID_SIZE);
    out->generation = reader_u64(&reader);
    out->start_counter = reader_u64(&reader);
    out->log_count = reader_u32(&reader);
    out->next_log = reader_u32(&reader);
    out->newest_unix_ms = reader_u64(&reader);
    return true;
}

void checkpoint_log_encode(const struct checkpoint_log *log, uint8_t out[CHECKPOINT_LOG_SIZE])
{
    struct writer writer = writer_of(out, CHECKPOINT_LOG_SIZE);
    writer_u32(&writer, log->number);
    writer_u32(&writer, log->flags);
    writer_u64(&writer, log->scan_from);
    writer_u64(&writer, log->durable);
    writer_u64(&writer, log->good_until);
    writer_u64(&writer, log->checked_unix_ms);
    assert(!writer.failed && writer.size == CHECKPOINT_LOG_SIZE);
}

struct checkpoint_log checkpoint_log_decode(const uint8_t bytes[CHECKPOINT_LOG_SIZE])
{
    struct reader reader = reader_of(view_of(bytes, CHECKPOINT_LOG_SIZE));
    struct checkpoint_log log;
    log.number = reader_u32(&reader);
    log.flags = reader_u32(&reader);
    log.scan_from = reader_u64(&reader);
    log.durable = reader_u64(&reader);
    log.good_until = reader_u64(&reader);
    log.checked_unix_ms = reader_u64(&reader);
    return log;
}

void checkpoint_partition_header_encode(
    uint32_t partition, uint32_t count, uint8_t out[CHECKPOINT_PARTITION_HEADER_SIZE])
{
    struct writer writer = writer_of(out, CHECKPOINT_PARTITION_HEADER_SIZE);
    writer_u32(&writer, partition);
    writer_u32(&writer, count);
}

void checkpoint_partition_header_decode(
    const uint8_t bytes[CHECKPOINT_PARTITION_HEADER_SIZE], uint32_t *partition, uint32_t *count)
{
    struct reader reader = reader_of(view_of(bytes, CHECKPOINT_PARTITION_HEADER_SIZE));
    *partition = reader_u32(&reader);
    *count = reader_u32(&reader);
}

/* ---- names ---- */

void index_name(uint64_t generation, char out[DISK_NAME_SIZE])
{
    snprintf(out, DISK_NAME_SIZE, "index.%u", (unsigned)(generation & 1));
}

void log_name(uint32_t number, char out[DISK_NAME_SIZE])
{
    snprintf(out, DISK_NAME_SIZE, "log-%08x", number);
}

bool log_name_parse(const char *name, uint32_t *number)
{
    uint8_t bytes[4];
    if (strncmp(name, "log-", 4) != 0 || !hex_decode(view_text(name + 4), bytes, sizeof(bytes))) {
        return false;
    }
    *number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
        (uint32_t)bytes[3];
    return true;
}
