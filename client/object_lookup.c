#include "client/object_lookup.h"

#include <inttypes.h>

/* GET orders live 10 minutes; with less than half of that left they are asked for again. */
enum { ORDERS_AGE_MAX_MS = 5 * 60 * 1000 };

static enum hearth_code ask_lookup(
    struct object_lookup *lookup, uint64_t cursor, struct arena *arena, struct hearth_err *err)
{
    uint8_t session_id[PKI_ID_SIZE];
    session_id_copy(lookup->session, session_id);
    const struct wire_lookup_request request = {
        .bucket = view_text(lookup->bucket_name),
        .key = lookup->key,
        .version = lookup->version,
        .offset = lookup->offset,
        .length = lookup->length,
        .cursor = cursor,
        .head_only = lookup->head_only,
        .with_estimate = lookup->with_estimate,
        .suffix = lookup->suffix,
        .session_id = view_of(session_id, sizeof(session_id)),
    };
    const struct ask ask = {
        .method = RPC_LOOKUP,
        .request = &request,
        .patience_ms = ASK_PATIENCE_MS,
        .cancel = lookup->cancel,
    };
    uint64_t asked_ns = env_now_ns(lookup->session->env);
    struct wire_lookup_reply reply;
    enum hearth_code code = session_ask(lookup->session, &ask, arena, &reply, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (reply.info == NULL || reply.info->version.size != OBJECT_VERSION_SIZE) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks the version");
    }
    lookup->reply = reply;
    lookup->asked_ns = asked_ns;
    return HEARTH_OK;
}

/* ---- the manifest ---- */

static enum hearth_code open_manifest(struct object_lookup *lookup, struct hearth_err *err)
{
    const struct wire_lookup_reply *reply = &lookup->reply;
    struct manifest_place place = {.key = lookup->key};
    enum hearth_code code =
        bucket_find_key(&lookup->bucket, reply->bucket_key_version, &place.bucket_key, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (reply->body_id.size != BODY_ID_SIZE) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks the body's id");
    }
    session_tenant_copy(lookup->session, place.tenant_id);
    memcpy(place.bucket_id, lookup->bucket.id, sizeof(place.bucket_id));
    return manifest_open(
        reply->manifest, &place, reply->body_id.bytes, &lookup->arena, &lookup->manifest, err);
}

/* What the coordinator says in clear, and lists, must be what was sealed (D2). */
static enum hearth_code compare_clear(const struct object_lookup *lookup, struct hearth_err *err)
{
    const struct wire_version_info *info = lookup->reply.info;
    uint8_t column[OBJECT_ETAG_COLUMN_SIZE];
    etag_seal(&lookup->bucket.etag_key, lookup->manifest.md5, column);
    bool fits = info->size == lookup->manifest.size && info->parts == lookup->manifest.parts &&
        view_equal(info->etag, view_of(column, sizeof(column)));
    if (!fits) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "the coordinator's size or ETag is not the sealed one (%" PRIu64 " bytes)",
            lookup->manifest.size);
    }
    return HEARTH_OK;
}

static enum hearth_code open_and_compare(struct object_lookup *lookup, struct hearth_err *err)
{
    enum hearth_code code = open_manifest(lookup, err);
    return code == HEARTH_OK ? compare_clear(lookup, err) : code;
}

/* A bucket deleted and made again under its name has other keys than those remembered. */
static enum hearth_code open_with_fresh_keys(struct object_lookup *lookup, struct hearth_err *err)
{
    enum hearth_code code = open_and_compare(lookup, err);
    if (code != HEARTH_CHECKSUM && code != HEARTH_WRONG_KEY) {
        return code;
    }
    struct hearth_err asking;
    bucket_cache_forget(lookup->session->buckets, lookup->bucket_name);
    if (bucket_cache_find(
            lookup->session->buckets, lookup->bucket_name, &lookup->bucket, &asking) != HEARTH_OK) {
        return code;
    }
    return open_and_compare(lookup, err);
}

enum hearth_code object_lookup_begin(struct object_lookup *lookup, struct hearth_err *err)
{
    arena_init(&lookup->arena, 0);
    arena_init(&lookup->page_arenas[0], 0);
    arena_init(&lookup->page_arenas[1], 0);
    enum hearth_code code = object_key_check(lookup->key, err);
    if (code == HEARTH_OK) {
        code = session_ready(lookup->session, err);
    }
    if (code == HEARTH_OK) {
        code =
            bucket_cache_find(lookup->session->buckets, lookup->bucket_name, &lookup->bucket, err);
    }
    if (code == HEARTH_OK) {
        code = ask_lookup(lookup, 0, &lookup->arena, err);
    }
    if (code == HEARTH_OK) {
        lookup->version = lookup->reply.info->version;
        lookup->tags = lookup->reply.tags;
        code = open_with_fresh_keys(lookup, err);
    }
    return code;
}

void object_lookup_end(struct object_lookup *lookup)
{
    arena_fini(&lookup->arena);
    arena_fini(&lookup->page_arenas[0]);
    arena_fini(&lookup->page_arenas[1]);
    crypto_wipe(&lookup->bucket, sizeof(lookup->bucket));
}

/* ---- segments ---- */

enum hearth_code object_lookup_from(
    struct object_lookup *lookup, uint64_t extent, struct hearth_err *err)
{
    unsigned page = 1 - lookup->page;
    arena_fini(&lookup->page_arenas[page]);
    enum hearth_code code = ask_lookup(lookup, extent, &lookup->page_arenas[page], err);
    if (code == HEARTH_OK) {
        lookup->page = page;
    }
    return code;
}

static bool is_in_reply(const struct object_lookup *lookup, size_t extent)
{
    const struct wire_lookup_reply *reply = &lookup->reply;
    return reply->first_extent <= extent && extent - reply->first_extent < reply->extents_count;
}

static const struct wire_segment_info *find_segment(
    const struct object_lookup *lookup, struct view segment_id)
{
    for (size_t i = 0; i < lookup->reply.segments_count; i++) {
        if (view_equal(lookup->reply.segments[i].segment_id, segment_id)) {
            return &lookup->reply.segments[i];
        }
    }
    return NULL;
}

enum hearth_code object_lookup_segment(struct object_lookup *lookup, size_t extent,
    const struct wire_segment_info **out, struct hearth_err *err)
{
    uint64_t age_ns = env_now_ns(lookup->session->env) - lookup->asked_ns;
    if (!is_in_reply(lookup, extent) || age_ns > ORDERS_AGE_MAX_MS * UINT64_C(1000000)) {
        enum hearth_code code = object_lookup_from(lookup, extent, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    const struct manifest_extent *sealed = &lookup->manifest.extents[extent];
    if (is_in_reply(lookup, extent)) {
        const struct wire_extent *clear =
            &lookup->reply.extents[extent - lookup->reply.first_extent];
        *out = find_segment(lookup, clear->segment_id);
        if (*out != NULL && clear->offset == sealed->offset && clear->length == sealed->length &&
            view_equal(clear->segment_id, view_of(sealed->segment_id, SEGMENT_ID_SIZE))) {
            return HEARTH_OK;
        }
    }
    return hearth_fail(
        err, HEARTH_CHECKSUM, "the coordinator's extent %zu is not the sealed one", extent);
}
