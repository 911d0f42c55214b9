#include "coordinator/meta/meta_list.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_list_seek.h"

#include <assert.h>

/* Keys fetched by one statement: small enough that the time limit is looked at often. */
enum { CHUNK_KEYS = 128, TOKEN_FORMAT = 1 };

/*
 * A page is a loop of chunks; each chunk is one recursive query that seeks from key to key.  One
 * entry more than the page may hold is looked for, to know whether there is another page.
 */
struct list_call {
    const struct meta_list *request;
    struct arena *arena;
    struct meta_list_entry *entries;
    size_t count;
    struct view next_token;

    uint8_t from[META_SEEK_SIZE_MAX]; /* where the next chunk begins */
    size_t from_size;                 /* 0: the listing is at its end, or at its start */
    uint8_t end[META_SEEK_SIZE_MAX];  /* before which all keys with the prefix are */
    size_t end_size;
};

/* ---- where to begin, where to end ---- */

static int compare_bytes(struct view a, struct view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool begins_with(struct view text, struct view prefix)
{
    return text.size >= prefix.size &&
        (prefix.size == 0 || memcmp(text.bytes, prefix.bytes, prefix.size) == 0);
}

static void set_from(struct list_call *call, struct view from)
{
    assert(from.size <= sizeof(call->from));
    if (from.size > 0) {
        memmove(call->from, from.bytes, from.size);
    }
    call->from_size = from.size;
}

static enum hearth_code start_at_token(struct list_call *call, struct hearth_err *err)
{
    struct view token = call->request->token;
    if (token.size < 2 || token.size > 1 + META_SEEK_SIZE_MAX || token.bytes[0] != TOKEN_FORMAT) {
        return hearth_fail(err, HEARTH_INVALID, "list: the continuation token is not of ours");
    }
    set_from(call, view_of(token.bytes + 1, token.size - 1));
    return HEARTH_OK;
}

/* After a common prefix: past all of it; after a key: at the next one. False: nothing follows. */
static bool start_after_key(struct list_call *call)
{
    const struct meta_list *request = call->request;
    struct view after = request->start_after;
    struct view common = view_of(NULL, 0);
    if (begins_with(after, request->prefix)) {
        common = meta_common_prefix(after, request->prefix, request->delimiter);
    }
    if (common.size > 0 && common.size == after.size) {
        call->from_size = meta_successor(after, call->from);
        return call->from_size > 0;
    }
    set_from(call, after);
    call->from[call->from_size++] = 0;
    return true;
}

static void set_end(struct list_call *call)
{
    call->end_size = meta_successor(call->request->prefix, call->end);
    if (call->end_size == 0) { /* no bytes come after the prefix: end after the longest key */
        memset(call->end, 0xff, sizeof(call->end));
        call->end_size = sizeof(call->end);
    }
}

/* *empty: there is nothing to list. */
static enum hearth_code start(struct list_call *call, bool *empty, struct hearth_err *err)
{
    const struct meta_list *request = call->request;
    *empty = false;
    if (request->prefix.size > META_KEY_MAX || request->start_after.size > META_KEY_MAX ||
        request->delimiter.size > META_DELIMITER_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "list: prefix, delimiter and start have at most %d bytes", META_KEY_MAX);
    }
    set_end(call);
    if (request->token.size > 0) {
        if (start_at_token(call, err) != HEARTH_OK) {
            return err->code;
        }
    } else if (request->start_after.size > 0) {
        *empty = !start_after_key(call);
    }
    if (compare_bytes(view_of(call->from, call->from_size), request->prefix) < 0) {
        set_from(call, request->prefix);
    }
    return HEARTH_OK;
}

/* ---- one chunk ---- */

static void read_entry(struct meta_tx *tx, struct list_call *call, struct sql *sql, struct view key)
{
    const struct meta_list *request = call->request;
    struct meta_list_entry *entry = &call->entries[call->count++];
    struct view common = meta_common_prefix(key, request->prefix, request->delimiter);
    if (common.size > 0) {
        *entry =
            (struct meta_list_entry){.key = meta_keep(tx, call->arena, common), .is_prefix = true};
        return;
    }
    *entry = (struct meta_list_entry){.key = meta_keep(tx, call->arena, key)};
    sql_bytes(sql, entry->info.version.bytes, sizeof(entry->info.version.bytes));
    entry->info.size = sql_u64(sql);
    sql_bytes(sql, entry->info.etag.bytes, sizeof(entry->info.etag.bytes));
    entry->info.parts = (uint32_t)sql_u64(sql);
    entry->info.created_ms = sql_u64(sql);
}

/* Returns how many it found; call->from is where to go on. */
static unsigned read_chunk(struct meta_tx *tx, struct list_call *call, unsigned max)
{
    const struct meta_list *request = call->request;
    unsigned found = 0;
    struct sql *sql = sql_use(tx, SQL_LIST_KEYS);
    sql_set_id(sql, ":bucket", &request->bucket);
    sql_set_blob(sql, ":from", view_of(call->from, call->from_size));
    sql_set_blob(sql, ":end", view_of(call->end, call->end_size));
    sql_set_blob(sql, ":prefix", request->prefix);
    sql_set_blob(sql, ":delimiter", request->delimiter);
    sql_set_u64(sql, ":max", max);
    uint8_t next[META_SEEK_SIZE_MAX];
    size_t next_size = 0;
    while (sql_step(sql)) {
        struct view key = sql_blob(sql);
        if (!begins_with(key, request->prefix) || key.size > META_KEY_MAX) {
            sql_fail_damaged(tx, "key of a listing");
            return 0;
        }
        next_size = meta_list_seek(key, request->prefix, request->delimiter, next);
        read_entry(tx, call, sql, key);
        found++;
    }
    if (found > 0) { /* the statement borrows call->from until here */
        set_from(call, view_of(next, next_size));
    }
    return found;
}

/* ---- the page ---- */

static void make_token(struct meta_tx *tx, struct list_call *call)
{
    uint8_t *token = meta_take(tx, call->arena, 1, 1 + call->from_size);
    if (token != NULL) {
        token[0] = TOKEN_FORMAT;
        memcpy(token + 1, call->from, call->from_size);
        call->next_token = view_of(token, 1 + call->from_size);
    }
}

/* True: there is at least one more entry. */
static bool more_follows(struct meta_tx *tx, struct list_call *call)
{
    struct list_call probe = *call;
    struct meta_list_entry entry;
    probe.entries = &entry;
    probe.count = 0;
    return read_chunk(tx, &probe, 1) > 0;
}

static enum hearth_code list(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct list_call *call = arg;
    const struct meta_list *request = call->request;
    struct meta_bucket_row bucket;
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t deadline_ns = env_now_ns(tx->env) + META_LIST_MS_MAX * UINT64_C(1000000);
    call->entries = meta_take(tx, call->arena, request->max, sizeof(*call->entries));
    bool at_end = false;
    while (!at_end && call->count < request->max && !meta_tx_failed(tx)) {
        size_t left = request->max - call->count;
        unsigned wanted = left < CHUNK_KEYS ? (unsigned)left : CHUNK_KEYS;
        at_end = read_chunk(tx, call, wanted) < wanted || call->from_size == 0;
        if (env_now_ns(tx->env) > deadline_ns) {
            break;
        }
    }
    if (!at_end && !meta_tx_failed(tx) && more_follows(tx, call)) {
        make_token(tx, call);
    }
    return HEARTH_OK;
}

enum hearth_code meta_list(struct meta_store *store, const struct meta_list *request,
    struct arena *arena, struct meta_list_page *out, struct hearth_err *err)
{
    assert(request->max >= 1 && request->max <= META_LIST_MAX);
    struct list_call call = {.request = request, .arena = arena};
    bool empty;
    enum hearth_code code = start(&call, &empty, err);
    if (code == HEARTH_OK && !empty) {
        code = meta_read(store, list, &call, err);
    }
    if (code == HEARTH_OK) {
        *out = (struct meta_list_page){
            .entries = call.entries, .count = call.count, .next_token = call.next_token};
    }
    return code;
}
