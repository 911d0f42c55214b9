/*
 * put_state.h - how far a put has come, for one that goes on later: sealed, for it holds UK.
 *
 *   | 1 (version of the format) | salt 16 | BK version u32 | AES-256-GCM(HKDF(BK, label | salt)) |
 *   associated data: tenant, bucket id, key, each with its length; label "hearth/1/put-state"
 *
 * Inside, little-endian:
 *
 *   intent id 16 | UK 32 | u64 size of the object
 *   u32 count of sealed segments    segment id 16, u64 length, digest 32
 *
 * The salt is drawn at each sealing, so a key seals one state only (D12).
 *
 * Pure computation.  Thread-safety: no state of its own.
 */
#ifndef HEARTH_CLIENT_PUT_STATE_H
#define HEARTH_CLIENT_PUT_STATE_H

#include "client/bucket_cache.h"
#include "client/manifest.h"
#include "client/put_digest.h"

enum { PUT_INTENT_ID_SIZE = 16 };

struct put_state_segment {
    uint8_t id[SEGMENT_ID_SIZE];
    uint64_t length; /* of plaintext, from the end of the one before */
    uint8_t digest[PUT_DIGEST_SIZE];
};

struct put_state {
    uint8_t intent_id[PUT_INTENT_ID_SIZE];
    struct upload_key upload_key;
    uint64_t size; /* of the object: more than all segments together */
    size_t count;
    const struct put_state_segment *segments;
};

/* Where a state belongs; borrowed for the call. */
struct put_state_place {
    uint8_t tenant_id[TENANT_ID_SIZE];
    const struct bucket *bucket;
    struct view key;
};

/* In the arena. */
enum hearth_code put_state_seal(const struct put_state *state, const struct put_state_place *place,
    struct env *env, struct arena *arena, struct view *out, struct hearth_err *err);

/*
 * The segments live in the arena.  HEARTH_UNKNOWN_FORMAT: of a newer version.  HEARTH_CHECKSUM: it
 * does not belong here, or is not what was sealed.
 */
enum hearth_code put_state_open(struct view sealed, const struct put_state_place *place,
    struct arena *arena, struct put_state *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_PUT_STATE_H */
