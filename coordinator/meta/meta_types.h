/*
 * meta_types.h - the nouns of the metadata: ids, versions, holders, extents, and their limits.
 *
 * Plain values, passed by copy.  Sizes are those of the wire (proto/) and of schema.sql.
 */
#ifndef HEARTH_COORDINATOR_META_META_TYPES_H
#define HEARTH_COORDINATOR_META_META_TYPES_H

#include "common/view.h"
#include "erasure/ec_slots.h"

enum {
    META_ID_SIZE = 16,
    META_PRINCIPAL_SIZE = 20, /* first bytes of SHA-256 of a public key; node ids too */
    META_ETAG_SIZE = 16,
    META_VK_SIZE = 32,
    META_KEY_ID_SIZE = 8,

    META_KEY_MAX = 1024,        /* bytes of an object's key, as S3 has it */
    META_BUCKET_NAME_MAX = 63,  /* as S3 has it */
    META_NAME_MAX = 255,        /* owners, tenants, places, software */
    META_SLOTS_MAX = 128,       /* n of any profile */
    META_PLACEMENT_MAX = 65535, /* p is 16 bits; a segment that used all of them takes no more */
    META_SEGMENT_SIZE_MAX = 64 << 20,
    META_EXTENTS_MAX = 92000,    /* of one body: 5 TiB in full segments, 10,000 ends of parts */
    META_MANIFEST_MAX = 3 << 20, /* a manifest of META_EXTENTS_MAX extents with their keys */
    META_TAGS_MAX = 8192,        /* of one object */
    META_PARTS_MAX = 10000,      /* of one upload, as S3 has it */
    META_ENDPOINTS_MAX = 4,
};

struct meta_id {
    uint8_t bytes[META_ID_SIZE];
};

struct meta_principal {
    uint8_t bytes[META_PRINCIPAL_SIZE];
};

/* Of one key: ascending is newest first (2^64 - 1 - time, big-endian, then 8 random bytes). */
struct meta_version {
    uint8_t bytes[META_ID_SIZE];
};

struct meta_etag {
    uint8_t bytes[META_ETAG_SIZE]; /* the MD5 as one block under a bucket key */
};

static inline struct view meta_id_view(const struct meta_id *id)
{
    return view_of(id->bytes, sizeof(id->bytes));
}

static inline bool meta_id_equal(struct meta_id a, struct meta_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static inline bool meta_id_is_zero(struct meta_id id)
{
    return meta_id_equal(id, (struct meta_id){{0}});
}

/* `length` bytes of a segment's plaintext, from `offset`. */
struct meta_extent {
    struct meta_id segment;
    uint32_t offset;
    uint32_t length;
};

/* Who has a slot.  node 0: nobody.  p: which placement of the slot it is, from 1. */
struct meta_holder {
    uint32_t node; /* node number */
    uint16_t p;
};

/* A placement offered to a node: the order for it may leave once this is durable. */
struct meta_offer {
    uint16_t slot;
    uint16_t p;
    uint32_t node;
};

/* What a verified receipt says. The caller has checked its MAC, shard name and tag digest. */
struct meta_receipt {
    uint16_t slot;
    uint16_t p;
    uint32_t node;
    uint64_t shard_length; /* cells and tags the node says it holds */
};

enum meta_codec { META_CODEC_RS_CAUCHY = 1 };

/* One segment as the sweep, readers and repair see it. */
struct meta_segment {
    struct meta_id id;
    struct meta_id bucket; /* it was written for; others may share it (struct meta_share) */
    uint32_t profile;      /* number, see profile.h */
    enum meta_codec codec;
    uint16_t k;
    uint16_t n;
    uint32_t length; /* of the plaintext */
    uint8_t vk[META_VK_SIZE];
    uint64_t generation;  /* of `holders`; rises with each change (D6) */
    uint64_t refs;        /* extents of committed bodies that name it */
    uint64_t doomed_refs; /* of these: of bodies that are doomed */
    uint64_t sealed_ms;   /* unix time */
    uint64_t dying_ms;    /* 0: alive; else nobody names it any more, since then */
    uint16_t last_p;      /* of all placements offered so far */
    struct meta_holder holders[META_SLOTS_MAX]; /* [0, n) */
    struct ec_slots damaged; /* by their nodes' own word, or an audit's: a last resort of reading */
    struct ec_slots passed;  /* an audit found them as they were stored */
};

/* A bucket other than its own in which copies name a segment. */
struct meta_share {
    struct meta_id segment;
    struct meta_id bucket;
    uint64_t refs; /* of the segment's */
};

/* Only doomed bodies name it: it is readable for a while, and nobody will want it after that. */
static inline bool meta_segment_is_doomed(const struct meta_segment *segment)
{
    return segment->refs > 0 && segment->doomed_refs >= segment->refs;
}

#endif /* HEARTH_COORDINATOR_META_META_TYPES_H */
