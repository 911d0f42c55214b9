#include "client/object_list.h"

#include "client/object_manifest.h"
#include "common/codec.h"

/* The struct handed out is the first thing in its own memory. */
struct owned_page {
    struct hearth_page page;
    struct arena arena;
};

void hearth_page_destroy(struct hearth_page *page)
{
    if (page != NULL) {
        struct owned_page *owned = (struct owned_page *)page;
        arena_fini(&owned->arena);
        free(owned);
    }
}

static bool is_entry_whole(const struct wire_list_entry *entry)
{
    return entry->info != NULL && entry->info->etag.size == OBJECT_ETAG_COLUMN_SIZE &&
        entry->info->version.size == OBJECT_VERSION_SIZE;
}

static void fill_object(
    const struct wire_list_entry *entry, const struct bucket *bucket, struct hearth_object *out)
{
    const struct wire_version_info *info = entry->info;
    uint8_t md5[CRYPTO_MD5_SIZE];
    *out = (struct hearth_object){
        .key = entry->key,
        .size = info->size,
        .created_unix_ms = info->created_unix_ms,
        .attributes.content_type = "",
    };
    hex_encode(info->version.bytes, info->version.size, out->version);
    etag_open(&bucket->etag_key, info->etag.bytes, md5);
    object_etag_text(md5, info->parts, out->etag);
}

static enum hearth_code fill(struct owned_page *owned, const struct wire_list_reply *reply,
    const struct bucket *bucket, struct hearth_err *err)
{
    struct hearth_object *objects =
        arena_take_array(&owned->arena, reply->entries_count + 1, sizeof(*objects));
    if (objects == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu entries", reply->entries_count);
    }
    for (size_t i = 0; i < reply->entries_count; i++) {
        if (!is_entry_whole(&reply->entries[i])) {
            return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's entry lacks its version");
        }
        fill_object(&reply->entries[i], bucket, &objects[i]);
    }
    owned->page = (struct hearth_page){
        .count = (unsigned)reply->entries_count,
        .objects = objects,
        .prefix_count = (unsigned)reply->prefixes_count,
        .prefixes = reply->prefixes,
        .next_token = reply->next_token,
    };
    return HEARTH_OK;
}

static enum hearth_code ask_list(struct session *session, const struct hearth_list_options *options,
    struct owned_page *owned, struct hearth_err *err)
{
    struct bucket bucket;
    enum hearth_code code = session_ready(session, err);
    if (code == HEARTH_OK) {
        code = bucket_cache_find(session->buckets, options->bucket, &bucket, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    const struct wire_list_request request = {
        .bucket = view_text(options->bucket),
        .prefix = options->prefix,
        .delimiter = options->delimiter,
        .start_after = options->start_after,
        .token = options->token,
        .max = options->max,
    };
    const struct ask ask = {
        .method = RPC_LIST, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    struct wire_list_reply reply;
    code = session_ask(session, &ask, &owned->arena, &reply, err);
    if (code == HEARTH_OK) {
        code = fill(owned, &reply, &bucket, err);
    }
    crypto_wipe(&bucket, sizeof(bucket));
    return code;
}

enum hearth_code object_list(struct session *session, const struct hearth_list_options *options,
    struct hearth_page **out, struct hearth_err *err)
{
    struct owned_page *owned = calloc(1, sizeof(*owned));
    if (owned == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list %s", options->bucket);
    }
    arena_init(&owned->arena, 0);
    enum hearth_code code = ask_list(session, options, owned, err);
    if (code != HEARTH_OK) {
        hearth_page_destroy(&owned->page);
        return hearth_err_prefix(err, "list %s", options->bucket);
    }
    *out = &owned->page;
    return HEARTH_OK;
}
