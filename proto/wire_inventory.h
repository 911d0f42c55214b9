/*
 * wire_inventory.h - the messages in which a node says what it holds, as plain structs: the rules
 * of wire_messages.h hold for them.
 */
#ifndef HEARTH_PROTO_WIRE_INVENTORY_H
#define HEARTH_PROTO_WIRE_INVENTORY_H

#include "common/codec.h"
#include "proto/wire_messages.h"

enum {
    WIRE_SHARD_PAGE_MAX = 64,
    WIRE_DIGEST_BITS_MAX = 16,
    WIRE_DIGEST_PAGE_MAX = 64,
    WIRE_DIGEST_SIZE = 32,
};

struct wire_list_shards_request {
    struct view after; /* 16: shards with higher ids; empty: from the first */
    uint64_t max;      /* at most; 0: no end but the last */
};

enum { WIRE_SHARD_LIVE = 1, WIRE_SHARD_TRASH = 2 };

struct wire_shard_entry {
    struct view shard_id; /* 16 */
    struct view locator;  /* 20 */
    uint64_t length;      /* cells and tags */
    uint32_t state;
    uint64_t stored_unix_ms;
    uint64_t trashed_unix_ms; /* to the day; 0: live */
};

struct wire_shard_page {
    const struct wire_shard_entry *shards; /* in the order of ids */
    size_t shards_count;
    uint32_t damaged; /* left out: their records do not verify */
    bool is_last;     /* there are no more, whatever max said */
};

struct wire_digest_shards_request {
    uint32_t bits; /* 2^bits equal ranges of ids, */
    uint32_t first;
    uint32_t count; /* of them these */
};

/* One of `ranges`: WIRE_DIGEST_SIZE bytes for each of the next ones. */
struct wire_shard_digest {
    uint64_t live;
    uint64_t live_sum;
    uint64_t trash;
    uint64_t trash_sum;
};

struct wire_shard_digest_page {
    struct view ranges;
};

void wire_digest_write(struct writer *writer, const struct wire_shard_digest *digest);
struct wire_shard_digest wire_digest_read(struct reader *reader);

#endif /* HEARTH_PROTO_WIRE_INVENTORY_H */
