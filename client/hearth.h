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
 *            run on the calling thread, during the call, except a source's `see`, and `notice`,
 *            which may run on any thread that is inside a call, on several at once; it must not
 *            call back.  A result
 *            belongs to whoever got it: no call changes it, no two threads may destroy it.
 *            A put of more than 1 MiB has a thread hash what it sends, which ends with the call.
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
    HEARTH_HEADERS_MAX = 16,               /* of one object, besides its content type */
    HEARTH_TAGS_MAX = 10,                  /* of one object, as in S3 */
    HEARTH_PARTS_MAX = 10000,              /* of one upload, as in S3 */
    HEARTH_DELETE_MAX = 1000,              /* keys of one call, as in S3 */
    HEARTH_LIST_MAX = 1000,                /* entries of a page, as in S3 */
    HEARTH_VERSION_TEXT_SIZE = 2 * 16 + 1, /* hexadecimal and the zero */
    HEARTH_NODE_TEXT_SIZE = 2 * 20 + 1,    /* likewise */
    HEARTH_UPLOAD_TEXT_SIZE = 2 * 16 + 1,  /* likewise */
    HEARTH_ETAG_TEXT_SIZE = 2 * 16 + 1 + 10 + 1, /* MD5, '-', part count, zero */
    HEARTH_SHEET_SIZE = 1024,                    /* of hearth_key_export() */
};

#define HEARTH_SIZE_UNKNOWN    UINT64_MAX
#define HEARTH_PART_SIZE_MAX   (UINT64_C(5) << 30) /* bytes of one part, as in S3 */
#define HEARTH_OBJECT_SIZE_MAX (UINT64_C(5) << 40) /* bytes of an object in parts, likewise */

/* ---- open and close ---- */

struct hearth;

/* What the transfers of several struct hearth may hold together.  NULL: out of memory. */
struct hearth_memory;
struct hearth_memory *hearth_memory_create(uint64_t bytes_max);
void hearth_memory_destroy(struct hearth_memory *memory); /* accepts NULL */

struct hearth_options {
    const char *config_path; /* required: as written by hearth_init_client() */

    /*
     * Bytes all transfers together may hold, and one of them.  0: from the configuration, whose
     * defaults suit one program on a desk (136 MiB for both).  A transfer takes what is free,
     * at least 16 MiB; when less is free it is refused with HEARTH_BUSY.
     */
    uint64_t memory_max;
    uint64_t transfer_memory_max;

    /* Of which their shares are, too, for a program with several of these.  Outlives them.  NULL:
     * memory_max is all there is to keep to. */
    struct hearth_memory *memory;

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
    unsigned k;             /* shards that suffice */
    unsigned n;             /* shards of a segment */
    unsigned w;             /* receipts that acknowledge a write */
    bool public_read;       /* anybody may read its objects through a gateway */
    uint64_t quota_bytes;   /* of all its objects; 0: no limit */
    uint64_t quota_objects; /* likewise */
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

/* Whether anybody may read it through a gateway, without a key.  HEARTH_NOT_FOUND; HEARTH_DENIED.
 */
enum hearth_code hearth_bucket_set_public(
    struct hearth *hearth, const char *bucket, bool public_read, struct hearth_err *err);

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

/* A piece of metadata (lower case, without "x-amz-meta-"), a header, or a tag. */
struct hearth_metadata {
    const char *name;
    struct view value;
};

/* What is said of an object besides its bytes. */
struct hearth_attributes {
    const char *content_type; /* NULL: "application/octet-stream" */
    unsigned metadata_count;
    const struct hearth_metadata *metadata;
    unsigned header_count; /* kept and given back: "cache-control", "content-disposition" ... */
    const struct hearth_metadata *headers;
    unsigned tag_count; /* these the coordinator sees too */
    const struct hearth_metadata *tags;
};

/* Numbers of S3's algorithms. */
enum hearth_checksum_kind {
    HEARTH_CHECKSUM_NONE = 0,
    HEARTH_CHECKSUM_CRC32 = 1,
    HEARTH_CHECKSUM_CRC32C = 2,
    HEARTH_CHECKSUM_SHA1 = 3,
    HEARTH_CHECKSUM_SHA256 = 4,
    HEARTH_CHECKSUM_CRC64NVME = 5,
};

/* Kept and given back: whoever puts it vouches for it. */
struct hearth_checksum {
    enum hearth_checksum_kind kind;
    bool is_composite; /* over the checksums of the parts, not over the bytes */
    struct view value; /* at most 64 bytes */
};

/* At most 8; with a put it is looked at when the source has ended, so the source may fill it. */
struct hearth_checksums {
    unsigned count;
    const struct hearth_checksum *items;
};

struct hearth_object {
    struct view key;
    uint64_t size;
    uint64_t created_unix_ms;
    char version[HEARTH_VERSION_TEXT_SIZE];
    char etag[HEARTH_ETAG_TEXT_SIZE]; /* without quotes */
    /* From the sealed manifest; in a listing absent: "" and none. */
    struct hearth_attributes attributes;
    struct hearth_checksums checksums;
    unsigned part_count;                          /* of an upload in parts; 0: none */
    const uint64_t *part_sizes;                   /* NULL: they are not known */
    const struct hearth_checksum *part_checksums; /* likewise: of the kind its upload was to have */
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
    /*
     * For one whose bytes come from somebody who may be slow: waits up to wait_ms until a read
     * would not have to, and says whether it would not.  With it and size_expected a slow source
     * does not keep the places of others.  NULL: bytes are there when they are asked for.
     */
    bool (*wait)(void *context, unsigned wait_ms);
    /*
     * For one that verifies its bytes, which so takes no time of its own: `see` gets all that was
     * read, in order, one call at a time, and perhaps on another thread, beside reads.  After the
     * end `vouch` is asked, on the calling thread; a failure ends the put as that of a read does.
     * NULL, both: a read of 0 says that all was right.
     */
    void (*see)(void *context, struct view bytes);
    enum hearth_code (*vouch)(void *context, struct hearth_err *err);
};

struct hearth_put_options {
    uint64_t size_expected; /* 0: not known; else another length is HEARTH_INVALID */
    struct hearth_precondition precondition;
    struct hearth_attributes attributes;
    const struct hearth_checksums *checksums; /* NULL: none */
    const uint8_t *md5; /* 16: what the bytes must have; NULL: any.  HEARTH_CHECKSUM: another */
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
    uint64_t created_unix_ms;
    char version[HEARTH_VERSION_TEXT_SIZE];
    char etag[HEARTH_ETAG_TEXT_SIZE];
};

/*
 * Stores a stream of any length under a key.  HEARTH_OK: durable on at least w nodes and visible.
 * options and out may be NULL.  HEARTH_FLEET_TOO_SMALL, HEARTH_SHARDS_LOST: too few nodes took
 * their shard; HEARTH_PRECONDITION; HEARTH_NOT_FOUND: no such bucket; HEARTH_QUOTA: it may not hold
 * so much, which is said before the source is read when size_expected says that it is large, and
 * else with the first segment that does not fit.
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
    /* Once, before the first byte: what it is, and which part of it follows; of a range that starts
     * past the end nothing, and the get fails after that.  May be NULL. */
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

enum hearth_holder_state {
    HEARTH_HOLDER_UNKNOWN,
    HEARTH_HOLDER_MISSING,  /* its node is lost, or says that the shard is damaged */
    HEARTH_HOLDER_DOUBTFUL, /* counts as missing, and is read while there are fewer than k others */
    HEARTH_HOLDER_SILENT,   /* held; its node does not answer now */
    HEARTH_HOLDER_REACHABLE,
};

struct hearth_holder {
    unsigned slot, number; /* and which offer of it this is */
    char node[HEARTH_NODE_TEXT_SIZE];
    unsigned uptime_ppm; /* share of the time it is up, of a million, as measured; 0: unknown */
    unsigned state;      /* enum hearth_holder_state */
};

/* Why a segment is due for repair. */
enum hearth_repair {
    HEARTH_REPAIR_NONE,
    HEARTH_REPAIR_FEW_HELD,  /* so few are left that these holders make it necessary */
    HEARTH_REPAIR_FEW_HEARD, /* too few holders were heard of for half a day */
    HEARTH_REPAIR_FILL,      /* some slots never had a holder; when nothing else is to do */
    HEARTH_REPAIR_ASKED,     /* an operator wants everything whole */
};

struct hearth_segment {
    uint8_t id[16];
    uint64_t object_offset; /* of the first byte the object takes from it */
    uint64_t length;        /* bytes the object takes from it */
    unsigned k, n;
    unsigned holder_count; /* by slot; missing slots are not listed */
    const struct hearth_holder *holders;
    bool is_estimated;        /* the following is known */
    unsigned held, reachable; /* shards that count; of those, at nodes that answer now */
    unsigned trigger;         /* repair begins when no more are held */
    double unreadable;        /* the chance that too few of the reachable ones answer at a moment */
    double lost;     /* the chance that it is lost within a year; docs/durability-estimate.md */
    unsigned repair; /* enum hearth_repair: what is due now */
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
    struct view delimiter;   /* empty: no common prefixes */
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
    bool replace_attributes;                 /* false: all but the tags are the source's */
    bool replace_tags;                       /* false: these too */
    struct hearth_attributes attributes;
};

/*
 * Within the cluster, to any bucket of the tenant; no data moves.  options and out may be NULL.
 * HEARTH_NOT_FOUND: no such bucket, key or version; HEARTH_PRECONDITION; HEARTH_QUOTA;
 * HEARTH_UNKNOWN.
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

/* All of them at once, or none; at most HEARTH_DELETE_MAX.  Keys that are not there are no error.
 */
enum hearth_code hearth_delete_many(struct hearth *hearth, const char *bucket,
    const struct view *keys, unsigned count, struct hearth_err *err);

/* Instead of the tags of a version (NULL: the newest), which stays what it is otherwise.
 * HEARTH_INVALID: more than HEARTH_TAGS_MAX, or 8 KiB of them. */
enum hearth_code hearth_set_tags(struct hearth *hearth, const char *bucket, struct view key,
    const char *version, unsigned tag_count, const struct hearth_metadata *tags,
    struct hearth_err *err);

/* ---- uploads in parts ---- */

struct hearth_upload_options {
    struct hearth_attributes attributes; /* of the object it will be */
    /* What its parts are to have: when all do, they are kept with the object. */
    enum hearth_checksum_kind checksum_kind;
    bool checksum_is_composite;
};

/*
 * Parts may come in any order, from many threads and machines, again under the same number (the
 * last one counts), until the upload is completed or aborted; 7 days without a new part abort it.
 * HEARTH_NOT_FOUND: no such bucket.
 */
enum hearth_code hearth_upload_create(struct hearth *hearth, const char *bucket, struct view key,
    const struct hearth_upload_options *options, char upload[HEARTH_UPLOAD_TEXT_SIZE],
    struct hearth_err *err);

struct hearth_part {
    unsigned number; /* from 1 */
    uint64_t size;
    uint64_t created_unix_ms;
    char etag[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_checksums checksums;
};

struct hearth_part_options {
    uint64_t size_expected; /* 0: not known; else another length is HEARTH_INVALID */
    const struct hearth_checksums *checksums; /* NULL: none */
    const uint8_t *md5;                       /* as of a put */
    struct hearth_control control;
};

/* As hearth_put().  `out` has no checksums.  HEARTH_NOT_FOUND: no such upload, or it has ended;
 * HEARTH_INVALID: the number, or more than HEARTH_PART_SIZE_MAX bytes. */
enum hearth_code hearth_upload_part(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err);

struct hearth_part_source {
    const char *bucket;
    struct view key;
    const char *version; /* NULL: the newest */
    uint64_t offset;
    uint64_t length; /* 0: to the end */
    /* Looked at before anything is done; a failure ends the call.  NULL: none. */
    enum hearth_code (*check)(
        void *context, const struct hearth_object *object, struct hearth_err *err);
    void *check_context;
};

/*
 * A part out of another object.  What lies in segments does not move; small objects are read and
 * written.  The ETag is then no MD5 of the bytes, which nobody has seen: it is made of the source's
 * and the range.  HEARTH_INVALID also: the range ends past the source.
 */
enum hearth_code hearth_upload_part_copy(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_part_source *source,
    struct hearth_part *out, struct hearth_err *err);

struct hearth_parts {
    struct hearth_attributes attributes; /* as the upload was created */
    enum hearth_checksum_kind checksum_kind;
    bool checksum_is_composite;
    uint64_t created_unix_ms;
    unsigned count;
    const struct hearth_part *items; /* by number */
    bool more;
};

/* Parts with numbers above `after`, at most max (0: 1,000, which is also the most); a page may be
 * shorter although more follow.  HEARTH_NOT_FOUND: no such upload, or it has ended. */
enum hearth_code hearth_upload_parts(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, unsigned after, unsigned max, struct hearth_parts **out,
    struct hearth_err *err);

void hearth_parts_destroy(struct hearth_parts *parts); /* accepts NULL */

struct hearth_complete_part {
    unsigned number;
    const char *etag; /* must be the part's */
};

struct hearth_complete_options {
    unsigned part_count; /* 1 to HEARTH_PARTS_MAX, by number; parts not named are given up */
    const struct hearth_complete_part *parts;
    struct hearth_precondition precondition;
    /* Called for each of them in order, before anything is done; a failure ends the call with its
     * code and message.  NULL: none. */
    enum hearth_code (*visit)(
        void *context, const struct hearth_part *part, struct hearth_err *err);
    void *visit_context;
    const struct hearth_checksums *checksums; /* of the object, looked at after the last visit */
};

/*
 * Makes the parts one object, with the ETag that S3 gives it.  Again within 7 days, with whatever
 * options: the result of the first time.  HEARTH_NOT_FOUND: no such upload; HEARTH_CONFLICT: a part
 * is not there, or has another ETag; HEARTH_INVALID: numbers that do not ascend, more than 92,000
 * pieces; HEARTH_PRECONDITION: the upload is still open.
 */
enum hearth_code hearth_upload_complete(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, const struct hearth_complete_options *options,
    struct hearth_put_result *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND: no such upload, or it has ended. */
enum hearth_code hearth_upload_abort(struct hearth *hearth, const char *bucket, struct view key,
    const char *upload, struct hearth_err *err);

struct hearth_upload {
    struct view key;
    char upload[HEARTH_UPLOAD_TEXT_SIZE];
    uint64_t created_unix_ms;
};

struct hearth_uploads {
    unsigned count;
    const struct hearth_upload *items; /* by key, then id */
    bool more;
};

struct hearth_upload_list_options {
    const char *bucket;
    struct view prefix;
    struct view after_key;    /* uploads of later keys, */
    const char *after_upload; /* and later ones of this key; NULL: none of them */
    unsigned max;             /* 0: 1,000, which is also the most */
};

/* Uploads that have not ended.  HEARTH_NOT_FOUND: no such bucket. */
enum hearth_code hearth_upload_list(struct hearth *hearth,
    const struct hearth_upload_list_options *options, struct hearth_uploads **out,
    struct hearth_err *err);

void hearth_uploads_destroy(struct hearth_uploads *uploads); /* accepts NULL */

#endif /* HEARTH_CLIENT_HEARTH_H */
