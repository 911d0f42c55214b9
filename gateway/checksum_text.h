/*
 * checksum_text.h - checksums by S3's names: "x-amz-checksum-crc32c: base64".
 *
 * The bytes of a body have been verified against them before a handler sees its end; here they are
 * only read, kept and given back.  Thread-safety: none needed.
 */
#ifndef HEARTH_GATEWAY_CHECKSUM_TEXT_H
#define HEARTH_GATEWAY_CHECKSUM_TEXT_H

#include "client/hearth.h"
#include "common/arena.h"
#include "common/crc.h"
#include "common/http/http.h"
#include "gateway/xml_out.h"

enum {
    CHECKSUM_KINDS = 5,
    CHECKSUM_SIZE_MAX = 32,
    CHECKSUM_TEXT_SIZE = 44 + 1 + 5 + 1, /* base64 of 32 bytes, "-10000", zero */
};

struct checksum_kind {
    enum hearth_checksum_kind kind;
    const char *header;
    const char *element;   /* in XML */
    const char *name;      /* of the algorithm */
    unsigned size;         /* bytes */
    const struct crc *crc; /* NULL: it is a hash */
    bool composes;         /* over parts, when nobody says otherwise */
};

/* All of them, in the order of enum hearth_checksum_kind from 1. */
extern const struct checksum_kind checksum_kinds[CHECKSUM_KINDS];

/* "CRC32C", of either case; NULL: no such algorithm. */
const struct checksum_kind *checksum_by_name(const char *name);

/* NULL: not one of ours. */
const struct checksum_kind *checksum_by_kind(enum hearth_checksum_kind kind);

/* "AAAAAA==", "AAAAAA==-2" when it is composite. */
void checksum_text(
    const struct hearth_checksum *checksum, unsigned parts, char text[CHECKSUM_TEXT_SIZE]);

/* "COMPOSITE" or "FULL_OBJECT". */
const char *checksum_type(const struct hearth_checksum *checksum);

/* <ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>.  False: not one of ours, nothing was written. */
bool checksum_write(struct xml_out *xml, const struct hearth_checksum *checksum, unsigned parts);

/* From base64, `bytes` has room.  False: not a value of this kind. */
bool checksum_parse(const struct checksum_kind *kind, const char *text, uint8_t *bytes);

#endif /* HEARTH_GATEWAY_CHECKSUM_TEXT_H */
