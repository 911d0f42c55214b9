/*
 * meta_inside.h - what operations do for each other inside one transaction.
 *
 * Only files whose name begins with meta_ include this.
 */
#ifndef HEARTH_COORDINATOR_META_META_INSIDE_H
#define HEARTH_COORDINATOR_META_META_INSIDE_H

#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_health.h"
#include "coordinator/meta/meta_node.h"
#include "coordinator/meta/meta_object.h"
#include "coordinator/meta/meta_sql.h"

/* ---- meta_tenant ---- */

void meta_grant_put_in(struct meta_tx *tx, const struct meta_grant *grant);

/* False: none. */
bool meta_grant_get_in(struct meta_tx *tx, struct meta_principal principal, struct meta_grant *out);

/* ---- meta_account ---- */

struct meta_page_of;

/* The statement for a page, ready to be stepped. */
struct sql *meta_page_use_in(struct meta_tx *tx, const struct meta_page_of *page,
    enum statement everybody, enum statement of_one);

/* ---- meta_node ---- */

/* 0: no such node. */
uint32_t meta_node_number_in(
    struct meta_tx *tx, struct meta_principal id, enum meta_node_state *state);

struct meta_domain {
    uint32_t node;
    uint32_t owner;
    struct meta_network network;
    enum meta_node_state state;
};

/* False: no such node. */
bool meta_node_domain_in(struct meta_tx *tx, uint32_t number, struct meta_domain *out);

/* Whatever it was before; the caller knows that it may be. */
void meta_node_set_state_in(struct meta_tx *tx, uint32_t number, enum meta_node_state state);

/* HEARTH_INVALID: no line has that. */
enum hearth_code meta_check_uplink(uint64_t bits, struct hearth_err *err);

/* ---- meta_health ---- */

/* One loss more in its record, and why; whoever calls sets its state. */
void meta_health_lose_in(
    struct meta_tx *tx, uint32_t number, enum meta_fence fence, enum meta_node_state before);

struct meta_version_row;

/* ---- meta_outcome ---- */

enum meta_call {
    META_CALL_BUCKET_CREATE = 1,
    META_CALL_BUCKET_DELETE,
    META_CALL_UPLOAD,
    META_CALL_PUT_INLINE,
    META_CALL_COPY,
    META_CALL_DELETE,
    META_CALL_DELETE_MANY,
    META_CALL_COMPLETE,
    META_CALL_KEY_CREATE,
};

/* What a token is for: the same call about something else is another subject. */
struct meta_subject {
    enum meta_call call;
    struct view where; /* bucket id, or tenant id */
    struct view what;  /* key, or bucket name */
};

/*
 * *found: the call has been made, and `result` (borrowed until the next use) is what it did.
 * HEARTH_CONFLICT: the token was used for another subject.
 */
enum hearth_code meta_outcome_find_in(struct meta_tx *tx, const struct meta_id *token,
    const struct meta_subject *subject, struct view *result, bool *found, struct hearth_err *err);

void meta_outcome_record_in(struct meta_tx *tx, const struct meta_id *token,
    const struct meta_subject *subject, struct view result, uint64_t keep_ms);

enum { META_INFO_SIZE = 1 + META_ID_SIZE + 8 + META_ETAG_SIZE + 4 + 8 };

void meta_info_encode(const struct meta_object_info *info, uint8_t bytes[META_INFO_SIZE]);
/* A result that is none fails the transaction. */
void meta_info_decode(struct meta_tx *tx, struct view bytes, struct meta_object_info *out);

/* ---- meta_bucket ---- */

struct meta_bucket_row {
    struct meta_id tenant;
    uint32_t profile;
    uint32_t key_version; /* newest; 0: only reserved, takes nothing */
    uint64_t quota_bytes; /* 0: no limit */
    uint64_t quota_objects;
};

/* HEARTH_NOT_FOUND: no such bucket. */
enum hearth_code meta_bucket_in(struct meta_tx *tx, const struct meta_id *bucket,
    struct meta_bucket_row *out, struct hearth_err *err);

/* One row of a statement that begins with the columns of a bucket; without keys. */
void meta_bucket_read_in(
    struct meta_tx *tx, struct arena *arena, struct sql *sql, struct meta_bucket *out);

/* False: no bucket is called so.  Strings live until the statement's next use. */
bool meta_bucket_named_in(struct meta_tx *tx, struct view name, struct meta_bucket *out);

/* The row alone, without keys. */
void meta_bucket_insert_in(struct meta_tx *tx, const struct meta_bucket *bucket);

/* HEARTH_BUSY: the tenant has as many as there may be. */
enum hearth_code meta_bucket_room_in(
    struct meta_tx *tx, const struct meta_id *tenant, struct hearth_err *err);

/* ---- meta_quota ---- */

/* What a write would change. */
struct meta_growth {
    uint64_t adds;     /* bytes that are not counted yet */
    uint64_t replaces; /* bytes that go in the same transaction */
    bool adds_object;
};

/* An object in the place of `newest`; NULL: there is none. */
void meta_growth_replaces(struct meta_growth *growth, const struct meta_version_row *newest);

/* HEARTH_QUOTA: it would grow beyond what the bucket may hold beside what is reserved. */
enum hearth_code meta_quota_check_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, struct hearth_err *err);

/* What an upload under way keeps of its bucket's quota, from its begin to its end. */
struct meta_reserved {
    uint64_t bytes;
    uint64_t objects;
};

/*
 * Checks, and reserves what is limited: many uploads that begin at once do not all count on the
 * same room.  `by` is the upload's random id or token, the same for the release.
 */
enum hearth_code meta_quota_reserve_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, const struct meta_id *by,
    struct meta_reserved *out, struct hearth_err *err);

/* The upload has become larger than it reserved for: so much more, or HEARTH_QUOTA. */
enum hearth_code meta_quota_extend_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_bucket_row *row, const struct meta_growth *growth, const struct meta_id *by,
    struct meta_reserved *reserved, struct hearth_err *err);

/* Once, when the upload ends, before what it brought is checked. Of a bucket that is gone: nothing.
 */
void meta_quota_release_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_id *by, const struct meta_reserved *share);

void meta_usage_get_in(struct meta_tx *tx, const struct meta_id *bucket, struct meta_usage *out);

/* Objects and bytes more (or less) in the lane of this body. */
void meta_usage_add_in(struct meta_tx *tx, const struct meta_id *bucket, const struct meta_id *body,
    int64_t objects, int64_t bytes);

/* ---- meta_intent ---- */

enum hearth_code meta_key_check(struct view key, struct hearth_err *err);

enum meta_intent_state {
    META_INTENT_OPEN = 1,
    META_INTENT_COMMITTED = 2,
    META_INTENT_ABORTED = 3,
};

struct meta_intent_row {
    struct meta_id id;
    struct meta_id token;
    struct meta_id tenant;
    struct meta_id bucket;
    struct view key; /* in `key_bytes` */
    struct meta_condition condition;
    uint32_t profile;
    enum meta_intent_state state;
    uint64_t expires_ms;
    struct meta_part part;
    struct meta_reserved reserved;
    uint64_t sealed_bytes; /* of its segments so far, while the bucket has a quota */
    uint8_t key_bytes[META_KEY_MAX];
};

/* False: no such intent. */
bool meta_intent_in(struct meta_tx *tx, const struct meta_id *intent, struct meta_intent_row *out);

/* HEARTH_NOT_FOUND, or HEARTH_EXPIRED: it is not open any more. */
enum hearth_code meta_intent_open_in(struct meta_tx *tx, const struct meta_id *intent,
    struct meta_intent_row *out, struct hearth_err *err);

/* One more segment of it is sealed, which is counted where there is a quota.  HEARTH_QUOTA: there
 * is no room for so much. */
enum hearth_code meta_intent_grow_in(
    struct meta_tx *tx, const struct meta_id *intent, uint64_t length, struct hearth_err *err);

/* From OPEN to a final state; what it reserved is free, its segments are settled next. */
void meta_intent_end_in(
    struct meta_tx *tx, const struct meta_intent_row *intent, enum meta_intent_state state);

/* ---- meta_segment ---- */

/* A segment an intent has opened. */
struct meta_opened {
    struct meta_id intent;
    uint8_t vk[META_VK_SIZE];
    uint16_t k, n, w;
    uint16_t last_p;
    bool sealed;
};

/* False: no such segment has been opened, or its intent is settled. */
bool meta_opened_in(struct meta_tx *tx, const struct meta_id *segment, struct meta_opened *out);

/* An upload has opened it and has neither committed nor ended. */
bool meta_is_being_written_in(struct meta_tx *tx, const struct meta_id *segment);

/* False: no such segment is sealed. */
bool meta_segment_in(struct meta_tx *tx, const struct meta_id *segment, struct meta_segment *out);

/* ---- meta_damage ---- */

/* Repair makes this slot anew, and its holder is a last resort until then. */
void meta_damage_mark_in(struct meta_tx *tx, const struct meta_segment *segment, unsigned slot);

/* ---- meta_seal ---- */

/* HEARTH_SHARDS_LOST: `out` says which receipts are bad. */
enum hearth_code meta_seal_in(struct meta_tx *tx, const struct meta_seal *request,
    struct meta_seal_result *out, struct hearth_err *err);

/* As meta_repair_apply(). */
enum hearth_code meta_repair_apply_in(struct meta_tx *tx, const struct meta_repair_apply *request,
    struct meta_seal_result *out, struct hearth_err *err);

/*
 * In one swap the segment has the new code and its holders (D6).  What held the old one become dead
 * shards, to be trashed when no reader can have an order for them (D5), and nobody fills a slot by
 * an offer that was made before.  HEARTH_SHARDS_LOST: fewer than w receipts are good.  HEARTH_BUSY:
 * an upload writes it.
 */
enum hearth_code meta_recode_apply_in(struct meta_tx *tx, const struct meta_recode_apply *request,
    struct meta_seal_result *out, struct hearth_err *err);

/* A sealed segment as it is now. */
void meta_sealed_result(const struct meta_segment *segment, struct meta_seal_result *out);

/* ---- meta_version ---- */

struct meta_version_row {
    struct meta_object_info info;
    struct meta_id body;
    size_t extent_count;
};

/* The visible version. False: none. */
bool meta_newest_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    struct meta_version_row *out);

/* A certain version; also_doomed: it may have been unlinked, while it is kept for readers. */
bool meta_version_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version *version, bool also_doomed, struct meta_version_row *out);

/* Where a new version goes, and under which conditions. */
struct meta_target {
    const struct meta_id *bucket;
    const struct meta_bucket_row *bucket_row;
    struct view key;
    const struct meta_condition *condition;
    const struct meta_id *token;
    enum meta_call call;
    uint64_t keep_ms;      /* the outcome */
    struct meta_part part; /* with a number: a part of an upload, not a version of the key */
};

/* HEARTH_PRECONDITION, HEARTH_NOT_FOUND. newest NULL: there is none. */
enum hearth_code meta_condition_check(const struct meta_condition *condition,
    const struct meta_version_row *newest, struct hearth_err *err);

/*
 * *found: the token's outcome is known and in *out; nothing more is to be done.
 */
enum hearth_code meta_target_resolve_in(struct meta_tx *tx, const struct meta_target *target,
    struct meta_object_info *out, bool *found, struct hearth_err *err);

/* HEARTH_INVALID: sizes and counts that cannot be. */
enum hearth_code meta_body_check(const struct meta_body *body, struct hearth_err *err);

/* HEARTH_INVALID: it may not be kept inline so. */
enum hearth_code meta_inline_check(const struct meta_body *body, uint32_t profile_number,
    const struct meta_part *part, struct hearth_err *err);

/* Without the bucket's row. */
struct meta_target meta_target_of_put(const struct meta_put *put, enum meta_call call);

/* One reference more to each segment, by a body of that bucket; each has one already (D5).
 * HEARTH_NOT_FOUND: not any more. */
enum hearth_code meta_refer_in(struct meta_tx *tx, const struct meta_id *bucket,
    const struct meta_body *body, struct hearth_err *err);

/* HEARTH_WRONG_KEY: no such version of the bucket's key. */
enum hearth_code meta_key_version_check(
    const struct meta_bucket_row *bucket, uint32_t version, struct hearth_err *err);

/* What came of the target's call, under its token. */
void meta_target_record_in(
    struct meta_tx *tx, const struct meta_target *target, const struct meta_object_info *info);

/* HEARTH_CONFLICT: the id is in use. */
enum hearth_code meta_body_insert_in(
    struct meta_tx *tx, const struct meta_body *body, struct hearth_err *err);

/*
 * Makes the body the visible version of the key: condition, body row, old version doomed, usage,
 * outcome.  References to segments are the caller's.  Of a part: the part of its upload instead.
 */
enum hearth_code meta_publish_in(struct meta_tx *tx, const struct meta_target *target,
    const struct meta_body *body, struct meta_object_info *out, struct hearth_err *err);

/* One row of a statement that begins with the columns of a version. False: no more. */
bool meta_version_read_in(struct sql *sql, struct meta_version_row *out);

/*
 * The doomed version becomes the visible one again, under a new version, newer than all before;
 * what is visible (newest; NULL: nothing) is doomed.
 */
void meta_revive_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *newest, const struct meta_version_row *row, struct view tags,
    struct meta_object_info *out);

/* Unlinks a version; its body is reaped when nobody can want it back any more. */
void meta_doom_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row);

/* Marked in the transaction that dooms their body; of one with more extents no segment is. */
enum { META_DOOM_EXTENTS_MAX = 64 };

/* Whether a doomed body of so many extents counts in its segments' doomed_refs. */
static inline bool meta_dooms_segments(uint64_t extent_count)
{
    return extent_count > 0 && extent_count <= META_DOOM_EXTENTS_MAX;
}

/* Its body is reaped when no reader can be at it any more, at once when it has no extents. */
void meta_doom_body_in(struct meta_tx *tx, const struct meta_id *bucket, struct view key,
    const struct meta_version_row *row);

/* ---- meta_lookup ---- */

/* False: the transaction has failed. `extents` is borrowed until the statement's next use. */
bool meta_body_extents_in(struct meta_tx *tx, const struct meta_id *body,
    uint32_t *bucket_key_version, struct view *extents, size_t *count);

/* ---- meta_upload ---- */

/* What meta_publish_in() does for a part: the upload must be open; an older part of that number is
 * doomed.  HEARTH_NOT_FOUND: no such upload. */
enum hearth_code meta_part_publish_in(struct meta_tx *tx, const struct meta_target *target,
    const struct meta_body *body, struct meta_object_info *out, struct hearth_err *err);

/* What a part of `size` bytes changes, in the place of the part of that number, if there is one. */
struct meta_growth meta_part_growth_in(
    struct meta_tx *tx, const struct meta_part *part, uint64_t size);

/* HEARTH_NOT_FOUND: no such upload of that key is open. */
enum hearth_code meta_upload_open_in(struct meta_tx *tx, const struct meta_id *upload,
    const struct meta_id *bucket, struct view key, struct hearth_err *err);

/* The number of a row of parts, and the rest of it, with a version of its own to be doomed under.
 */
uint32_t meta_part_read(struct meta_tx *tx, struct sql *sql, struct meta_version_row *out);

/* A copy in `bytes`. */
struct view meta_upload_tags_in(
    struct meta_tx *tx, const struct meta_id *upload, uint8_t bytes[META_TAGS_MAX]);

/* From open to ended: its parts count no more, and go; what it reserved is free. */
void meta_upload_end_in(
    struct meta_tx *tx, const struct meta_id *upload, const struct meta_id *bucket);

/* A step of garbage collection: uploads nobody goes on with end; of one that has, parts go. */
meta_fn meta_uploads_collect;

/* ---- meta_settings ---- */

struct meta_settings;

/* Untouched when the cluster has no row yet. */
void meta_settings_in(struct meta_tx *tx, struct meta_settings *out);

/* ---- meta_dead ---- */

/* After a restore: nothing is named or delivered. */
bool meta_garbage_is_held_in(struct meta_tx *tx);

/* The name of a placement at its node. */
struct meta_id meta_shard_id_in(
    const struct meta_tx *tx, const struct meta_id *segment, uint16_t slot, uint16_t p);

struct meta_dead {
    const struct meta_id *segment;
    uint16_t slot;
    struct meta_holder placement;
    uint64_t not_before_ms;
    uint64_t bytes; /* 0: not known */
};

/* The node may trash this placement from not_before_ms on: a record that names it (D5). */
void meta_dead_insert_in(struct meta_tx *tx, const struct meta_dead *dead);

/* Likewise all that hold a slot of the segment. Returns how many. */
size_t meta_dead_insert_all_in(
    struct meta_tx *tx, const struct meta_segment *segment, uint64_t not_before_ms);

/* Cells and tags of one of its shards. */
uint64_t meta_shard_bytes(const struct meta_segment *segment);

#endif /* HEARTH_COORDINATOR_META_META_INSIDE_H */
