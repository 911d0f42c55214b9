#include "common/pki.h"
#include "proto/wire_accounts.h"
#include "tests/lib/fake_coordinator_parts.h"

/* ---- sessions, buckets ---- */

enum hearth_code fake_answer_open_session(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)request;
    (void)err;
    uint8_t tenant_id[16];
    memset(tenant_id, 0x77, sizeof(tenant_id));
    uint64_t now_unix_ms = self->net->env->unix_ms;
    *(struct wire_open_session_reply *)reply = (struct wire_open_session_reply){
        .certificate = view_text("a certificate"),
        .now_unix_ms = now_unix_ms,
        .expires_unix_ms = now_unix_ms + 24u * 3600u * 1000u,
        .tenant_id = fake_remember_bytes(self, tenant_id, sizeof(tenant_id)),
        .tenant_name = view_text("tenant"),
        .root_key_id = view_of(self->root_key_id, self->has_root_key_id ? 8 : 0),
    };
    return HEARTH_OK;
}

struct wire_bucket_info *fake_find_bucket(struct fake_coordinator *self, struct view name)
{
    for (unsigned i = 0; i < self->bucket_count; i++) {
        if (view_equal(self->buckets[i].name, name)) {
            return &self->buckets[i];
        }
    }
    return NULL;
}

enum hearth_code fake_no_bucket(struct view name, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_NOT_FOUND, "no bucket %.*s", VIEW_ARGS(name));
}

enum hearth_code fake_answer_create_bucket(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_create_bucket_request *ask = request;
    struct wire_bucket_info *bucket = fake_find_bucket(self, ask->name);
    if (bucket != NULL && bucket->keys_count > 0) {
        return hearth_fail(err, HEARTH_EXISTS, "bucket %.*s", VIEW_ARGS(ask->name));
    }
    if (bucket == NULL) { /* else an operator's */
        assert(self->bucket_count < FAKE_BUCKETS_MAX);
        bucket = &self->buckets[self->bucket_count++];
    }
    *bucket = (struct wire_bucket_info){
        .name = ask->name,
        .bucket_id = ask->bucket_id,
        .created_unix_ms = self->net->env->unix_ms,
        .profile = &self->profile,
        .keys = ask->key,
        .keys_count = 1,
    };
    memcpy(self->root_key_id, ask->root_key_id.bytes, sizeof(self->root_key_id));
    self->has_root_key_id = true;
    *(struct wire_bucket_info *)reply = *bucket;
    return HEARTH_OK;
}

/* Of the one access key there is, "HKKNOWN"; the same for each day. */
enum hearth_code fake_answer_derive_signing_key(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_derive_signing_key_request *ask = request;
    const uint8_t bytes[WIRE_SIGNING_KEY_SIZE] = {7};
    if (!view_equal(ask->access_key, view_text("HKKNOWN"))) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
    }
    *(struct wire_derive_signing_key_reply *)reply = (struct wire_derive_signing_key_reply){
        .signing_key = fake_remember_bytes(self, bytes, sizeof(bytes)),
        .tenant_id = fake_remember_bytes(self, bytes, 16),
        .rights = 3,
    };
    return HEARTH_OK;
}

bool fake_is_visible(
    const struct fake_coordinator *self, unsigned index, struct view bucket, struct view key)
{
    const struct fake_version *version = &self->versions[index];
    return !version->is_deleted && view_equal(version->bucket, bucket) &&
        (key.bytes == NULL || view_equal(version->key, key));
}

struct fake_version *fake_find_version(
    const struct fake_coordinator *self, struct view bucket, struct view key)
{
    for (unsigned i = self->version_count; i-- > 0;) {
        if (fake_is_visible(self, i, bucket, key)) {
            return (struct fake_version *)&self->versions[i];
        }
    }
    return NULL;
}

const struct fake_version *fake_coordinator_find(
    const struct fake_coordinator *coordinator, const char *bucket, const char *key)
{
    return fake_find_version(coordinator, view_text(bucket), view_text(key));
}

enum hearth_code fake_answer_delete_bucket(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    const struct wire_delete_bucket_request *ask = request;
    struct wire_bucket_info *bucket = fake_find_bucket(self, ask->name);
    if (bucket == NULL) {
        return fake_no_bucket(ask->name, err);
    }
    if (fake_find_version(self, ask->name, (struct view){0}) != NULL) {
        return hearth_fail(err, HEARTH_NOT_EMPTY, "bucket %.*s", VIEW_ARGS(ask->name));
    }
    *bucket = self->buckets[--self->bucket_count];
    return HEARTH_OK;
}

enum hearth_code fake_answer_set_bucket_access(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    const struct wire_set_bucket_access_request *ask = request;
    struct wire_bucket_info *bucket = fake_find_bucket(self, ask->name);
    if (bucket == NULL) {
        return fake_no_bucket(ask->name, err);
    }
    bucket->public_read = ask->public_read;
    return HEARTH_OK;
}

enum hearth_code fake_answer_head_bucket(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_head_bucket_request *ask = request;
    const struct wire_bucket_info *bucket = fake_find_bucket(self, ask->name);
    if (bucket == NULL) {
        return fake_no_bucket(ask->name, err);
    }
    *(struct wire_bucket_info *)reply = *bucket;
    return HEARTH_OK;
}

enum hearth_code fake_answer_list_buckets(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)request;
    (void)err;
    *(struct wire_list_buckets_reply *)reply =
        (struct wire_list_buckets_reply){self->buckets, self->bucket_count};
    return HEARTH_OK;
}

/* ---- segments ---- */

struct fake_segment *fake_find_segment(struct fake_coordinator *self, struct view id)
{
    for (unsigned i = 0; i < self->segment_count; i++) {
        if (memcmp(self->segments[i].id, id.bytes, sizeof(self->segments[i].id)) == 0) {
            return &self->segments[i];
        }
    }
    return NULL;
}

struct wire_node_address *fake_address_of(
    struct fake_coordinator *self, unsigned node, bool is_current)
{
    struct wire_endpoint *endpoints = fake_remember(self, 2 * sizeof(*endpoints));
    const char *before = self->net->nodes[node].host_before;
    const char *host = is_current ? self->net->nodes[node].host : NULL;
    size_t count = 0;
    if (before != NULL) {
        endpoints[count++] =
            (struct wire_endpoint){.kind = 1, .host = view_text(before), .port = 1};
    }
    endpoints[count++] = (struct wire_endpoint){
        .kind = 1, .host = view_text(host != NULL ? host : "node"), .port = 1};
    struct wire_node_address *address = fake_remember(self, sizeof(*address));
    *address = (struct wire_node_address){
        .node_id = view_of(self->net->nodes[node].id, FAKE_NODE_ID_SIZE),
        .endpoints = endpoints,
        .endpoints_count = count,
    };
    return address;
}

struct wire_placement fake_placement_of(
    struct fake_coordinator *self, const struct fake_order *name, enum fake_action action)
{
    struct fake_order order = *name;
    order.action = action;
    return (struct wire_placement){
        .slot = order.slot,
        .number = order.number,
        .order = fake_remember_bytes(self, &order, sizeof(order)),
        .node = fake_address_of(self, order.node, !self->answers_stale_addresses),
    };
}

/* An offer of the slot to the next node that may have it; false: there is none. */
static bool offer(struct fake_coordinator *self, struct fake_segment *segment, unsigned slot,
    struct wire_placement *out)
{
    for (unsigned node = 0; node < self->net->node_count; node++) {
        if (segment->is_used[node] || self->is_excluded[node]) {
            continue;
        }
        segment->is_used[node] = true;
        struct fake_order order = {.node = node, .slot = slot, .number = ++segment->numbers[slot]};
        memcpy(order.segment_id, segment->id, sizeof(order.segment_id));
        *out = fake_placement_of(self, &order, FAKE_PUT);
        return true;
    }
    return false;
}

enum hearth_code fake_answer_open_segment(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_open_segment_request *ask = request;
    assert(self->segment_count < FAKE_SEGMENTS_MAX && ask->session_id.size == PKI_ID_SIZE);
    struct fake_segment *segment = &self->segments[self->segment_count++];
    *segment = (struct fake_segment){.generation = 1};
    memcpy(segment->id, ask->segment_id.bytes, sizeof(segment->id));
    memcpy(segment->vk, ask->vk.bytes, sizeof(segment->vk));

    struct wire_placement *placements = fake_remember(self, self->profile.n * sizeof(*placements));
    unsigned count = 0;
    for (unsigned slot = 0; slot < self->profile.n; slot++) {
        count += offer(self, segment, slot, &placements[count]);
    }
    if (count < self->profile.w) {
        return hearth_fail(err, HEARTH_FLEET_TOO_SMALL, "%u nodes, profile %.*s needs %u", count,
            VIEW_ARGS(self->profile.name), self->profile.w);
    }
    *(struct wire_open_segment_reply *)reply = (struct wire_open_segment_reply){
        .k = self->profile.k,
        .n = self->profile.n,
        .w = self->profile.w,
        .placements = placements,
        .placements_count = count,
        .orders_expire_unix_ms = self->net->env->unix_ms + 600000u,
    };
    return HEARTH_OK;
}

enum hearth_code fake_answer_offer_slot(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_offer_slot_request *ask = request;
    struct fake_segment *segment = fake_find_segment(self, ask->segment_id);
    assert(segment != NULL && ask->session_id.size == PKI_ID_SIZE);
    if (!offer(self, segment, ask->slot, reply)) {
        return hearth_fail(err, HEARTH_FLEET_TOO_SMALL, "no spare node");
    }
    return HEARTH_OK;
}

static bool is_receipt_of(const struct fake_segment *segment,
    const struct wire_slot_receipt *receipt, unsigned n, struct fake_order *proof)
{
    if (receipt->receipt.size != sizeof(*proof) || receipt->slot >= n) {
        return false;
    }
    memcpy(proof, receipt->receipt.bytes, sizeof(*proof));
    return proof->slot == receipt->slot && proof->number == receipt->number &&
        memcmp(proof->segment_id, segment->id, sizeof(proof->segment_id)) == 0 &&
        !segment->is_held[proof->slot]; /* told once */
}

/* Receipts become holders; one that is not what it should be, and none further does. */
static enum hearth_code add_receipts(struct fake_segment *segment,
    const struct wire_slot_receipt *receipts, size_t count, unsigned n, struct hearth_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct fake_order proof;
        if (!is_receipt_of(segment, &receipts[i], n, &proof)) {
            return hearth_fail(err, HEARTH_INVALID, "slot %u: no receipt of it", receipts[i].slot);
        }
        segment->is_held[proof.slot] = true;
        segment->held[proof.slot] = proof;
    }
    return HEARTH_OK;
}

unsigned fake_segment_holders(const struct fake_segment *segment)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < 128; slot++) {
        count += segment->is_held[slot];
    }
    return count;
}

enum hearth_code fake_seal(struct fake_coordinator *self,
    const struct wire_seal_segment_request *ask, struct wire_seal_segment_reply *reply,
    struct hearth_err *err)
{
    struct fake_segment *segment = fake_find_segment(self, ask->segment_id);
    assert(segment != NULL && !segment->is_sealed);
    if (add_receipts(segment, ask->receipts, ask->receipts_count, self->profile.n, err) !=
        HEARTH_OK) {
        return err->code;
    }
    unsigned holders = fake_segment_holders(segment);
    if (holders < self->profile.w) {
        return hearth_fail(err, HEARTH_SHARDS_LOST, "%u receipts", holders);
    }
    segment->is_sealed = true;
    segment->length = ask->length;
    *reply = (struct wire_seal_segment_reply){.generation = 1, .holders = holders};
    return HEARTH_OK;
}

enum hearth_code fake_answer_seal_segment(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    return fake_seal(self, request, reply, err);
}

enum hearth_code fake_answer_add_holders(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_add_holders_request *ask = request;
    struct fake_segment *segment = fake_find_segment(self, ask->segment_id);
    assert(segment != NULL && segment->is_sealed);
    if (add_receipts(segment, ask->receipts, ask->receipts_count, self->profile.n, err) !=
        HEARTH_OK) {
        return err->code;
    }
    unsigned holders = fake_segment_holders(segment);
    *(struct wire_seal_segment_reply *)reply =
        (struct wire_seal_segment_reply){.generation = ++segment->generation, .holders = holders};
    return HEARTH_OK;
}
