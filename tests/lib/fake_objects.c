#include "tests/lib/fake_coordinator_parts.h"

#include <stdlib.h>

/* ---- writing ---- */

enum hearth_code fake_check_precondition(const struct wire_precondition *wanted,
    const struct fake_version *present, struct hearth_err *err)
{
    bool holds = wanted == NULL ||
        (!(wanted->must_not_exist && present != NULL) && !(wanted->must_exist && present == NULL) &&
            (wanted->must_have_etag.size == 0 ||
                (present != NULL && view_equal(wanted->must_have_etag, present->info.etag))));
    return holds ? HEARTH_OK : hearth_fail(err, HEARTH_PRECONDITION, "precondition is not true");
}

enum hearth_code fake_check_bucket(
    struct fake_coordinator *self, struct view name, struct view bucket_id, struct hearth_err *err)
{
    const struct wire_bucket_info *bucket = fake_find_bucket(self, name);
    if (bucket == NULL) {
        return fake_no_bucket(name, err);
    }
    return view_equal(bucket->bucket_id, bucket_id)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CONFLICT, "bucket %.*s is another one", VIEW_ARGS(name));
}

/* Where a put shall go, it may. */
static enum hearth_code check_place(struct fake_coordinator *self, struct view bucket,
    struct view key, const struct wire_precondition *precondition,
    const struct wire_part_place *part, struct hearth_err *err)
{
    enum hearth_code code =
        fake_check_precondition(precondition, fake_find_version(self, bucket, key), err);
    return code == HEARTH_OK ? fake_check_part(self, bucket, key, part, err) : code;
}

enum hearth_code fake_answer_begin(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_begin_request *ask = request;
    if (fake_check_bucket(self, ask->bucket, ask->bucket_id, err) != HEARTH_OK ||
        check_place(self, ask->bucket, ask->key, ask->precondition, ask->part, err) != HEARTH_OK) {
        return err->code;
    }
    assert(self->intent_count < FAKE_VERSIONS_MAX);
    self->intents[self->intent_count] = *ask;
    *(struct wire_begin_reply *)reply =
        (struct wire_begin_reply){.intent_id = fake_id_of_number(self, self->intent_count++)};
    return HEARTH_OK;
}

static const struct wire_begin_request *intent_of(
    const struct fake_coordinator *self, struct view intent_id)
{
    assert(intent_id.size == 16 && intent_id.bytes[15] < self->intent_count);
    return &self->intents[intent_id.bytes[15]];
}

struct fake_version *fake_add_version(struct fake_coordinator *self, struct view bucket,
    struct view key, struct wire_commit_reply *reply)
{
    struct fake_version *old = fake_find_version(self, bucket, key);
    if (old != NULL) {
        old->is_deleted = true;
    }
    assert(self->version_count < FAKE_VERSIONS_MAX);
    struct fake_version *version = &self->versions[self->version_count];
    *version = (struct fake_version){.bucket = bucket, .key = key};
    version->info.version = fake_id_of_number(self, UINT64_MAX - self->version_count++);
    version->info.created_unix_ms = self->net->env->unix_ms;
    reply->version = version->info.version;
    reply->created_unix_ms = version->info.created_unix_ms;
    return version;
}

static struct fake_version *add(struct fake_coordinator *self, struct view bucket, struct view key,
    const struct wire_part_place *part, struct wire_commit_reply *reply)
{
    if (part == NULL) {
        return fake_add_version(self, bucket, key, reply);
    }
    struct fake_version *version = fake_part_version(self, part);
    reply->version = fake_id_of_number(self, 0);
    reply->created_unix_ms = version->info.created_unix_ms;
    return version;
}

enum hearth_code fake_answer_commit(
    struct fake_coordinator *self, const void *request, void *reply_out, struct hearth_err *err)
{
    const struct wire_commit_request *ask = request;
    const struct wire_begin_request *intent = intent_of(self, ask->intent_id);
    struct wire_commit_reply *reply = reply_out;
    *reply = (struct wire_commit_reply){0};
    enum hearth_code code = fake_check_precondition(
        intent->precondition, fake_find_version(self, intent->bucket, intent->key), err);
    if (code == HEARTH_OK) {
        code = fake_check_part(self, intent->bucket, intent->key, intent->part, err);
    }
    if (code == HEARTH_OK && ask->seal != NULL) {
        struct wire_seal_segment_reply *sealed = fake_remember(self, sizeof(*sealed));
        code = fake_seal(self, ask->seal, sealed, err);
        reply->sealed = sealed;
    }
    if (code != HEARTH_OK) {
        return code;
    }
    for (size_t i = 0; i < ask->extents_count; i++) {
        const struct fake_segment *segment = fake_find_segment(self, ask->extents[i].segment_id);
        assert(segment != NULL && segment->is_sealed);
    }
    struct fake_version *version = add(self, intent->bucket, intent->key, intent->part, reply);
    version->info.size = ask->size;
    version->info.etag = ask->etag;
    version->info.parts = ask->parts;
    memcpy(version->body_id, ask->body_id.bytes, sizeof(version->body_id));
    version->bucket_key_version = ask->bucket_key_version;
    version->manifest = ask->manifest;
    version->tags = ask->tags;
    version->extents = ask->extents;
    version->extents_count = ask->extents_count;
    return HEARTH_OK;
}

static enum hearth_code store(struct fake_coordinator *self,
    const struct wire_put_inline_request *ask, const struct wire_extent *extents,
    size_t extents_count, struct wire_commit_reply *reply, struct hearth_err *err)
{
    if (fake_check_bucket(self, ask->bucket, ask->bucket_id, err) != HEARTH_OK ||
        check_place(self, ask->bucket, ask->key, ask->precondition, ask->part, err) != HEARTH_OK) {
        return err->code;
    }
    *reply = (struct wire_commit_reply){0};
    struct fake_version *version = add(self, ask->bucket, ask->key, ask->part, reply);
    version->info.size = ask->size;
    version->info.etag = ask->etag;
    version->info.parts = ask->parts;
    memcpy(version->body_id, ask->body_id.bytes, sizeof(version->body_id));
    version->bucket_key_version = ask->bucket_key_version;
    version->manifest = ask->manifest;
    version->tags = ask->tags;
    version->extents = extents;
    version->extents_count = extents_count;
    return HEARTH_OK;
}

enum hearth_code fake_answer_put_inline(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    return store(self, request, NULL, 0, reply, err);
}

enum hearth_code fake_answer_copy(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_copy_request *ask = request;
    const struct fake_version *source =
        fake_find_version(self, ask->source_bucket, ask->source_key);
    if (source == NULL || !view_equal(source->info.version, ask->source_version)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "source is gone");
    }
    return store(self, ask->put, ask->extents, ask->extents_count, reply, err);
}

enum hearth_code fake_answer_delete(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_delete_request *ask = request;
    if (fake_find_bucket(self, ask->bucket) == NULL) {
        return fake_no_bucket(ask->bucket, err);
    }
    struct fake_version *version = fake_find_version(self, ask->bucket, ask->key);
    enum hearth_code code = fake_check_precondition(ask->precondition, version, err);
    if (code != HEARTH_OK) {
        return code;
    }
    *(struct wire_delete_reply *)reply = (struct wire_delete_reply){.existed = version != NULL};
    if (version != NULL) {
        version->is_deleted = true;
    }
    return HEARTH_OK;
}

/* ---- reading ---- */

/* Every holder is named; orders are for the first k + min(4, n - k) that have not failed. */
static void tell_segment(struct fake_coordinator *self, const struct fake_segment *segment,
    const struct wire_more_orders_request *more, struct wire_segment_info *out)
{
    const struct wire_profile *profile = &self->profile;
    unsigned orders = profile->k + (profile->n - profile->k < 4 ? profile->n - profile->k : 4);
    struct wire_placement *holders = fake_remember(self, profile->n * sizeof(*holders));
    unsigned count = 0;
    for (unsigned slot = 0; slot < profile->n; slot++) {
        if (!segment->is_held[slot]) {
            continue;
        }
        holders[count] = fake_placement_of(self, &segment->held[slot], FAKE_GET);
        bool has_failed = false;
        for (size_t i = 0; more != NULL && i < more->failed_slots_count; i++) {
            has_failed |= more->failed_slots[i] == slot;
        }
        if (has_failed || orders == 0) {
            holders[count].order = (struct view){0};
        } else {
            orders--;
        }
        count++;
    }
    *out = (struct wire_segment_info){
        .segment_id = view_of(segment->id, sizeof(segment->id)),
        .length = segment->length,
        .codec = 1,
        .k = profile->k,
        .n = profile->n,
        .vk = view_of(segment->vk, sizeof(segment->vk)),
        .generation = segment->generation,
        .holders = holders,
        .holders_count = count,
    };
}

static bool is_told(const struct wire_lookup_reply *reply, struct view segment_id)
{
    for (size_t i = 0; i < reply->segments_count; i++) {
        if (view_equal(reply->segments[i].segment_id, segment_id)) {
            return true;
        }
    }
    return false;
}

/* Extents that overlap [offset, end), from the cursor on, as long as their segments fit. */
static void tell_extents(struct fake_coordinator *self, const struct fake_version *version,
    uint64_t offset, uint64_t end, uint64_t cursor, struct wire_lookup_reply *reply)
{
    unsigned segments_max =
        self->lookup_segments_max > 0 ? self->lookup_segments_max : WIRE_SEGMENTS_MAX;
    struct wire_segment_info *segments = fake_remember(self, segments_max * sizeof(*segments));
    reply->segments = segments;
    uint64_t at = 0;
    for (size_t i = 0; i < version->extents_count; at += version->extents[i++].length) {
        const struct wire_extent *extent = &version->extents[i];
        if (at + extent->length <= offset || at >= end || i < cursor) {
            continue;
        }
        if (!is_told(reply, extent->segment_id)) {
            if (reply->segments_count == segments_max) {
                reply->next_cursor = i;
                return;
            }
            tell_segment(self, fake_find_segment(self, extent->segment_id), NULL,
                &segments[reply->segments_count++]);
        }
        if (reply->extents_count == 0) {
            reply->first_extent = i;
            reply->extents = extent;
        }
        reply->extents_count++;
    }
}

enum hearth_code fake_answer_lookup(
    struct fake_coordinator *self, const void *request, void *reply_out, struct hearth_err *err)
{
    const struct wire_lookup_request *ask = request;
    const struct fake_version *version = fake_find_version(self, ask->bucket, ask->key);
    bool is_wanted = version != NULL &&
        (ask->version.size == 0 || view_equal(ask->version, version->info.version));
    if (!is_wanted) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no object %.*s", VIEW_ARGS(ask->key));
    }
    struct wire_lookup_reply *reply = reply_out;
    *reply = (struct wire_lookup_reply){
        .info = &version->info,
        .body_id = view_of(version->body_id, sizeof(version->body_id)),
        .bucket_key_version = version->bucket_key_version,
    };
    if (ask->cursor == 0) {
        reply->manifest = version->manifest;
        reply->tags = version->tags;
    }
    uint64_t size = version->info.size;
    uint64_t offset = ask->offset;
    uint64_t end = ask->length == 0 || ask->length > size - offset ? size : offset + ask->length;
    if (ask->suffix) {
        offset = ask->length < size ? size - ask->length : 0;
        end = size;
    }
    if (!ask->head_only) {
        tell_extents(self, version, offset, end, ask->cursor, reply);
    }
    return HEARTH_OK;
}

/* Other tags, and each node has another slot's shard. */
static void tell_another_code(struct fake_coordinator *self, struct wire_segment_info *out)
{
    uint8_t *vk = fake_remember(self, out->vk.size);
    struct wire_placement *holders = fake_remember(self, out->holders_count * sizeof(*holders));
    memset(vk, 0x5a, out->vk.size);
    memcpy(holders, out->holders, out->holders_count * sizeof(*holders));
    for (size_t i = 0; i < out->holders_count; i++) {
        holders[i].slot = (holders[i].slot + 1) % out->n;
    }
    out->vk = view_of(vk, out->vk.size);
    out->holders = holders;
}

enum hearth_code fake_answer_more_orders(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)err;
    const struct wire_more_orders_request *ask = request;
    const struct fake_segment *segment = fake_find_segment(self, ask->segment_id);
    assert(segment != NULL);
    struct wire_segment_info *out = reply;
    tell_segment(self, segment, ask, out);
    if (self->tells_another_code) {
        tell_another_code(self, out);
    }
    return HEARTH_OK;
}

static int compare_versions(const void *a, const void *b)
{
    struct view x = (*(const struct fake_version *const *)a)->key;
    struct view y = (*(const struct fake_version *const *)b)->key;
    int order = memcmp(x.bytes, y.bytes, x.size < y.size ? x.size : y.size);
    return order != 0 ? order : x.size < y.size ? -1 : x.size > y.size;
}

/* Without delimiters, which the library only passes on: pages of `max` keys after the token. */
enum hearth_code fake_answer_list(
    struct fake_coordinator *self, const void *request, void *reply_out, struct hearth_err *err)
{
    (void)err;
    const struct wire_list_request *ask = request;
    const struct fake_version *found[FAKE_VERSIONS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < self->version_count; i++) {
        if (fake_is_visible(self, i, ask->bucket, (struct view){0})) {
            found[count++] = &self->versions[i];
        }
    }
    qsort(found, count, sizeof(found[0]), compare_versions);

    struct wire_list_reply *reply = reply_out;
    *reply = (struct wire_list_reply){0};
    struct wire_list_entry *entries = fake_remember(self, (count + 1) * sizeof(*entries));
    reply->entries = entries;
    for (size_t i = 0; i < count; i++) {
        const struct fake_version after = {.key = ask->token};
        const struct fake_version *after_pointer = &after;
        if (ask->token.size > 0 && compare_versions(&found[i], &after_pointer) <= 0) {
            continue;
        }
        if (reply->entries_count == (ask->max == 0 ? 1000 : ask->max)) {
            reply->next_token = entries[reply->entries_count - 1].key;
            break;
        }
        entries[reply->entries_count++] = (struct wire_list_entry){found[i]->key, &found[i]->info};
    }
    return HEARTH_OK;
}

enum hearth_code fake_answer_whereis(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)err;
    const struct wire_whereis_request *ask = request;
    assert(ask->node_ids_count == 1);
    unsigned node = ask->node_ids[0].bytes[0] - 0x10u;
    assert(node < self->net->node_count);
    *(struct wire_whereis_reply *)reply =
        (struct wire_whereis_reply){fake_address_of(self, node, true), 1};
    return HEARTH_OK;
}

enum hearth_code fake_answer_report_shard(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    (void)err;
    const struct wire_report_shard_request *ask = request;
    assert(self->report_count < FAKE_REPORTS_MAX);
    struct fake_report *report = &self->reports[self->report_count++];
    report->slot = ask->slot;
    report->code = hearth_code_from_wire(ask->code);
    memcpy(report->node_id, ask->node_id.bytes, sizeof(report->node_id));
    return HEARTH_OK;
}

enum hearth_code fake_answer_abort(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)self;
    (void)request;
    (void)reply;
    (void)err;
    return HEARTH_OK;
}
