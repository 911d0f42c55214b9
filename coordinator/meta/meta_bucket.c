#include "coordinator/meta/meta_bucket.h"

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

#include <arpa/inet.h>
#include <assert.h>

/* ---- names ---- */

static bool is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool has_prefix(struct view text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.bytes, prefix, size) == 0;
}

static bool has_suffix(struct view text, const char *suffix)
{
    size_t size = strlen(suffix);
    return text.size >= size && memcmp(text.bytes + text.size - size, suffix, size) == 0;
}

static bool is_ip_address(struct view name)
{
    char text[META_BUCKET_NAME_MAX + 1] = {0};
    struct in_addr address;
    memcpy(text, name.bytes, name.size);
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_reserved(struct view name)
{
    return has_prefix(name, "xn--") || has_prefix(name, "sthree-") ||
        has_suffix(name, "-s3alias") || has_suffix(name, "--ol-s3");
}

/* What is wrong with it, or NULL. */
static const char *name_fault(struct view name)
{
    if (name.size < 3 || name.size > META_BUCKET_NAME_MAX) {
        return "has 3 to 63 characters";
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_alphanumeric(name.bytes[i]) && name.bytes[i] != '-' && name.bytes[i] != '.') {
            return "is made of a-z, 0-9, '-' and '.'";
        }
    }
    if (!is_alphanumeric(name.bytes[0]) || !is_alphanumeric(name.bytes[name.size - 1])) {
        return "begins and ends with a letter or digit";
    }
    if (memmem(name.bytes, name.size, "..", 2) != NULL) {
        return "has no two dots in a row";
    }
    if (is_ip_address(name)) {
        return "is not an IP address";
    }
    return is_reserved(name) ? "is not one of the reserved names" : NULL;
}

enum hearth_code meta_bucket_name_check(struct view name, struct hearth_err *err)
{
    const char *fault = name_fault(name);
    return fault == NULL ? HEARTH_OK : hearth_fail(err, HEARTH_INVALID, "a bucket name %s", fault);
}

/* ---- inside a transaction ---- */

enum hearth_code meta_bucket_in(struct meta_tx *tx, const struct meta_id *bucket,
    struct meta_bucket_row *out, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_BUCKET_BY_ID);
    sql_set_id(sql, ":bucket", bucket);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    sql_id(sql, &out->tenant);
    out->profile = (uint32_t)sql_u64(sql);
    out->key_version = (uint32_t)sql_u64(sql);
    out->quota_bytes = sql_u64(sql);
    out->quota_objects = sql_u64(sql);
    return HEARTH_OK;
}

void meta_bucket_read_in(
    struct meta_tx *tx, struct arena *arena, struct sql *sql, struct meta_bucket *out)
{
    sql_id(sql, &out->id);
    struct view name = sql_blob(sql);
    out->name = arena != NULL ? meta_keep(tx, arena, name) : name;
    sql_id(sql, &out->tenant);
    out->settings.profile = (uint32_t)sql_u64(sql);
    out->key_version = (uint32_t)sql_u64(sql);
    out->created_ms = sql_u64(sql);
    out->settings.public_read = sql_u64(sql) != 0;
    out->settings.quota_bytes = sql_u64(sql);
    out->settings.quota_objects = sql_u64(sql);
    out->keys = NULL;
    out->key_count = 0;
}

bool meta_bucket_named_in(struct meta_tx *tx, struct view name, struct meta_bucket *out)
{
    struct sql *sql = sql_use(tx, SQL_BUCKET_BY_NAME);
    sql_set_blob(sql, ":name", name);
    if (!sql_step(sql)) {
        return false;
    }
    meta_bucket_read_in(tx, NULL, sql, out);
    return true;
}

void meta_bucket_insert_in(struct meta_tx *tx, const struct meta_bucket *bucket)
{
    tx->changes_access = true;
    struct sql *sql = sql_use(tx, SQL_BUCKET_INSERT);
    sql_set_id(sql, ":bucket", &bucket->id);
    sql_set_blob(sql, ":name", bucket->name);
    sql_set_id(sql, ":tenant", &bucket->tenant);
    sql_set_u64(sql, ":profile", bucket->settings.profile);
    sql_set_u64(sql, ":key_version", bucket->key_version);
    sql_set_u64(sql, ":public_read", bucket->settings.public_read);
    sql_set_u64(sql, ":quota_bytes", bucket->settings.quota_bytes);
    sql_set_u64(sql, ":quota_objects", bucket->settings.quota_objects);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
}

enum hearth_code meta_bucket_room_in(
    struct meta_tx *tx, const struct meta_id *tenant, struct hearth_err *err)
{
    struct sql *count = sql_use(tx, SQL_BUCKET_COUNT);
    sql_set_id(count, ":tenant", tenant);
    return sql_value(count) < META_BUCKETS_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_BUSY, "a tenant has at most %d buckets", META_BUCKETS_MAX);
}

/* ---- create ---- */

/* The first bucket of a tenant says which root key wraps all of them. */
static enum hearth_code check_root_key(
    struct meta_tx *tx, const struct meta_bucket_create *request, struct hearth_err *err)
{
    struct view wanted = view_of(request->root_key_id, sizeof(request->root_key_id));
    struct sql *sql = sql_use(tx, SQL_TENANT_BY_ID);
    sql_set_id(sql, ":tenant", &request->tenant);
    if (!sql_step(sql)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such tenant");
    }
    sql_blob(sql); /* id */
    sql_blob(sql); /* name */
    struct view known = sql_blob(sql);
    if (known.size == 0) {
        struct sql *set = sql_use(tx, SQL_TENANT_SET_ROOT_KEY);
        sql_set_id(set, ":tenant", &request->tenant);
        sql_set_blob(set, ":root_key_id", wanted);
        sql_run(set);
        return HEARTH_OK;
    }
    return view_equal(known, wanted)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_WRONG_KEY, "the tenant's buckets have another root key");
}

/* *adopts: the name waits for this tenant, under the id *reserved. */
static enum hearth_code check_name(struct meta_tx *tx, const struct meta_bucket_create *request,
    bool *adopts, struct meta_id *reserved, struct hearth_err *err)
{
    struct meta_bucket known;
    *adopts = false;
    if (!meta_bucket_named_in(tx, request->name, &known)) {
        return meta_bucket_room_in(tx, &request->tenant, err);
    }
    if (!meta_id_equal(known.tenant, request->tenant)) {
        return hearth_fail(err, HEARTH_CONFLICT, "the bucket name is another tenant's");
    }
    if (known.key_version > 0) {
        return hearth_fail(err, HEARTH_EXISTS, "the bucket exists and is yours");
    }
    *adopts = true;
    *reserved = known.id;
    return HEARTH_OK;
}

static void adopt_bucket(
    struct meta_tx *tx, const struct meta_bucket_create *request, const struct meta_id *reserved)
{
    tx->changes_access = true;
    struct sql *sql = sql_use(tx, SQL_BUCKET_ADOPT);
    sql_set_id(sql, ":bucket", &request->id);
    sql_set_u64(sql, ":key_version", request->key.version);
    sql_set_id(sql, ":reserved", reserved);
    sql_run(sql);
}

static void insert_key(struct meta_tx *tx, const struct meta_bucket_create *request)
{
    struct sql *key = sql_use(tx, SQL_BUCKET_KEY_INSERT);
    sql_set_id(key, ":bucket", &request->id);
    sql_set_u64(key, ":version", request->key.version);
    sql_set_blob(key, ":wrapped", request->key.wrapped);
    sql_run(key);
}

static enum hearth_code create_now(
    struct meta_tx *tx, const struct meta_bucket_create *request, struct hearth_err *err)
{
    bool adopts;
    struct meta_id reserved;
    struct meta_bucket_row row;
    if (check_name(tx, request, &adopts, &reserved, err) != HEARTH_OK) {
        return err->code;
    }
    if (meta_bucket_in(tx, &request->id, &row, err) == HEARTH_OK) {
        return hearth_fail(err, HEARTH_CONFLICT, "the bucket id is in use");
    }
    if (check_root_key(tx, request, err) != HEARTH_OK) {
        return err->code;
    }
    if (adopts) {
        adopt_bucket(tx, request, &reserved);
    } else {
        const struct meta_bucket bucket = {.id = request->id,
            .name = request->name,
            .tenant = request->tenant,
            .key_version = request->key.version,
            .settings = {.profile = request->profile}};
        meta_bucket_insert_in(tx, &bucket);
    }
    insert_key(tx, request);
    return HEARTH_OK;
}

static enum hearth_code create(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_bucket_create *request = arg;
    const struct meta_subject subject = {
        META_CALL_BUCKET_CREATE, meta_id_view(&request->tenant), request->name};
    struct view result;
    bool found;
    enum hearth_code code =
        meta_outcome_find_in(tx, &request->token, &subject, &result, &found, err);
    if (code != HEARTH_OK || found) {
        return code;
    }
    if (create_now(tx, request, err) != HEARTH_OK) {
        return err->code;
    }
    meta_outcome_record_in(tx, &request->token, &subject, view_of(NULL, 0), META_OUTCOME_MS);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_create(
    struct meta_store *store, const struct meta_bucket_create *request, struct hearth_err *err)
{
    struct meta_bucket_create copy = *request;
    if (meta_bucket_name_check(request->name, err) != HEARTH_OK) {
        return err->code;
    }
    if (profile_by_number(request->profile) == NULL || request->key.version != 1 ||
        request->key.wrapped.size == 0 || request->key.wrapped.size > META_NAME_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "a new bucket has a known profile and the first version of its key");
    }
    return meta_run(store, create, &copy, err);
}

/* ---- delete ---- */

struct delete_call {
    struct view name;
    struct meta_id tenant;
    struct meta_id token;
};

static enum hearth_code check_delete(struct meta_tx *tx, const struct delete_call *call,
    struct meta_id *bucket, struct hearth_err *err)
{
    struct meta_bucket known;
    if (!meta_bucket_named_in(tx, call->name, &known)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    if (!meta_id_equal(known.tenant, call->tenant)) {
        return hearth_fail(err, HEARTH_DENIED, "the bucket is another tenant's");
    }
    struct sql *used = sql_use(tx, SQL_BUCKET_IS_USED);
    sql_set_id(used, ":bucket", &known.id);
    if (sql_step(used)) {
        return hearth_fail(err, HEARTH_NOT_EMPTY, "the bucket holds objects");
    }
    *bucket = known.id;
    return HEARTH_OK;
}

static void delete_rows(struct meta_tx *tx, const struct meta_id *bucket)
{
    static const enum statement statements[] = {
        SQL_BUCKET_DELETE, SQL_BUCKET_KEY_CLEAR, SQL_USAGE_CLEAR};
    tx->changes_access = true;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_id(sql, ":bucket", bucket);
        sql_run(sql);
    }
}

/* As S3 has it, uploads in parts do not keep a bucket. */
static void end_uploads(struct meta_tx *tx, const struct meta_id *bucket)
{
    struct sql *sql = sql_use(tx, SQL_UPLOAD_END_OF_BUCKET);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
}

static enum hearth_code delete_bucket(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct delete_call *call = arg;
    const struct meta_subject subject = {
        META_CALL_BUCKET_DELETE, meta_id_view(&call->tenant), call->name};
    struct meta_id bucket;
    struct view result;
    bool found;
    enum hearth_code code = meta_outcome_find_in(tx, &call->token, &subject, &result, &found, err);
    if (code != HEARTH_OK || found) {
        return code;
    }
    if (check_delete(tx, call, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    delete_rows(tx, &bucket);
    end_uploads(tx, &bucket);
    meta_outcome_record_in(tx, &call->token, &subject, view_of(NULL, 0), META_OUTCOME_MS);
    return HEARTH_OK;
}

enum hearth_code meta_bucket_delete(struct meta_store *store, struct view name,
    struct meta_id tenant, struct meta_id token, struct hearth_err *err)
{
    struct delete_call call = {.name = name, .tenant = tenant, .token = token};
    return meta_run(store, delete_bucket, &call, err);
}
