/*
 * The tables of the messages in wire_inventory.h.
 */
#include "proto/wire_inventory.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire.h"
#include "proto/wire_rows.h"

static const struct wire_field list_shards_request_fields[] = {
    ID_OR_NONE(list_shards_request, after, 16),
    NUMBER(list_shards_request, max),
};
DESCRIBE(list_shards_request, list_shards_request_fields);

static const struct wire_field shard_entry_fields[] = {
    ID(shard_entry, shard_id, 16),
    ID(shard_entry, locator, 20),
    NUMBER(shard_entry, length),
    NUMBER_TO(shard_entry, state, WIRE_SHARD_TRASH),
    NUMBER(shard_entry, stored_unix_ms),
    NUMBER(shard_entry, trashed_unix_ms),
};
DESCRIBE(shard_entry, shard_entry_fields);

static const struct wire_field shard_page_fields[] = {
    MESSAGES(shard_page, shards, shard_entry, WIRE_SHARD_PAGE_MAX),
    NUMBER_TO(shard_page, damaged, WIRE_SHARD_PAGE_MAX),
    NUMBER(shard_page, is_last),
};
DESCRIBE(shard_page, shard_page_fields);

static const struct wire_field digest_shards_request_fields[] = {
    NUMBER_TO(digest_shards_request, bits, WIRE_DIGEST_BITS_MAX),
    NUMBER_TO(digest_shards_request, first, 1 << WIRE_DIGEST_BITS_MAX),
    NUMBER_TO(digest_shards_request, count, 1 << WIRE_DIGEST_BITS_MAX),
};
DESCRIBE(digest_shards_request, digest_shards_request_fields);

static const struct wire_field shard_digest_page_fields[] = {
    BYTES(shard_digest_page, ranges, WIRE_DIGEST_PAGE_MAX *WIRE_DIGEST_SIZE),
};
DESCRIBE(shard_digest_page, shard_digest_page_fields);

void wire_digest_write(struct writer *writer, const struct wire_shard_digest *digest)
{
    writer_u64(writer, digest->live);
    writer_u64(writer, digest->live_sum);
    writer_u64(writer, digest->trash);
    writer_u64(writer, digest->trash_sum);
}

struct wire_shard_digest wire_digest_read(struct reader *reader)
{
    struct wire_shard_digest digest = {.live = reader_u64(reader)};
    digest.live_sum = reader_u64(reader);
    digest.trash = reader_u64(reader);
    digest.trash_sum = reader_u64(reader);
    return digest;
}
