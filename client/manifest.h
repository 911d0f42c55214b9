/*
 * manifest.h - what only the customer may know of a version: sizes, headers, metadata, keys.
 *
 *   sealed  | 1 (version of the format) | AES-256-GCM(HKDF(BK, "hearth/1/manifest" | body id)) |
 *   associated data: purpose, tenant, bucket id, BK version, key, each with its length; of an
 *   upload in parts and of a part also which one (upload id, u32 number, 0: the upload)
 *
 * Sealing draws the body id, so a key seals one manifest only (D12).  The associated data ties a
 * manifest to its key: rows swapped by whoever keeps them do not open.
 *
 * Inside, little-endian, `text` being a u32 length and bytes:
 *
 *   u8 version = 1 | u64 size | md5 16 | u32 parts
 *   u8 count  of checksums   u8 kind, u8 length, bytes
 *   u16 count of headers     text name, text value
 *   u16 count of metadata    text name, text value
 *   u32 count of extents     segment id 16, u64 offset, u64 length, UK 32
 *   text inline bytes
 *
 * What came in parts, and what has more than 32,000 extents, is of version 2, which says a key once
 * for all extents after one another that have it.  After the metadata it goes on
 *
 *   u32 count of key runs    UK 32, u32 extents
 *   u32 count of extents     segment id 16, u32 offset, u32 length
 *   u32 count of part sizes  u64
 *   text inline bytes
 *
 * Where each part has a checksum of its own that is kept it is of version 3, which is version 2
 * with
 *
 *   u8 kind, u8 length, the checksums of all parts
 *
 * after the part sizes.
 *
 * Pure computation.  Thread-safety: no state.
 */
#ifndef HEARTH_CLIENT_MANIFEST_H
#define HEARTH_CLIENT_MANIFEST_H

#include "client/bucket_key.h"
#include "client/seal.h"
#include "common/arena.h"
#include "proto/wire_messages.h"

enum {
    TENANT_ID_SIZE = 16,
    BODY_ID_SIZE = 16,

    MANIFEST_KEY_MAX = 1024, /* bytes of an object's key, as in S3 */
    MANIFEST_CHECKSUMS_MAX = 8,
    MANIFEST_CHECKSUM_SIZE_MAX = 64,    /* SHA-512 */
    MANIFEST_HEADERS_MAX = 32,          /* S3 has eight that are kept */
    MANIFEST_HEADERS_SIZE_MAX = 8192,   /* names and values; S3 takes 8 KiB of request header */
    MANIFEST_METADATA_MAX = 2048,       /* a name has at least one byte */
    MANIFEST_METADATA_SIZE_MAX = 2048,  /* names and values, as S3 counts them */
    MANIFEST_EXTENTS_MAX = 92000,       /* 5 TiB in full segments and 10,000 ends of parts */
    MANIFEST_EXTENTS_FIRST_MAX = 32000, /* of the first version; see MANIFEST_SEALED_MAX */
    MANIFEST_EXTENT_SIZE = 64,          /* likewise */
    MANIFEST_PARTS_MAX = 10000,         /* as in S3 */
    MANIFEST_INLINE_MAX = 64 * 1024,    /* above every profile's inline_max */

    /* Two of gRPC's messages of this size must fit a small coordinator's memory many times over. */
    MANIFEST_SEALED_MAX = 3 * 1024 * 1024,
    MANIFEST_SEALED_OVERHEAD = 1 + CRYPTO_TAG_SIZE, /* more than the plain bytes */
};

/*
 * Numbers of S3's checksum algorithms. Others are kept and given back as they are.  With
 * MANIFEST_COMPOSITE: over the checksums of the parts, not over the bytes.
 */
enum manifest_checksum_kind {
    MANIFEST_CRC32 = 1,
    MANIFEST_CRC32C = 2,
    MANIFEST_SHA1 = 3,
    MANIFEST_SHA256 = 4,
    MANIFEST_CRC64NVME = 5,
    MANIFEST_COMPOSITE = 0x80,
};

struct manifest_checksum {
    uint8_t kind;
    struct view value;
};

/* A header ("content-type") or a piece of user metadata (without "x-amz-meta-"). */
struct manifest_pair {
    struct view name; /* not empty */
    struct view value;
};

/* `length` > 0 bytes of a segment's plaintext, from `offset`, and what opens it. */
struct manifest_extent {
    uint8_t segment_id[SEGMENT_ID_SIZE];
    uint64_t offset;
    uint64_t length;
    struct upload_key upload_key;
};

/*
 * Either extents or inline bytes make up the object, and they add up to `size`.
 * What a decoded manifest points at lives in the arena and in the bytes it was decoded from.
 */
struct manifest {
    uint64_t size;
    uint8_t md5[CRYPTO_MD5_SIZE]; /* the ETag in clear */
    uint32_t parts;               /* of a multipart upload; 0: none */
    size_t checksum_count;
    const struct manifest_checksum *checksums;
    size_t header_count;
    const struct manifest_pair *headers;
    size_t metadata_count;
    const struct manifest_pair *metadata;
    size_t extent_count;
    const struct manifest_extent *extents;
    size_t part_size_count; /* 0, or `parts` */
    const uint64_t *part_sizes;
    uint8_t part_checksum_kind;
    uint8_t part_checksum_size; /* bytes of each; 0: none are kept */
    struct view part_checksums; /* part_size_count of them, one after the other */
    struct view inline_bytes;
};

/* Where a manifest belongs; the bytes are borrowed for the call. */
struct manifest_place {
    uint8_t tenant_id[TENANT_ID_SIZE];
    uint8_t bucket_id[BUCKET_ID_SIZE];
    const struct bucket_key *bucket_key;
    struct view key; /* <= 1,024 bytes */
    struct view
        part; /* MANIFEST_PART_PLACE_SIZE bytes, as manifest_part_place() makes them; or none */
};

enum { UPLOAD_ID_SIZE = 16, MANIFEST_PART_PLACE_SIZE = UPLOAD_ID_SIZE + 4 };

/* number 0: the upload itself. */
void manifest_part_place(const uint8_t upload_id[UPLOAD_ID_SIZE], uint32_t number,
    uint8_t bytes[MANIFEST_PART_PLACE_SIZE]);

/*
 * body_id was drawn for this call alone (D12: the key is made of it, the nonce is always the same),
 * and is what the coordinator is to be told.  On success *out lies in the arena.
 * HEARTH_INVALID: something is larger than its limit above; it is named.  HEARTH_NO_MEMORY.
 */
enum hearth_code manifest_seal(const struct manifest *manifest, const struct manifest_place *place,
    const uint8_t body_id[BODY_ID_SIZE], struct arena *arena, struct view *out,
    struct hearth_err *err);

/*
 * HEARTH_UNKNOWN_FORMAT: of a newer version.  HEARTH_CHECKSUM: it does not belong here, or is not
 * what was sealed.  HEARTH_NO_MEMORY.
 */
enum hearth_code manifest_open(struct view sealed, const struct manifest_place *place,
    const uint8_t body_id[BODY_ID_SIZE], struct arena *arena, struct manifest *out,
    struct hearth_err *err);

/*
 * What the coordinator says of a version, without being able to open it, against what was sealed.
 * HEARTH_CHECKSUM: another size, or extents [first_extent, first_extent + count) differ.
 */
enum hearth_code manifest_compare(const struct manifest *manifest, uint64_t size,
    uint64_t first_extent, const struct wire_extent *extents, size_t count, struct hearth_err *err);

/* The plain bytes, without sealing; codes as above. What is decoded points into `bytes`. */
enum hearth_code manifest_encode(
    const struct manifest *manifest, struct arena *arena, struct view *out, struct hearth_err *err);
enum hearth_code manifest_decode(
    struct view bytes, struct arena *arena, struct manifest *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_MANIFEST_H */
