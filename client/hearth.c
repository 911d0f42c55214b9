#include "client/hearth.h"

#include "client/bucket_calls.h"
#include "client/client_join.h"
#include "client/coordinator_net_rpc.h"
#include "client/object_copy.h"
#include "client/object_delete.h"
#include "client/object_get.h"
#include "client/object_list.h"
#include "client/object_put.h"
#include "client/object_set_tags.h"
#include "client/object_stat.h"
#include "client/shard_net_rpc.h"
#include "client/signing_key.h"
#include "client/upload_calls.h"
#include "client/upload_complete.h"
#include "client/upload_part_copy.h"

struct hearth_memory {
    struct byte_budget budget;
};

struct hearth {
    struct arena arena; /* of the configuration */
    struct client_config config;
    struct root_key root_key;
    struct identity identity;
    struct rpc_runtime *runtime;
    struct coordinator *coordinator;
    struct shard_net *net;
    bool has_session;
    struct session session;
};

/* ---- open and close ---- */

static enum hearth_code read_files(
    struct hearth *hearth, const char *config_path, struct hearth_err *err)
{
    enum hearth_code code =
        config_load(&client_config_table, config_path, &hearth->arena, &hearth->config, err);
    if (code == HEARTH_OK) {
        code = root_key_read(hearth->config.root_key, &hearth->root_key, err);
    }
    if (code == HEARTH_OK) {
        const struct identity_files files = client_identity_files(&hearth->config,
            hearth->config.class == CLIENT_CLASS_GATEWAY ? PEER_GATEWAY : PEER_CLIENT);
        code = identity_load(&hearth->identity, env_system(), &files, err);
    }
    return code;
}

/* One pump thread speaks to everybody; nothing is served here, so one worker is one too many. */
static enum hearth_code make_links(struct hearth *hearth, struct hearth_err *err)
{
    const struct rpc_runtime_options runtime = {.pumps = 1, .workers = 1};
    enum hearth_code code = rpc_runtime_create(&runtime, &hearth->runtime, err);
    if (code == HEARTH_OK) {
        const struct coordinator_net_rpc_options options = {
            .runtime = hearth->runtime,
            .identity = &hearth->identity,
            .addresses = &hearth->config.coordinators,
        };
        code = coordinator_net_rpc_create(&options, &hearth->coordinator, err);
    }
    if (code == HEARTH_OK) {
        code = shard_net_rpc_create(hearth->runtime, hearth->identity.ca_pem, &hearth->net, err);
    }
    return code;
}

static void begin_session(struct hearth *hearth, const struct hearth_options *options)
{
    const struct client_config *config = &hearth->config;
    const struct session_options session = {
        .env = env_system(),
        .coordinator = hearth->coordinator,
        .net = hearth->net,
        .root_key = &hearth->root_key,
        .root_key_path = config->root_key,
        .memory = options->memory != NULL ? &options->memory->budget : NULL,
        .memory_max = options->memory_max > 0 ? options->memory_max : config->memory_max,
        .transfer_memory_max = options->transfer_memory_max > 0 ? options->transfer_memory_max
                                                                : config->transfer_memory_max,
        .notice = options->notice,
        .notice_context = options->notice_context,
    };
    session_init(&hearth->session, &session);
    hearth->has_session = true;
}

struct hearth_memory *hearth_memory_create(uint64_t bytes_max)
{
    struct hearth_memory *memory = calloc(1, sizeof(*memory));
    if (memory != NULL) {
        byte_budget_init(&memory->budget, bytes_max, NULL);
    }
    return memory;
}

void hearth_memory_destroy(struct hearth_memory *memory)
{
    if (memory != NULL) {
        byte_budget_fini(&memory->budget);
        free(memory);
    }
}

enum hearth_code hearth_open(
    const struct hearth_options *options, struct hearth **out, struct hearth_err *err)
{
    struct hearth *hearth = calloc(1, sizeof(*hearth));
    if (hearth == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open %s", options->config_path);
    }
    arena_init(&hearth->arena, 0);
    enum hearth_code code = read_files(hearth, options->config_path, err);
    if (code == HEARTH_OK) {
        code = make_links(hearth, err);
    }
    if (code != HEARTH_OK) {
        hearth_close(hearth);
        return code;
    }
    begin_session(hearth, options);
    *out = hearth;
    return HEARTH_OK;
}

void hearth_close(struct hearth *hearth)
{
    if (hearth == NULL) {
        return;
    }
    if (hearth->has_session) {
        session_fini(&hearth->session);
    }
    shard_net_rpc_destroy(hearth->net);
    coordinator_net_rpc_destroy(hearth->coordinator);
    rpc_runtime_destroy(hearth->runtime);
    identity_fini(&hearth->identity);
    arena_fini(&hearth->arena);
    crypto_wipe(&hearth->root_key, sizeof(hearth->root_key));
    free(hearth);
}

void hearth_key_export(const struct hearth *hearth, char sheet[HEARTH_SHEET_SIZE])
{
    static_assert((int)HEARTH_SHEET_SIZE == (int)ROOT_KEY_TEXT_SIZE, "the sheet is the key's text");
    root_key_sheet(&hearth->root_key, hearth->config.tenant, sheet);
}

/* ---- calls: each is the session's ---- */

enum hearth_code hearth_bucket_create(
    struct hearth *hearth, const char *bucket, const char *profile, struct hearth_err *err)
{
    return bucket_create(&hearth->session, bucket, profile, err);
}

enum hearth_code hearth_bucket_delete(
    struct hearth *hearth, const char *bucket, struct hearth_err *err)
{
    return bucket_delete(&hearth->session, bucket, err);
}

enum hearth_code hearth_bucket_set_public(
    struct hearth *hearth, const char *bucket, bool public_read, struct hearth_err *err)
{
    return bucket_set_public(&hearth->session, bucket, public_read, err);
}

enum hearth_code hearth_bucket_head(
    struct hearth *hearth, const char *bucket, struct hearth_buckets **out, struct hearth_err *err)
{
    return bucket_head(&hearth->session, bucket, out, err);
}

enum hearth_code hearth_bucket_list(
    struct hearth *hearth, struct hearth_buckets **out, struct hearth_err *err)
{
    return bucket_list(&hearth->session, out, err);
}

enum hearth_code hearth_put(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_source *source, const struct hearth_put_options *options,
    struct hearth_put_result *out, struct hearth_err *err)
{
    return object_put(&hearth->session, bucket, key, source, options, out, err);
}

enum hearth_code hearth_get(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_sink *sink, const struct hearth_get_options *options,
    struct hearth_err *err)
{
    return object_get(&hearth->session, bucket, key, sink, options, err);
}

enum hearth_code hearth_stat(struct hearth *hearth, const char *bucket, struct view key,
    bool with_shards, struct hearth_stat **out, struct hearth_err *err)
{
    return object_stat(&hearth->session, bucket, key, with_shards, out, err);
}

enum hearth_code hearth_list(struct hearth *hearth, const struct hearth_list_options *options,
    struct hearth_page **out, struct hearth_err *err)
{
    return object_list(&hearth->session, options, out, err);
}

enum hearth_code hearth_copy(struct hearth *hearth, const char *source_bucket,
    struct view source_key, const char *bucket, struct view key,
    const struct hearth_copy_options *options, struct hearth_put_result *out,
    struct hearth_err *err)
{
    return object_copy(&hearth->session, source_bucket, source_key, bucket, key, options, out, err);
}

enum hearth_code hearth_delete(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_precondition *precondition, bool *out_existed, struct hearth_err *err)
{
    return object_delete(&hearth->session, bucket, key, precondition, out_existed, err);
}

enum hearth_code hearth_delete_many(struct hearth *hearth, const char *bucket,
    const struct view *keys, unsigned count, struct hearth_err *err)
{
    return object_delete_many(&hearth->session, bucket, keys, count, err);
}

enum hearth_code hearth_set_tags(struct hearth *hearth, const char *bucket, struct view key,
    const char *version, unsigned tag_count, const struct hearth_metadata *tags,
    struct hearth_err *err)
{
    return object_set_tags(&hearth->session, bucket, key, version, tag_count, tags, err);
}

enum hearth_code hearth_upload_create(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_upload_options *options, char upload[HEARTH_UPLOAD_TEXT_SIZE],
    struct hearth_err *err)
{
    return upload_create(&hearth->session, bucket, key, options, upload, err);
}

enum hearth_code hearth_upload_part(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err)
{
    return upload_part(&hearth->session, bucket, key, upload, number, source, options, out, err);
}

enum hearth_code hearth_upload_part_copy(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_part_source *source,
    struct hearth_part *out, struct hearth_err *err)
{
    return upload_part_copy(&hearth->session, bucket, key, upload, number, source, out, err);
}

enum hearth_code hearth_upload_parts(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned after, unsigned max, struct hearth_parts **out,
    struct hearth_err *err)
{
    return upload_parts(&hearth->session, bucket, key, upload, after, max, out, err);
}

enum hearth_code hearth_upload_complete(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, const struct hearth_complete_options *options,
    struct hearth_put_result *out, struct hearth_err *err)
{
    return upload_complete(&hearth->session, bucket, key, upload, options, out, err);
}

enum hearth_code hearth_upload_abort(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, struct hearth_err *err)
{
    return upload_abort(&hearth->session, bucket, key, upload, err);
}

enum hearth_code hearth_upload_list(struct hearth *hearth,
    const struct hearth_upload_list_options *options, struct hearth_uploads **out,
    struct hearth_err *err)
{
    return upload_list(&hearth->session, options, out, err);
}

enum hearth_code gateway_signing_key(struct hearth *hearth, struct view access_key,
    const struct sigv4_scope *scope, struct gateway_signing_key *out, struct hearth_err *err)
{
    return signing_key_ask(&hearth->session, access_key, scope, out, err);
}
