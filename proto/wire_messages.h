/*
 * wire_messages.h - every message of hearth.proto as a plain struct of ours.
 *
 * One rule makes them all: message FooBar is `struct wire_foo_bar` with the same field names; bytes
 * are a view; one message inside another is a pointer, NULL when absent; what is repeated is an
 * array and a count.  Sizes and counts in comments are limits that wire_decode() and wire_encode()
 * check; the whole list of them is wire_messages.c.
 *
 * Everything a decoded message points at lives in the arena it was decoded into.
 */
#ifndef HEARTH_PROTO_WIRE_MESSAGES_H
#define HEARTH_PROTO_WIRE_MESSAGES_H

#include "common/view.h"

/*
 * Limits of sizes (bytes) and counts.  Each is what a correct peer can need, with room; more is
 * refused before anything looks at it (D11).
 */
enum {
    WIRE_KEY_MAX = 1024, /* S3's */
    WIRE_NAME_MAX = 255, /* of buckets, profiles, owners, tenants; narrower rules apply elsewhere */
    WIRE_HOST_MAX = 253, /* DNS */
    WIRE_TEXT_MAX = 511, /* a message for people, as in struct hearth_err */
    WIRE_LIST_TOKEN_MAX = 2 * WIRE_KEY_MAX,
    WIRE_CERTIFICATE_MAX = 4096, /* PEM; ours are about 900 */
    WIRE_PUBLIC_KEY_MAX = 128,   /* DER; P-256 takes 91 */
    WIRE_SIGNATURE_MAX = 80,     /* DER; P-256 takes up to 72 */
    WIRE_SIGNED_MAX = 256,       /* an order or a receipt; order_format.c asserts that they fit */
    WIRE_WRAPPED_KEY_MAX = 256,
    WIRE_INVITE_MAX = 2564,     /* the largest text of invite.h */
    WIRE_CELL_MAX = 65552 + 16, /* a unit, which is the largest cell, and its tag */
    WIRE_MANIFEST_MAX = 3 << 20,
    WIRE_MANIFEST_SMALL_MAX = 64 << 10, /* one without extents or bytes */
    WIRE_TAGS_MAX = 8192,               /* ten tags, three times S3's characters */
    WIRE_BACKUP_CHUNK_MAX = 256 << 10,
    WIRE_PATH_MAX = 4096,
    WIRE_QUESTION_MAX = 64 << 10,       /* of those that travel together */
    WIRE_ANSWERS_SIZE_MAX = 1984 << 10, /* to all of them */

    WIRE_ENDPOINTS_MAX = 4,
    WIRE_SLOTS_MAX = 128,
    WIRE_BUCKET_KEYS_MAX = 64,
    WIRE_EXTENTS_MAX = 92000, /* of one object: 5 TiB in full segments, with 10,000 part ends */
    WIRE_PARTS_MAX = 10000,   /* S3's */
    WIRE_SEGMENTS_MAX = 16,   /* of one Lookup */
    WIRE_QUESTIONS_MAX = 32,  /* that travel together */
    WIRE_LIST_MAX = 1000,     /* S3's */
    WIRE_DAMAGED_MAX = 64,    /* of one heartbeat; the rest has time */
    WIRE_TRASH_MAX = 1024,    /* shards of one heartbeat: 18 KiB */
    WIRE_ORDER_KEYS_MAX = 3,
    WIRE_COORDINATORS_MAX = 8,
    WIRE_NODES_MAX = 8192,
};

struct wire_part_place; /* wire_uploads.h */

/* ---- shared pieces ---- */

/* Says nothing: some calls need no words. */
struct wire_empty {
    char nothing; /* C has no empty struct */
};

/* One way to reach a node. */
struct wire_endpoint {
    uint32_t kind; /* 1 direct, 2 relay */
    struct view host;
    uint32_t port;
};

struct wire_node_address {
    struct view node_id;                   /* 20 */
    const struct wire_endpoint *endpoints; /* at most 4 */
    size_t endpoints_count;
};

/* A slot of a segment offered to, or held by, a node, with the order that opens its door. */
struct wire_placement {
    uint32_t slot;
    uint32_t number;   /* p: the how-many-eth offer of this slot */
    struct view order; /* exact signed bytes; empty: ask MoreOrders */
    const struct wire_node_address *node;
};

/* A node's proof that it holds a shard. */
struct wire_slot_receipt {
    uint32_t slot;
    uint32_t number;
    struct view receipt; /* exact signed bytes */
};

struct wire_extent {
    struct view segment_id; /* 16 */
    uint64_t offset;        /* into the segment's plaintext */
    uint64_t length;
};

struct wire_precondition {
    bool must_not_exist;        /* If-None-Match: * */
    bool must_exist;            /* If-Match: * */
    struct view must_have_etag; /* If-Match: the sealed etag column, 16 */
    uint32_t must_have_parts;   /* and the part count that belongs to it */
};

/* What a key's visible version looks like from outside. */
struct wire_version_info {
    struct view version; /* 16: ascending is newest first */
    uint64_t size;
    struct view etag; /* sealed, 16 */
    uint32_t parts;
    uint64_t created_unix_ms;
};

struct wire_profile {
    struct view name;
    uint32_t k;
    uint32_t n;
    uint32_t w; /* receipts that acknowledge */
    uint32_t r; /* repair at this many held */
    uint32_t fill;
    uint32_t inline_max; /* bytes */
};

struct wire_bucket_key {
    uint32_t version;
    struct view wrapped;
};

struct wire_bucket_info {
    struct view name;
    struct view bucket_id; /* 16 */
    uint64_t created_unix_ms;
    const struct wire_profile *profile;
    const struct wire_bucket_key *keys; /* newest last; none: nobody has written to it */
    size_t keys_count;
    bool public_read;
    uint64_t quota_bytes;   /* 0: no limit */
    uint64_t quota_objects; /* likewise */
};

/* ---- the customer's plane ---- */

/* Towards nodes everybody shows a session certificate, so that a node cannot tell who asks. */
struct wire_open_session_request {
    struct view public_key; /* DER SubjectPublicKeyInfo, P-256 */
};

struct wire_open_session_reply {
    struct view certificate; /* PEM */
    uint64_t expires_unix_ms;
    uint64_t now_unix_ms;
    struct view tenant_id; /* 16 */
    struct view tenant_name;
    struct view
        root_key_id; /* 8: of the root key that first wrapped a bucket key; empty: none yet */
};

struct wire_create_bucket_request {
    struct view name;
    struct view bucket_id; /* 16, drawn by the caller, because the wrap is bound to it */
    struct view profile;   /* empty: the cluster's default */
    const struct wire_bucket_key *key;
    struct view root_key_id; /* 8 */
    struct view token;       /* 16: the same token gives the same outcome */
};

struct wire_delete_bucket_request {
    struct view name;
    struct view token;
};

struct wire_head_bucket_request {
    struct view name;
};

/* Whether anybody may read it. */
struct wire_set_bucket_access_request {
    struct view name;
    bool public_read;
};

struct wire_list_buckets_reply {
    const struct wire_bucket_info *buckets;
    size_t buckets_count;
};

struct wire_begin_request {
    struct view bucket;
    struct view key;
    const struct wire_precondition *precondition;
    struct view token;
    struct view bucket_id; /* 16: what the name meant to whoever seals for it */
    const struct wire_part_place *part;
    uint64_t size_expected; /* of the object or part, for the quota; 0: not known */
};

struct wire_begin_reply {
    struct view intent_id; /* 16 */
    uint64_t expires_unix_ms;
};

struct wire_open_segment_request {
    struct view intent_id;
    struct view segment_id; /* 16, drawn by the library for this sealing pass */
    struct view vk;         /* 32: checks cell tags, opens nothing */
    uint64_t length_max;    /* plaintext; 0: the largest a segment can be */
    struct view session_id; /* 20: whose certificate the orders are for */
};

struct wire_open_segment_reply {
    uint32_t k;
    uint32_t n;
    uint32_t w;
    const struct wire_placement *placements;
    size_t placements_count;
    uint64_t orders_expire_unix_ms;
};

struct wire_offer_slot_request {
    struct view intent_id;
    struct view segment_id;
    uint32_t slot;
    const struct view *failed_node_ids;
    size_t failed_node_ids_count;
    struct view session_id; /* 20: whose certificate the orders are for */
};

struct wire_seal_segment_request {
    struct view intent_id;
    struct view segment_id;
    uint64_t length; /* plaintext */
    const struct wire_slot_receipt *receipts;
    size_t receipts_count;
};

struct wire_bad_slot {
    uint32_t slot;
    uint32_t code;
    struct view reason;
};

struct wire_seal_segment_reply {
    uint64_t generation;
    uint32_t holders;
    const struct wire_bad_slot *bad_slots;
    size_t bad_slots_count;
};

struct wire_add_holders_request {
    struct view segment_id;
    const struct wire_slot_receipt *receipts;
    size_t receipts_count;
};

struct wire_commit_request {
    struct view intent_id;
    struct view body_id; /* 16 */
    uint32_t bucket_key_version;
    struct view manifest; /* sealed */
    uint64_t size;
    struct view etag; /* sealed, 16 */
    uint32_t parts;
    const struct wire_extent *extents;
    size_t extents_count;
    const struct wire_seal_segment_request
        *seal; /* the last segment, sealed in the same transaction */
    struct view tags;
};

struct wire_commit_reply {
    struct view version; /* 16 */
    uint64_t created_unix_ms;
    const struct wire_seal_segment_reply *sealed;
};

struct wire_abort_request {
    struct view intent_id;
};

struct wire_put_inline_request {
    struct view bucket;
    struct view key;
    const struct wire_precondition *precondition;
    struct view token;
    struct view body_id;
    uint32_t bucket_key_version;
    struct view manifest; /* sealed, with the bytes inside */
    uint64_t size;
    struct view etag;
    uint32_t parts;
    struct view bucket_id; /* 16: as in a begin request */
    const struct wire_part_place *part;
    struct view tags;
};

struct wire_copy_request {
    struct view source_bucket;
    struct view source_key;
    struct view source_version;
    const struct wire_put_inline_request
        *put; /* where to; the manifest is sealed for the destination */
    const struct wire_extent *extents;
    size_t extents_count;
};

struct wire_lookup_request {
    struct view bucket;
    struct view key;
    struct view version;    /* empty: the newest */
    uint64_t offset;        /* of the wanted range */
    uint64_t length;        /* 0: to the end */
    uint64_t cursor;        /* extent to start from, as next_cursor said */
    bool head_only;         /* no segments, no orders */
    bool suffix;            /* the last `length` bytes */
    struct view session_id; /* 20: whose certificate the orders are for */
    bool with_estimate;
};

/* How a holder's shard is. */
enum wire_holder_state {
    WIRE_HOLDER_MISSING = 1, /* its node is lost, or says that it is damaged */
    WIRE_HOLDER_DOUBTFUL, /* counts as missing, and is read while there are fewer than k others */
    WIRE_HOLDER_SILENT,   /* held; its node does not answer now */
    WIRE_HOLDER_REACHABLE,
};

/* Chances are digits, as in wire_repair.h. */
struct wire_segment_estimate {
    uint32_t held;
    uint32_t reachable;
    uint32_t trigger;           /* repair begins when no more are held */
    uint64_t unreadable_digits; /* P(unreadable now) */
    uint64_t lost_digits;       /* P(lost within a year) */
    uint32_t reason;            /* why repair is due now; 0: it is not */
    const uint32_t *uptime_ppm; /* of each of the holders */
    size_t uptime_ppm_count;
    const uint32_t *states; /* likewise: enum wire_holder_state */
    size_t states_count;
};

struct wire_segment_info {
    struct view segment_id;
    uint64_t length; /* plaintext */
    uint32_t codec;  /* 1: Reed-Solomon, Cauchy */
    uint32_t k;
    uint32_t n;
    struct view vk; /* 32 */
    uint64_t generation;
    const struct wire_placement *holders; /* orders on k + min(4, n - k) of them */
    size_t holders_count;
    const struct wire_segment_estimate *estimate; /* NULL: not asked for */
};

struct wire_lookup_reply {
    const struct wire_version_info *info;
    struct view body_id;
    uint32_t bucket_key_version;
    struct view manifest;  /* sealed; empty when cursor was not 0 */
    uint64_t first_extent; /* index of extents[0] in the object */
    const struct wire_extent *extents;
    size_t extents_count;
    const struct wire_segment_info *segments; /* of these extents, each once */
    size_t segments_count;
    uint64_t next_cursor; /* 0: that was all */
    struct view tags;     /* empty when cursor was not 0 */
};

/* Questions of one kind that travel together, each a message of the call for one. */
struct wire_many_request {
    const struct view *questions;
    size_t questions_count;
};

struct wire_answer {
    uint32_t code;     /* of this question alone */
    struct view text;  /* when code is not 0 */
    struct view reply; /* as of the call for one; empty though code is 0: to be asked alone */
};

struct wire_many_reply {
    const struct wire_answer *answers; /* in the order of the questions */
    size_t answers_count;
};

struct wire_more_orders_request {
    struct view bucket;
    struct view key;
    struct view version;
    struct view segment_id;
    const uint32_t *failed_slots;
    size_t failed_slots_count;
    struct view session_id; /* 20: whose certificate the orders are for */
};

struct wire_delete_request {
    struct view bucket;
    struct view key;
    const struct wire_precondition *precondition;
    struct view token;
};

struct wire_delete_reply {
    bool existed;
};

struct wire_list_request {
    struct view bucket;
    struct view prefix;
    struct view delimiter;
    struct view start_after;
    struct view token; /* next_token of the page before */
    uint32_t max;      /* 0: 1,000, which is also the most */
};

struct wire_list_entry {
    struct view key;
    const struct wire_version_info *info;
};

struct wire_list_reply {
    const struct wire_list_entry *entries;
    size_t entries_count;
    const struct view *prefixes;
    size_t prefixes_count;
    struct view next_token; /* empty: that was all */
};

struct wire_whereis_request {
    const struct view *node_ids;
    size_t node_ids_count;
};

struct wire_whereis_reply {
    const struct wire_node_address *nodes;
    size_t nodes_count;
};

/* What a reader found wrong with a holder.  A hint: it convicts nobody. */
struct wire_report_shard_request {
    struct view segment_id;
    uint32_t slot;
    uint32_t number;
    struct view node_id;
    uint32_t code; /* a hearth_code: CHECKSUM, NOT_FOUND, UNREACHABLE ... */
    struct view detail;
};

/* ---- the node's plane ---- */

struct wire_trash_result {
    struct view shard_id; /* 16 */
    uint32_t outcome;     /* 1 trashed, 2 never had, id barred */
};

struct wire_damaged_shard {
    struct view shard_id; /* 16 */
    struct view locator;  /* 20 */
};

struct wire_heartbeat_request {
    struct view volume_uuid; /* 16 */
    uint64_t start_count;
    uint64_t sequence; /* highest written: going back means an older disk */
    const struct wire_endpoint *endpoints;
    size_t endpoints_count;
    uint64_t capacity;
    uint64_t used;
    uint64_t trash;
    uint64_t free;
    uint64_t shards;
    struct view software;
    bool read_only;
    const struct wire_trash_result *trash_results;
    size_t trash_results_count;
    const struct wire_damaged_shard *damaged;
    size_t damaged_count;
    struct view instance;    /* 16: drawn when the daemon started; empty: by one that draws none */
    uint64_t trash_withheld; /* of the shards named dead last: more than a day may trash */
    uint64_t trash_day;      /* bytes: so much may, today */
};

struct wire_order_key {
    uint32_t key_id;
    struct view order_key;   /* 32: this node's, checks orders */
    struct view receipt_key; /* 32: this node's, makes receipts */
};

struct wire_heartbeat_reply {
    uint32_t next_interval_ms;
    uint64_t now_unix_ms;
    const struct wire_order_key *order_keys; /* previous, current, next */
    size_t order_keys_count;
    const struct view *trash; /* shard ids to move to the trash */
    size_t trash_count;
    uint64_t recovery_epoch;      /* a node that has heard a higher one takes nothing of these */
    uint64_t trash_sum;           /* of all that `trash` names, see common/id_sum.h */
    uint64_t purge_until_unix_ms; /* what was trash before may be purged after its 7 days */
    bool trash_released;          /* an operator lets more than a day's worth go */
};

/* ---- the operator's plane ---- */

struct wire_invite_request {
    struct view kind; /* "node", "client", "gateway", "admin" */
    struct view owner;
    struct view network; /* empty: the observed prefix */
    struct view place;
    struct view tenant; /* name; made when it does not exist */
    uint32_t valid_s;
    uint64_t uplink_bits; /* of a node's line, a second; 0: not known */
};

struct wire_invite_reply {
    struct view invite; /* text to hand over */
    uint64_t expires_unix_ms;
};

struct wire_backup_chunk {
    struct view bytes;
};

struct wire_restore_chunk {
    uint64_t size; /* of the whole file; of the first message it counts */
    struct view bytes;
};

struct wire_restore_reply {
    uint64_t recovery_epoch; /* once it is in place */
    uint64_t backup_unix_ms; /* how far the backup knows */
    uint64_t versions;       /* of objects, that it names */
    struct view aside;       /* where the metadata of before will be */
};

/* ---- shards ---- */

struct wire_shard_put_open {
    struct view order;
    uint64_t size_expected; /* cells and tags; 0: not known yet */
};

struct wire_shard_put_footer {
    uint32_t cells;
    uint64_t size;          /* cells and tags */
    struct view tag_digest; /* 32: SHA-256 over all tags in stripe order */
};

/* One open, then cells in stripe order, then the footer. */
enum wire_shard_put_step {
    WIRE_SHARD_PUT_NOTHING, /* a decoded message of no step we know */
    WIRE_SHARD_PUT_OPEN,
    WIRE_SHARD_PUT_CELL,
    WIRE_SHARD_PUT_FOOTER,
};

/* Only the field that `step` names is looked at. */
struct wire_shard_put_message {
    enum wire_shard_put_step step;
    const struct wire_shard_put_open *open;
    struct view cell; /* a cell and its 16-byte tag */
    const struct wire_shard_put_footer *footer;
};

struct wire_shard_put_reply {
    struct view receipt;
};

struct wire_shard_get_request {
    struct view order;
    uint32_t first_stripe;
    uint32_t stripes;
};

struct wire_shard_get_message {
    struct view cell; /* a cell and its 16-byte tag */
};

/* ---- enrolment ---- */

struct wire_enrol_request {
    uint32_t format;        /* 1 */
    struct view token;      /* from the invite; empty: renewal of a known key */
    struct view public_key; /* DER */
    struct view signature;  /* ECDSA over the TLS exporter: the key is held by who speaks */
};

struct wire_enrol_reply {
    uint32_t code; /* hearth_code */
    struct view message;
    struct view certificate;         /* PEM */
    struct view ca_certificate;      /* PEM */
    struct view cluster_id;          /* 16 */
    const struct view *coordinators; /* host:port of the RPC service */
    size_t coordinators_count;
    struct view tenant_id;
    struct view tenant_name;
    uint64_t now_unix_ms;
};

#endif /* HEARTH_PROTO_WIRE_MESSAGES_H */
