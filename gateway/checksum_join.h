/*
 * checksum_join.h - the checksum of an object out of those of its parts.
 *
 *   composite     the algorithm over the parts' checksums, one after the other
 *   full object   of the bytes themselves: the parts' CRCs joined by their lengths
 *
 * Thread-safety: none; belongs to a call.
 */
#ifndef HEARTH_GATEWAY_CHECKSUM_JOIN_H
#define HEARTH_GATEWAY_CHECKSUM_JOIN_H

#include "common/crypto.h"
#include "gateway/checksum_text.h"

struct checksum_join {
    const struct checksum_kind *kind; /* NULL: none is wanted */
    bool is_composite;
    bool is_broken; /* a part has none of this kind */
    unsigned parts;
    uint8_t *joined; /* composite: room for all of them, the caller's */
    size_t joined_size;
    uint64_t crc;
    uint8_t value[CHECKSUM_SIZE_MAX];
    struct hearth_checksum result;
};

/* `room`: HEARTH_PARTS_MAX times CHECKSUM_SIZE_MAX bytes. */
void checksum_join_init(
    struct checksum_join *join, const struct checksum_kind *kind, bool is_composite, uint8_t *room);

void checksum_join_add(struct checksum_join *join, const struct hearth_part *part);

/* Of all parts added; none when one of them has none.  Valid as long as `join`. */
struct hearth_checksums checksum_join_end(struct checksum_join *join);

#endif /* HEARTH_GATEWAY_CHECKSUM_JOIN_H */
