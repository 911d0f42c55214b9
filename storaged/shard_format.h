/*
 * shard_format.h - every byte a volume keeps on disk. Little-endian. No other file knows offsets.
 *
 * A volume is a directory:
 *
 *   lock                        held by the one process that has the volume open
 *   superblock.0 superblock.1   two copies of who the volume is; the newest that verifies counts
 *   log-%08x                    append-only logs, numbered from 1, no number used twice
 *   index.0 index.1             the two newest checkpoints of the index: a cache, never the truth
 *   *.tmp                       being written; removed at the next start
 *
 * A log is a header page and then batches, each written at once and padded to pages, so that no
 * page that was ever synced is written again:
 *
 *   0              4096                                     a page             a page
 *   +--------------+--------+----------+--------+-----------+--------+---------+----
 *   | log header   | record | record   | record | 0 0 0 0 0 | record | 0 0 0 0 | ...
 *   +--------------+--------+----------+--------+-----------+--------+---------+----
 *                  each record begins at a multiple of 64
 *
 * A shard is CHUNK records of up to four cells, anywhere in one log and mixed with those of others,
 * and after them one SHARD record, the footer, which says where they are.  The index points to the
 * footer.  A shard exists when its footer is durable.
 *
 * Sequences.  sequence = log number << 32 | number of the record in its log, from 1 without gaps.
 * So a gap between two records that verify says exactly how many are missing, and the newest
 * sequence of a volume only grows.  `durable` in each record is the highest sequence of the same
 * log that was known to be synced when the record was built: what is missing at or below any
 * `durable` is rot, what is missing above all of them is a torn tail.
 *
 * Checksums are XXH3-64, not CRC32C: 64 bits wide, one function for headers and cells alike, and
 * it takes a seed.  The seed of a log derives from a salt that never
 * leaves the node, so nobody who chooses the content of cells can make them look like records when
 * recovery searches for the next good one.  None of them is a MAC: they find rot.
 *
 * Every format begins with its version; an unknown one is refused.
 */
#ifndef HEARTH_STORAGED_SHARD_FORMAT_H
#define HEARTH_STORAGED_SHARD_FORMAT_H

#include "common/err.h"
#include "storaged/disk.h"
#include "storaged/volume.h"

#include <assert.h>

enum {
    FORMAT_VERSION = 1,
    FORMAT_PAGE_SIZE = DISK_PAGE_SIZE,
    FORMAT_SUM_SIZE = 8,
};

/* `seed` 0: for what must be readable before the salt is known. */
uint64_t format_sum(struct view bytes, uint64_t seed);

/* Up to the next multiple of a power of two. */
static inline uint64_t format_round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* ---- superblock: the first bytes of a file of one page ----
 *
 *   0   u8   version             56  u64  salt
 *   4   u32  "HSUP"              64  u64  incompatible features
 *   8   u64  start counter       72  u64  compatible features
 *   16  16   uuid                80  u64  created, unix ms
 *   32  20   node id             88  u64  sum of the 88 bytes before it, seed 0
 *
 * The start counter is the generation of the copies: both are rewritten at each start.  A bit in
 * `incompatible` that a program does not know makes it refuse the volume.  Version, magic and sum
 * stay where they are in every version to come, so that a newer one is told from a rotten one.
 */
enum { SUPERBLOCK_SIZE = 96 };

struct superblock {
    uint64_t start_counter;
    uint8_t uuid[VOLUME_UUID_SIZE];
    uint8_t node_id[VOLUME_NODE_ID_SIZE];
    uint64_t salt;
    uint64_t incompatible;
    uint64_t compatible;
    uint64_t created_unix_ms;
};

void superblock_encode(const struct superblock *superblock, uint8_t out[SUPERBLOCK_SIZE]);

/* HEARTH_CHECKSUM: not a superblock. HEARTH_UNKNOWN_FORMAT: one of a newer program. */
enum hearth_code superblock_decode(
    struct view bytes, struct superblock *out, struct hearth_err *err);

/* ---- log header: the first bytes of a log's first page ----
 *
 *   0   u8   version             28  u32  largest size
 *   4   u32  "HLOG"              32  u64  start counter
 *   8   16   uuid                40  u64  created, unix ms
 *   24  u32  number              56  u64  sum of the 56 bytes before it
 *
 * Nothing here is needed to read the log: its name and the superblock say the same.  It is checked
 * so that a file from elsewhere is not taken for ours.
 */
enum { LOG_HEADER_SIZE = 64, LOG_FIRST_RECORD = FORMAT_PAGE_SIZE };

struct log_header {
    uint8_t uuid[VOLUME_UUID_SIZE];
    uint32_t number;
    uint32_t size_max;
    uint64_t start_counter;
    uint64_t created_unix_ms;
};

/* What all checksums in a log are seeded with. */
uint64_t log_seed(uint64_t salt, uint32_t number);

void log_header_encode(
    const struct log_header *header, uint64_t seed, uint8_t out[LOG_HEADER_SIZE]);

enum hearth_code log_header_decode(
    struct view bytes, uint64_t seed, struct log_header *out, struct hearth_err *err);

/* ---- record header, at a multiple of 64; then the body ----
 *
 *   0   u8   version             32  16   shard id; zeros in MARK and RETIRED
 *   1   u8   type                48  u32  body size
 *   4   u32  "HREC"              52  u32  part: the number of a CHUNK in its shard, or 0
 *   8   u64  own offset          56  u64  sum of the 56 bytes before it
 *   16  u64  sequence
 *   24  u64  durable
 *
 * The own offset, and the log number in the sequence, make a record that landed elsewhere invalid.
 * The body of a CHUNK is cells and tags, whose sums are in the footer; every other body ends with a
 * sum of its own over header and body.
 */
enum {
    RECORD_HEADER_SIZE = 64,
    RECORD_ALIGNMENT = 64,
    CHUNK_CELLS_MAX = 4,
    CHUNK_BODY_MAX = CHUNK_CELLS_MAX * (VOLUME_CELL_SIZE_MAX + VOLUME_TAG_SIZE),
    CHUNKS_MAX = VOLUME_CELLS_MAX / CHUNK_CELLS_MAX,
};
static_assert(
    VOLUME_CELLS_MAX % CHUNK_CELLS_MAX == 0, "the last chunk of the largest shard is full");

enum record_type {
    RECORD_CHUNK = 1,
    RECORD_SHARD = 2,
    RECORD_TOMBSTONE = 3,
    RECORD_MARK = 4,    /* only its `durable` matters: vouches for the last batch before it */
    RECORD_RETIRED = 5, /* another log failed and is good only so far */
};

struct record_header {
    enum record_type type;
    uint64_t offset;
    uint64_t sequence;
    uint64_t durable;
    struct shard_id id; /* zeros in MARK and RETIRED */
    uint32_t body_size;
    uint32_t part;
};

static inline uint64_t sequence_of(uint32_t log, uint32_t number)
{
    return (uint64_t)log << 32 | number;
}

/* With its padding: what it takes from its log. */
static inline uint64_t record_size(uint32_t body_size)
{
    return format_round_up(RECORD_HEADER_SIZE + (uint64_t)body_size, RECORD_ALIGNMENT);
}

void record_header_encode(
    const struct record_header *header, uint64_t seed, uint8_t out[RECORD_HEADER_SIZE]);

/* False: this is no record of ours at this offset. */
bool record_header_decode(
    struct view bytes, uint64_t seed, uint64_t offset, struct record_header *out);

/* `record`: header and body in one run, of which the last 8 bytes are the sum to be set. */
void record_seal(uint8_t *record, size_t size, uint64_t seed);
bool record_verify(struct view record, uint64_t seed);

/* ---- SHARD: the footer; offsets in its body ----
 *
 *   0   20   locator             40  u64  length
 *   20  u32  slot                48  32   tag digest
 *   24  u16  p                   80  u64  stored, unix ms
 *   26  u16  note size           88  u32  chunk count
 *   28  u32  cell count          96       chunk count times u32: offset of the chunk's record / 64
 *   32  u32  cell size                    cell count times u64: sum of a cell and its tag, seed 0
 *   36  u32  last cell size               note
 *                                         u64: sum
 *
 * Every chunk but the last has CHUNK_CELLS_MAX cells, so cell i is in chunk i / 4.  The sums of
 * cells do not depend on where they are, so that a shard can be moved without trusting a recomputed
 * sum.
 */
enum {
    FOOTER_FIXED_SIZE = 96,
    FOOTER_BODY_MAX = FOOTER_FIXED_SIZE + 4 * CHUNKS_MAX + 8 * VOLUME_CELLS_MAX +
        VOLUME_NOTE_SIZE_MAX + FORMAT_SUM_SIZE,
};

struct shard_footer {
    struct shard_locator locator;
    uint32_t slot;
    uint16_t p;
    uint32_t cell_count;
    uint32_t cell_size;
    uint32_t last_cell_size;
    uint64_t length;
    uint8_t tag_digest[VOLUME_DIGEST_SIZE];
    uint64_t stored_unix_ms;
    struct view note;
    uint32_t chunk_count;
    const uint8_t *chunk_offsets; /* encoded; see footer_chunk_offset() */
    const uint8_t *cell_sums;     /* encoded; see footer_cell_sum() */
};

/* Chunks of a shard of so many cells. */
static inline uint32_t chunk_count_of(uint32_t cell_count)
{
    return (cell_count + CHUNK_CELLS_MAX - 1) / CHUNK_CELLS_MAX;
}

uint32_t footer_body_size(uint32_t cell_count, size_t note_size);

/* Into the body of a record, all but its sum. The arrays have a number for each chunk and cell. */
void footer_encode(const struct shard_footer *footer, const uint64_t *chunk_offsets,
    const uint64_t *cell_sums, uint8_t *body, size_t body_size);

/* Borrows from `body`, whose record has been verified. False: no footer that we write. */
bool footer_decode(struct view body, struct shard_footer *out);

uint64_t footer_chunk_offset(const struct shard_footer *footer, uint32_t chunk);
uint64_t footer_cell_sum(const struct shard_footer *footer, uint32_t cell);

/* Without tag. */
uint32_t footer_cell_size(const struct shard_footer *footer, uint32_t cell);

/* Bytes of a chunk's body. */
uint32_t footer_chunk_size(const struct shard_footer *footer, uint32_t chunk);

/* Whether `cells` are exactly the cells [first, end) with their tags, each with its sum. */
bool footer_cells_verify(
    const struct shard_footer *footer, uint32_t first, uint32_t end, struct view cells);

/* The same of all cells of a chunk. */
bool footer_chunk_verify(const struct shard_footer *footer, uint32_t chunk, struct view cells);

/* All records of the shard, in bytes of its log: what its deletion will free. */
uint64_t footer_shard_size(const struct shard_footer *footer);

/* ---- TOMBSTONE; offsets in its body ----
 *
 *   0   u64  deleted, unix ms    16  u64  offset of the footer it deletes
 *   8   u32  log of the footer   24  u64  sum
 *
 * Log and offset 0: the shard never was here, its id is barred.
 */
enum { TOMBSTONE_BODY_SIZE = 32 };

struct tombstone {
    uint64_t deleted_unix_ms;
    uint32_t footer_log;
    uint64_t footer_offset;
};

void tombstone_encode(const struct tombstone *tombstone, uint8_t body[TOMBSTONE_BODY_SIZE]);
bool tombstone_decode(struct view body, struct tombstone *out);

/* ---- MARK: only a sum ---- */

enum { MARK_BODY_SIZE = FORMAT_SUM_SIZE };

/* ---- RETIRED: another log failed; offsets in its body ----
 *
 *   0   u64  good until          8   u32  errno               16  u64  sum
 *
 * What follows the sequence `good until` in the log that it names was never acknowledged.
 */
enum { RETIRED_BODY_SIZE = 24 };

struct retired {
    uint64_t good_until; /* names the log, too */
    uint32_t error;
};

void retired_encode(const struct retired *retired, uint8_t body[RETIRED_BODY_SIZE]);
bool retired_decode(struct view body, struct retired *out);

/* ---- checkpoint of the index ----
 *
 *   0   u8   version, 3          40  u32  log count
 *   4   u32  "HIDX"              44  u32  next log: the number of the first that is not there yet
 *   8   16   uuid                48  u64  newest time seen, unix ms, by the coordinator's clock
 *   24  u64  generation          56  u64  sum of the 56 bytes before it
 *   32  u64  start counter
 *
 *   log count times:  0  u32  number        8   u64  scan from
 *                     4  u32  flags         16  u64  durable
 *                                           24  u64  good until
 *                                           32  u64  last verified as a whole, unix ms, or 0
 *                     and once the sum of all of them
 *
 *   256 times:        0  u32  partition     8        count times 16: an entry (shard_index.h)
 *                     4  u32  count                  u64: sum of the partition
 *
 * Of a log that is DROPPED nothing counts, and its file, if it is there, only waits to be removed.
 * GONE stands for all logs from `number` on and below `scan from`: they were dropped and removed.
 * A log that is not in the list is read from its beginning: what a checkpoint does not say ends
 * nothing.
 *
 * All sums are seeded with the volume's salt.  Entries are written while the index changes: each
 * log is therefore read again from `scan from`, where recovery finds everything that came after.
 */
enum {
    CHECKPOINT_VERSION = 3, /* 1 knew no days of trash, 2 left out the logs that were dropped */
    CHECKPOINT_HEADER_SIZE = 64,
    CHECKPOINT_LOG_SIZE = 40,
    CHECKPOINT_PARTITION_HEADER_SIZE = 8,
    CHECKPOINT_ENTRY_SIZE = 16,
};

struct checkpoint_header {
    uint8_t uuid[VOLUME_UUID_SIZE];
    uint64_t generation;
    uint64_t start_counter;
    uint32_t log_count;
    uint32_t next_log;
    uint64_t newest_unix_ms;
};

enum {
    CHECKPOINT_LOG_CLOSED = 1,  /* nothing follows `scan from` */
    CHECKPOINT_LOG_RETIRED = 2, /* good until `good until`; otherwise that field is 0 */
    CHECKPOINT_LOG_DAMAGED = 4, /* synced records of it are gone */
    CHECKPOINT_LOG_GHOSTS = 8,  /* shards of it are found in other logs */
    CHECKPOINT_LOG_DROPPED = 16,
    CHECKPOINT_LOG_GONE = 32,
};

struct checkpoint_log {
    uint32_t number;
    uint32_t flags;
    uint64_t scan_from;
    uint64_t durable;
    uint64_t good_until;
    uint64_t checked_unix_ms;
};

void checkpoint_header_encode(
    const struct checkpoint_header *header, uint64_t salt, uint8_t out[CHECKPOINT_HEADER_SIZE]);
bool checkpoint_header_decode(struct view bytes, uint64_t salt, struct checkpoint_header *out);

void checkpoint_log_encode(const struct checkpoint_log *log, uint8_t out[CHECKPOINT_LOG_SIZE]);
struct checkpoint_log checkpoint_log_decode(const uint8_t bytes[CHECKPOINT_LOG_SIZE]);

void checkpoint_partition_header_encode(
    uint32_t partition, uint32_t count, uint8_t out[CHECKPOINT_PARTITION_HEADER_SIZE]);
void checkpoint_partition_header_decode(
    const uint8_t bytes[CHECKPOINT_PARTITION_HEADER_SIZE], uint32_t *partition, uint32_t *count);

/* ---- names ---- */

/* "index.0" or "index.1": the checkpoints take turns. */
void index_name(uint64_t generation, char out[DISK_NAME_SIZE]);

/* "log-0000001f" */
void log_name(uint32_t number, char out[DISK_NAME_SIZE]);

/* False: not the name of a log. */
bool log_name_parse(const char *name, uint32_t *number);

#endif /* HEARTH_STORAGED_SHARD_FORMAT_H */
