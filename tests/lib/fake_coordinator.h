/*
 * fake_coordinator.h - a coordinator in a few hundred lines: one tenant, everything in memory, and
 * the power to lose questions and answers.
 *
 * Requests and replies pass through wire_encode() and wire_decode(), so what a transfer asks is
 * held to the limits of the real wire, and nothing is shared by accident.
 *
 * What it promises is what the real one does: the same token, intent or segment gives the same
 * outcome; nothing is visible before its commit; a seal takes w receipts of distinct slots.
 *
 * Thread-safety: none, as fake_net.h.
 */
#ifndef HEARTH_TESTS_LIB_FAKE_COORDINATOR_H
#define HEARTH_TESTS_LIB_FAKE_COORDINATOR_H

#include "client/coordinator.h"
#include "common/arena.h"
#include "proto/wire_uploads.h"
#include "tests/lib/fake_net.h"

enum {
    FAKE_SEGMENTS_MAX = 64,
    FAKE_VERSIONS_MAX = 256,
    FAKE_BUCKETS_MAX = 80,
    FAKE_OUTCOMES_MAX = 1024,
    FAKE_FAULTS_MAX = 8,
    FAKE_REPORTS_MAX = 256,
    FAKE_UPLOADS_MAX = 8,
    FAKE_PARTS_MAX = 16,
};

/* What befalls the nth question (from 1) of a method, and the `times - 1` after it. */
enum fake_fault_kind {
    FAKE_QUESTION_LOST, /* not heard; the asker knows that much */
    FAKE_QUESTION_LATE, /* not heard; the asker cannot know */
    FAKE_ANSWER_LOST,   /* done, and nobody knows */
    FAKE_NOT_NOW,       /* refused for now */
    FAKE_DISK_FULL,     /* refused; certainly not done */
};

struct fake_fault {
    enum rpc_method method;
    enum fake_fault_kind kind;
    unsigned nth;
    unsigned times;
};

struct fake_segment {
    uint8_t id[16];
    uint8_t vk[32];
    uint64_t length;
    bool is_sealed;
    unsigned numbers[128];        /* next p of each slot */
    bool is_used[FAKE_NODES_MAX]; /* offered to once */
    bool is_held[128];
    struct fake_order held[128];
    uint64_t generation;
};

struct fake_version {
    struct view bucket;
    struct view key;
    bool is_deleted;
    struct wire_version_info info;
    uint8_t body_id[16];
    uint32_t bucket_key_version;
    struct view manifest;
    const struct wire_extent *extents;
    size_t extents_count;
    struct view tags;
};

/* An upload in parts; a part is a version that is nowhere else. */
struct fake_upload {
    const struct wire_create_upload_request *created;
    bool is_ended;
    struct wire_version_info completed; /* version empty: it was not */
    struct {
        uint32_t number;
        struct fake_version version;
    } parts[FAKE_PARTS_MAX]; /* ascending */
    unsigned part_count;
};

struct fake_coordinator {
    struct coordinator coordinator; /* first: the seam's functions get a pointer to it */
    struct fake_net *net;
    struct arena arena; /* everything that is remembered */

    struct wire_profile profile;
    unsigned lookup_segments_max;     /* 0: WIRE_SEGMENTS_MAX */
    unsigned part_page_max;           /* of a list of parts; 0: all */
    bool answers_stale_addresses;     /* all but Whereis still say "node" */
    bool tells_another_code;          /* MoreOrders: segments were coded anew meanwhile */
    bool is_excluded[FAKE_NODES_MAX]; /* never offered */
    uint8_t root_key_id[8];
    bool has_root_key_id;

    struct fake_fault faults[FAKE_FAULTS_MAX];
    unsigned fault_count;
    unsigned asked[RPC_METHODS];

    struct wire_bucket_info buckets[FAKE_BUCKETS_MAX];
    unsigned bucket_count;
    struct fake_segment segments[FAKE_SEGMENTS_MAX];
    unsigned segment_count;
    struct fake_version versions[FAKE_VERSIONS_MAX]; /* oldest first */
    unsigned version_count;
    struct fake_upload uploads[FAKE_UPLOADS_MAX];
    unsigned upload_count;
    struct fake_outcome {
        enum rpc_method method;
        uint8_t key[16];
        struct buf *reply; /* NULL: refused, as err says */
        struct hearth_err err;
    } outcomes[FAKE_OUTCOMES_MAX];
    unsigned outcome_count;
    struct wire_begin_request intents[FAKE_VERSIONS_MAX]; /* the id is the index */
    unsigned intent_count;
    struct fake_report {
        unsigned slot;
        uint8_t node_id[FAKE_NODE_ID_SIZE];
        enum hearth_code code;
    } reports[FAKE_REPORTS_MAX];
    unsigned report_count;
};

/* A profile of k of n, w acknowledging; objects up to inline_max are inline. */
void fake_coordinator_init(struct fake_coordinator *coordinator, struct fake_net *net, unsigned k,
    unsigned n, unsigned w, unsigned inline_max);
void fake_coordinator_fini(struct fake_coordinator *coordinator);

void fake_coordinator_add_fault(struct fake_coordinator *coordinator, enum rpc_method method,
    enum fake_fault_kind kind, unsigned nth, unsigned times);

/* What a key holds; NULL: nothing visible. */
const struct fake_version *fake_coordinator_find(
    const struct fake_coordinator *coordinator, const char *bucket, const char *key);

/* Slots of the segment with a holder. */
unsigned fake_segment_holders(const struct fake_segment *segment);

#endif /* HEARTH_TESTS_LIB_FAKE_COORDINATOR_H */
