/*
 * hearth.h - libhearth: store objects on the disks of many homes, and read them back exactly.
 *
 *   hearth_init_client (once, with an invite)
 *   hearth_open --> buckets, put, get, stat, list, copy, delete, from any thread --> hearth_close
 *
 * What is put is sealed before it leaves the process, cut into shards and sent straight to the
 * nodes; what is got is exactly what was put, or an error, never other bytes.
 *
 * Words.     A key is 1 to 1,024 bytes of any value.  Sizes and offsets are bytes, times are
 *            milliseconds since 1970 (UTC) by the coordinator's clock.
 * Ownership. What goes in is borrowed for the call.  What comes out through `**out` is the
 *            caller's, to be released with the function named beside it; everything reachable
 *            from it lives exactly as long.  Outputs are written only on HEARTH_OK.  Pointers
 *            are never NULL unless it is said.
 * Errors.    Each call returns a code and, when that is not HEARTH_OK, a message in `err` that
 *            says what was being done, to what, and why it failed.  Three outcomes are possible
 *            for what changes something: HEARTH_OK, it is done; HEARTH_UNKNOWN, it may or may
 *            not be done, because the coordinator could not be asked again; any other code, it
 *            is not done and never will be.  A call that failed left nothing visible behind.
 *            Met everywhere: UNREACHABLE (no coordinator answers), DENIED, WRONG_KEY (the root
 *            key is not the one the tenant's buckets are wrapped with), BUSY (no memory share
 *            free; try later), CANCELLED, NO_MEMORY.
 * Threads.   A `struct hearth` may be used from many threads at once.  Calls block.  Callbacks
 *            run on the calling thread, during the call, except `notice`, which may run on any
 *            thread that is inside a call, on several at once; it must not call back.  A result
 *            belongs to whoever got it: no call changes it, no two threads may destroy it.
 */
#ifndef HEARTH_CLIENT_HEARTH_H
#define HEARTH_CLIENT_HEARTH_H

#include "common/err.h"
#include "common/view.h"

#include <stdatomic.h>

enum {
    HEARTH_KEY_MAX = 1024,                 /* bytes of a key, as in S3 */
    HEARTH_BUCKET_NAME_MAX = 63,           /* characters, as in S3 */
    HEARTH_METADATA_MAX = 2048,            /* bytes of names and values of one object, as in S3 */
    HEARTH_CONTENT_TYPE_MAX = 256,         /* bytes */
    HEARTH_LIST_MAX = 1000,                /* entries of a page, as in S3 */
    HEARTH_VERSION_TEXT_SIZE = 2 * 16 + 1, /* hexadecimal and the zero */
    HEARTH_NODE_TEXT_SIZE = 2 * 20 + 1,    /* likewise */
    HEARTH_ETAG_TEXT_SIZE = 2 * 16 + 1 + 10 + 1, /* MD5, '-', part count, zero */
    HEARTH_SHEET_SIZE = 1024,                    /* of hearth_key_export() */
};

#define HEARTH_SIZE_UNKNOWN UINT64_MAX

/* ---- open and close ---- */

struct hearth;

struct hearth_options {
    const char *config_path; /* required: as written by hearth_init_client() */

    /*
     * Bytes all transfers together may hold, and one of them.  0: from the configuration, whose
     * defaults suit one program on a desk (136 MiB for both).  A transfer takes what is free,
     * at least 16 MiB; when less is free it is refused with HEARTH_BUSY.
     */
    uint64_t memory_max;
    uint64_t transfer_memory_max;

    /*
     * Told, in one line of text, of what did not fail a call but somebody should know: a node
     * that answered with wrong bytes, a node given up on.  NULL: nobody.
     */
    void (*notice)(void *context, const char *text);
    void *notice_context;
};

/*
 * Reads configuration and keys; speaks to nobody yet.
 * HEARTH_NOT_FOUND, HEARTH_INVALID: a file is missing or not what it should be; it is named.
 */
enum hearth_code hearth_open(
    const struct hearth_options *options, struct hearth **out, struct hearth_err *err);

/* No call may be running.  Ends the connections; results got before stay valid.  Accepts NULL. */
void hearth_close(struct hearth *hearth);

struct hearth_init_options {
    const char *invite;        /* required: the text the operator handed over */
    const char *config_path;   /* required: written; keys and certificate go beside it, mode 0600 */
    const char *root_key_path; /* NULL: draw a new root key; else a key file or recovery sheet */
    bool replace;              /* overwrite an existing configuration; a root key file never is */
};

/*
 * Makes this machine a customer of the cluster: draws an identity key, enrols it, draws the root
 * key unless one is given, writes configuration and keys.
 * HEARTH_EXISTS: there is a configuration or root key already.  HEARTH_EXPIRED, HEARTH_DENIED:
 * the invite.  On failure no configuration is left behind.
 */
enum hearth_code hearth_init_client(
    const struct hearth_init_options *options, struct hearth_err *err);

/*
 * The recovery sheet: text for paper, holding the root key.  Who has it and an invite can read
 * everything; who lost it and the key file can read nothing.
 */
void hearth_key_export(const struct hearth *hearth, char sheet[HEARTH_SHEET_SIZE]);

/* ---- buckets ---- */

struct hearth_bucket {
    const char *name;
    uint64_t created_unix_ms;
    const char *profile;
    unsigned k; /* shards that suffice */
    unsigned n; /* shards of a segment */
    unsigned w; /* receipts that acknowledge a write */
};

struct hearth_buckets {
    unsigned count;
    const struct hearth_bucket *items; /* in byte order of their names */
};

/* Durable when it returns.  profile NULL: the cluster's default.  HEARTH_EXISTS; HEARTH_INVALID:
 * the name, by S3's rules; HEARTH_NOT_FOUND: no such profile. */
enum hearth_code hearth_bucket_create(
    struct hearth *hearth, const char *bucket, const char *profile, struct hearth_err *err);

/* HEARTH_NOT_EMPTY: it holds objects; HEARTH_NOT_FOUND. */
enum hearth_code hearth_bucket_delete(
    struct hearth *hearth, const char *bucket, struct hearth_err *err);

/* *out holds exactly one.  HEARTH_NOT_FOUND. */
enum hearth_code hearth_bucket_head(
    struct hearth *hearth, const char *bucket, struct hearth_buckets **out, struct hearth_err *err);

/* All buckets of the tenant; there may be none. */
enum hearth_code hearth_bucket_list(
    struct hearth *hearth, struct hearth_buckets **out, struct hearth_err *err);

void hearth_buckets_destroy(struct hearth_buckets *buckets); /* accepts NULL */

/* ---- words the object calls share ---- */

/* A transfer's leash.  Zero: none of it. */
struct hearth_control {
    /*
     * Set it to true, also from a signal handler, and the call ends with HEARTH_CANCELLED: within
     * a tenth of a second while bytes move, else when the current question to the coordinator is
     * answered.  Once a commit is on its way its outcome is awaited, and stands.
     */
    const atomic_bool *cancel;
    /* Called after each stripe: plaintext bytes so far; total may be HEARTH_SIZE_UNKNOWN. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
};

/* Conditions on what the key holds at the moment of the commit; broken: HEARTH_PRECONDITION. */
struct hearth_precondition {
    bool must_not_exist;        /* If-None-Match: * */
    bool must_exist;            /* If-Match: * */
    const char *must_have_etag; /* If-Match: an ETag as text, without quotes; NULL: any */
};

struct hearth_metadata {
    const char *name; /* lower case, without "x-amz-meta-" */
    struct view value;
};

struct hearth_object {
    struct view key;
    uint64_t size;
    uint64_t created_unix_ms;
    char version[HEARTH_VERSION_TEXT_SIZE];
    char etag[HEARTH_ETAG_TEXT_SIZE]; /* without quotes */
    /* From the sealed manifest; in a listing absent: "" and none. */
    const char *content_type;
    unsigned metadata_count;
    const struct hearth_metadata *metadata;
};

/* ---- put ---- */

/* Where the bytes of an object come from. */
struct hearth_source {
    /*
     * Up to `size` bytes into `bytes`, their number in *out_got; 0 is the end.  A failure ends the
     * put with the same code and message, and nothing becomes visible.
     */
    enum hearth_code (*read)(
        void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err);
    void *context;
};

struct hearth_put_options {
    uint64_t size_expected; /* 0: not known; else another length is HEARTH_INVALID */
    struct hearth_precondition precondition;
    const char *content_type; /* NULL: "application/octet-stream" */
    unsigned metadata_count;
    const struct hearth_metadata *metadata;
    struct hearth_control control;

    /*
     * For a put that can go on later; needs size_expected.  `checkpoint` is told, on the calling
     * thread, whenever one more segment (64 MiB) is safe, and how many bytes are.  The last state
     * it was told is to be given as `resume` to a later put under the same key: that one reads its
     * source from the beginning too, compares, and sends only what is missing.  With it, a failure
     * that may pass (unreachable, busy, cancelled ...) keeps those segments for a day; others give
     * them up. The state is sealed; it opens nothing without the root key.  The precondition is
     * that of the first put.
     */
    void (*checkpoint)(void *context, struct view state, uint64_t safe_bytes); /* NULL: it cannot */
    void *checkpoint_context;
    struct view resume; /* empty: from the beginning */
};

struct hearth_put_result {
    uint64_t size;
    uint64_t resumed_bytes; /* of these: were safe before this put */
    char version[HEARTH_VERSION_TEXT_SIZE];
    char etag[HEARTH_ETAG_TEXT_SIZE];
};

/*
 * Stores a stream of any length under a key.  HEARTH_OK: durable on at least w nodes and visible.
 * options and out may be NULL.  HEARTH_FLEET_TOO_SMALL, HEARTH_SHARDS_LOST: too few nodes took
 * their shard; HEARTH_PRECONDITION; HEARTH_NOT_FOUND: no such bucket.
 * With resume, when there is no going on from there: HEARTH_CONFLICT, the source is another one;
 * HEARTH_EXPIRED, HEARTH_NOT_FOUND, the day is over; HEARTH_CHECKSUM, HEARTH_UNKNOWN_FORMAT, the
 * state is not for this key.  A put without it begins anew.
 */
enum hearth_code hearth_put(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_source *source, const struct hearth_put_options *options,
    struct hearth_put_result *out, struct hearth_err *err);

/* ---- get ---- */

/* Where the bytes of an object go to, in order. */
struct hearth_sink {
    /* Once, before the first byte: what it is, and which part of it follows.  May be NULL. */
    enum hearth_code (*start)(void *context, const struct hearth_object *object, uint64_t offset,
        uint64_t length, struct hearth_err *err);
    /* A failure ends the get with the same code and message. */
    enum hearth_code (*write)(void *context, struct view bytes, struct hearth_err *err);
    void *context;
};

struct hearth_get_options {
    uint64_t offset;
    uint64_t length;     /* 0: to the end; more than there is: to the end */
    bool suffix;         /* the last `length` bytes instead; offset is 0 then */
    const char *version; /* NULL: the newest */
    struct hearth_control control;
};

/*
 * Reads an object, or a range of it, into the sink.  Bytes reach the sink only after they were
 * authenticated; when the call fails in the middle, what the sink got so far is a true beginning.
 * HEARTH_NOT_FOUND; HEARTH_INVALID: the range starts past the end; HEARTH_SHARDS_LOST: fewer than
 * k good shards of a segment can be reached now; HEARTH_CHECKSUM: what the coordinator keeps
 * (manifest, extents) does not verify.
 */
enum hearth_code hearth_get(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_sink *sink, const struct hearth_get_options *options,
    struct hearth_err *err);

/* ---- stat, list ---- */

struct hearth_holder {
    unsigned slot;
    unsigned number; /* which offer of the slot this is */
    char node[HEARTH_NODE_TEXT_SIZE];
};

struct hearth_segment {
    uint8_t id[16];
    uint64_t object_offset; /* of the first byte the object takes from it */
    uint64_t length;        /* bytes the object takes from it */
    unsigned k;
    unsigned n;
    unsigned holder_count; /* by slot; missing slots are not listed */
    const struct hearth_holder *holders;
};

struct hearth_stat {
    struct hearth_object object;
    bool is_inline;         /* the bytes lie in the metadata, not on nodes; known with shards */
    unsigned segment_count; /* 0 unless shards were asked for */
    const struct hearth_segment *segments;
};

/* The newest version of a key; no node is asked.  HEARTH_NOT_FOUND: no such bucket or key. */
enum hearth_code hearth_stat(struct hearth *hearth, const char *bucket, struct view key,
    bool with_shards, struct hearth_stat **out, struct hearth_err *err);

void hearth_stat_destroy(struct hearth_stat *stat); /* accepts NULL */

struct hearth_list_options {
    const char *bucket;      /* required */
    struct view prefix;      /* empty: all keys */
    struct view delimiter;   /* empty: no common prefixes; at most 16 bytes */
    struct view start_after; /* keys after this one */
    struct view token;       /* next_token of the page before; then start_after is ignored */
    unsigned max;            /* entries and prefixes together; 0: HEARTH_LIST_MAX */
};

struct hearth_page {
    unsigned count;
    const struct hearth_object *objects; /* in byte order of their keys */
    unsigned prefix_count;
    const struct view *prefixes;
    struct view next_token; /* empty: this was the last page */
};

/*
 * One page, in byte order of the keys; it may be shorter than asked for although more follow: only
 * an empty next_token says that this was the last.  HEARTH_NOT_FOUND: no such bucket;
 * HEARTH_INVALID: the delimiter is too long, the token not one of ours.
 */
enum hearth_code hearth_list(struct hearth *hearth, const struct hearth_list_options *options,
    struct hearth_page **out, struct hearth_err *err);

void hearth_page_destroy(struct hearth_page *page); /* accepts NULL */

/* ---- copy, delete ---- */

struct hearth_copy_options {
    struct hearth_precondition precondition; /* on the destination */
    const char *source_version;              /* NULL: the newest */
    bool replace_metadata;                   /* false: content type and metadata are the source's */
    const char *content_type;
    unsigned metadata_count;
    const struct hearth_metadata *metadata;
};

/*
 * Within the cluster, to any bucket of the tenant; no data moves.  options and out may be NULL.
 * HEARTH_NOT_FOUND: no such bucket, key or version; HEARTH_PRECONDITION; HEARTH_UNKNOWN.
 */
enum hearth_code hearth_copy(struct hearth *hearth, const char *source_bucket,
    struct view source_key, const char *bucket, struct view key,
    const struct hearth_copy_options *options, struct hearth_put_result *out,
    struct hearth_err *err);

/* precondition, out_existed may be NULL.  A key that is not there is HEARTH_OK, unless the
 * precondition says otherwise.  HEARTH_NOT_FOUND: no such bucket; HEARTH_PRECONDITION;
 * HEARTH_UNKNOWN. */
enum hearth_code hearth_delete(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_precondition *precondition, bool *out_existed, struct hearth_err *err);

#endif /* HEARTH_CLIENT_HEARTH_H */
