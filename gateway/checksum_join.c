#include "gateway/checksum_join.h"

#include <assert.h>

void checksum_join_init(
    struct checksum_join *join, const struct checksum_kind *kind, bool is_composite, uint8_t *room)
{
    *join = (struct checksum_join){.kind = kind, .is_composite = is_composite, .joined = room};
}

static const struct hearth_checksum *find(
    const struct checksum_join *join, const struct hearth_part *part)
{
    for (unsigned i = 0; i < part->checksums.count; i++) {
        const struct hearth_checksum *item = &part->checksums.items[i];
        if (item->kind == join->kind->kind && item->value.size == join->kind->size) {
            return item;
        }
    }
    return NULL;
}

void checksum_join_add(struct checksum_join *join, const struct hearth_part *part)
{
    if (join->kind == NULL) {
        return;
    }
    const struct hearth_checksum *item = find(join, part);
    join->parts++;
    if (item == NULL) {
        join->is_broken = true;
    } else if (join->is_composite) {
        assert(join->parts <= HEARTH_PARTS_MAX);
        memcpy(join->joined + join->joined_size, item->value.bytes, item->value.size);
        join->joined_size += item->value.size;
    } else {
        const struct crc *crc = join->kind->crc;
        assert(crc != NULL); /* no other kind can be of the full object */
        uint64_t value = crc_read(crc, item->value.bytes);
        join->crc = join->parts == 1 ? value : crc_join(crc, join->crc, value, part->size);
    }
}

static void digest_composite(struct checksum_join *join)
{
    struct view all = view_of(join->joined, join->joined_size);
    const struct crc *crc = join->kind->crc;
    if (crc != NULL) {
        crc_write(crc, crc_update(crc, 0, all), join->value);
        return;
    }
    enum crypto_hash_kind kind =
        join->kind->kind == HEARTH_CHECKSUM_SHA1 ? CRYPTO_SHA1 : CRYPTO_SHA256;
    struct crypto_hash *hash = crypto_hash_create(kind);
    crypto_hash_update(hash, all);
    crypto_hash_final(hash, join->value);
    crypto_hash_destroy(hash);
}

struct hearth_checksums checksum_join_end(struct checksum_join *join)
{
    if (join->kind == NULL || join->is_broken || join->parts == 0) {
        return (struct hearth_checksums){0};
    }
    if (join->is_composite) {
        digest_composite(join);
    } else {
        crc_write(join->kind->crc, join->crc, join->value);
    }
    join->result = (struct hearth_checksum){
        .kind = join->kind->kind,
        .is_composite = join->is_composite,
        .value = view_of(join->value, join->kind->size),
    };
    return (struct hearth_checksums){1, &join->result};
}
