/*
 * shard_index.h - where each shard is: 16 bytes of memory for a shard, at most 20 with the gaps.
 *
 *   id  --first byte-->  one of 256 partitions  --next 44 bits-->  entries, open addressing
 *
 *   63        20   16  14            0     63    54       24         0
 *   +-----------+----+---+------------+     +------+--------+---------+
 *   | key (44)  | d  | s | log, high  |     | log, | offset | size    |
 *   |           |    |   |            |     | low  | / 64   | / 64    |
 *   +-----------+----+---+------------+     +------+--------+---------+
 *
 * s: the state; d: the day it became trash (trash_day.h); offset and size in units of a record's
 * alignment.
 *
 * An entry knows 52 of the 128 bits of an id.  Ids are output of AES, so two shards of a volume
 * with the same 52 bits are rare, but not impossible: a lookup yields candidates, and whoever looks
 * up reads the footer of each and compares the whole id.
 *
 * A partition grows by an eighth when it is nine tenths full: so the whole index is never copied at
 * once, and a million shards take 20 MB at any moment.  A deleted shard becomes trash, and its
 * entry says so; it leaves the index with the log it lies in.
 *
 * The same 16 bytes, little-endian, are the entries of a checkpoint (shard_format.h).
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_INDEX_H
#define HEARTH_STORAGED_SHARD_INDEX_H

#include "common/err.h"
#include "common/view.h"
#include "storaged/shard_digest.h"
#include "storaged/shard_name.h"
#include "storaged/trash_day.h"

enum {
    SHARD_INDEX_PARTITIONS = 256,
    SHARD_INDEX_LOG_MAX = (1 << 24) - 1,
};
#define SHARD_INDEX_OFFSET_MAX ((UINT64_C(1) << 36) - 64)
#define SHARD_INDEX_SIZE_MAX   ((UINT64_C(1) << 30) - 64)

enum shard_state {
    SHARD_LIVE = 1,
    SHARD_TRASHED = 2, /* still readable */
    SHARD_BARRED = 3,  /* never was here; the location is that of the tombstone */
    SHARD_STATES,
};

struct shard_location {
    enum shard_state state;
    uint32_t log;
    uint64_t offset; /* of the footer's record */
    uint64_t size;   /* of all its records; 0 when barred */
    uint8_t day;     /* of trash and bars: trash_day.h */
};

struct shard_index;

/* Running sums by state. */
struct shard_totals {
    uint64_t count[SHARD_STATES];
    uint64_t bytes[SHARD_STATES];
    uint64_t trash_of_day[TRASH_DAYS]; /* bytes that became trash on each day, unless purged */
};

enum hearth_code shard_index_create(struct shard_index **out, struct hearth_err *err);

/* Accepts NULL. */
void shard_index_destroy(struct shard_index *index);

/* Borrowed; changes as the index does. */
const struct shard_totals *shard_index_totals(const struct shard_index *index);

/* HEARTH_NO_MEMORY: the index is as it was. */
enum hearth_code shard_index_insert(struct shard_index *index, const struct shard_id *id,
    const struct shard_location *location, struct hearth_err *err);

/* A position among the candidates for an id; zeroed before the first. */
struct shard_probe {
    uint32_t steps;
};

/* The next candidate for `id`. false: no more. The index does not change between the calls. */
bool shard_index_next(const struct shard_index *index, const struct shard_id *id,
    struct shard_probe *probe, struct shard_location *out);

/* The candidate at this log and offset. false: there is none, *out is untouched. */
bool shard_index_find_at(const struct shard_index *index, const struct shard_id *id, uint32_t log,
    uint64_t offset, struct shard_location *out);

/* The entry for `id` at log and offset of `before`, which must be there, becomes `after`. */
void shard_index_update(struct shard_index *index, const struct shard_id *id,
    const struct shard_location *before, const struct shard_location *after);

/* An entry met on a walk in the order of ids, of which it shows the first 52 bits. */
struct shard_index_item {
    uint64_t key;
    struct shard_location location;
};

/* The entry for `id` at log and offset of `at`, which must be there, is no more. */
void shard_index_remove(
    struct shard_index *index, const struct shard_id *id, const struct shard_location *at);

/* The same for whoever met it on a walk. false: it is not there. */
bool shard_index_remove_item(struct shard_index *index, const struct shard_index_item *item);

/* Whether that entry is still where the walk met it. *state and *day may have changed: now known.
 */
bool shard_index_has_item(const struct shard_index *index, struct shard_index_item *item);

/* visit() sees every entry once and may change its day, nothing else, and not the index. */
void shard_index_visit(struct shard_index *index,
    void (*visit)(void *context, struct shard_location *location), void *context);

/*
 * The next entries of a walk, at least one unless it is over; returns their number.  *cursor is 0
 * at first, and afterwards where to go on; UINT64_MAX: the walk is over.  Entries that are there
 * during the whole walk come exactly once.
 */
unsigned shard_index_walk(const struct shard_index *index, uint64_t *cursor,
    struct shard_index_item *out, unsigned out_max);

/* The same walk, but only over the entries that lie in one log. */
unsigned shard_index_walk_log(const struct shard_index *index, uint32_t log, uint64_t *cursor,
    struct shard_index_item *out, unsigned out_max);

/* A cursor of shard_index_walk() from which all entries of this id and of higher ones follow. */
uint64_t shard_index_cursor(const struct shard_id *id);

/*
 * Of 2^bits equal ranges of ids those from `first` on, `count` of them.  Costs a look at each entry
 * of the partitions that these touch: a million shards in one go are about 10 ms.
 */
void shard_index_digest(const struct shard_index *index, unsigned bits, uint32_t first,
    uint32_t count, struct shard_digest *out);

/* ---- for checkpoints ---- */

uint32_t shard_index_partition_count(const struct shard_index *index, unsigned partition);

/* All entries of a partition: partition_count times 16 bytes. */
void shard_index_partition_encode(
    const struct shard_index *index, unsigned partition, uint8_t *out);

/* Adds encoded entries. HEARTH_CHECKSUM: these are none. HEARTH_NO_MEMORY. */
enum hearth_code shard_index_partition_decode(
    struct shard_index *index, unsigned partition, struct view entries, struct hearth_err *err);

#endif /* HEARTH_STORAGED_SHARD_INDEX_H */
