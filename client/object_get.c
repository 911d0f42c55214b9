#include "client/object_get.h"

#include "client/get_reports.h"
#include "client/get_tempo.h"
#include "client/object_lookup.h"
#include "client/segment_get.h"

#include <inttypes.h>

enum {
    /* Waits of 0.5, 1 and 2 s: a line that blinks, a node that starts again. */
    RESUME_PAUSE_MS = 500,
    RESUMES_IN_VAIN_MAX = 3,
};

/* One call of object_get(). */
struct get {
    const struct hearth_sink *sink;
    const struct hearth_get_options *options;
    struct object_lookup lookup;
    uint64_t offset; /* of the range that is wanted, as it was found to be */
    uint64_t length;
    uint64_t delivered;

    /* Of an object with extents. */
    const struct get_source *source;
    size_t extent;            /* the one that is being delivered */
    uint64_t extent_start;    /* where it begins in the object */
    struct segment_get *next; /* reads ahead for the extent after it; NULL: none does */
    bool has_looked_ahead;    /* whether there is one or not */
    unsigned resumed_in_vain; /* times, since something was delivered last */
};

/* ---- the range ---- */

/* What starts past the end is nothing, at the end. */
static void find_range(struct get *get)
{
    uint64_t size = get->lookup.manifest.size;
    uint64_t wanted = get->options->length;
    if (get->options->suffix) {
        get->length = wanted < size ? wanted : size;
        get->offset = size - get->length;
        return;
    }
    get->offset = get->options->offset < size ? get->options->offset : size;
    uint64_t rest = size - get->offset;
    get->length = wanted == 0 || wanted > rest ? rest : wanted;
}

static enum hearth_code check_range(const struct get *get, struct hearth_err *err)
{
    uint64_t start = get->options->offset;
    uint64_t size = get->lookup.manifest.size;
    return start == 0 || start < size
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID,
              "the range starts at %" PRIu64 ", the object has %" PRIu64 " bytes", start, size);
}

static enum hearth_code start_sink(struct get *get, struct hearth_err *err)
{
    if (get->sink->start == NULL) {
        return HEARTH_OK;
    }
    struct hearth_object object;
    struct object_lookup *lookup = &get->lookup;
    enum hearth_code code = object_manifest_read(&lookup->manifest, lookup->key, lookup->reply.info,
        lookup->tags, &lookup->arena, &object, err);
    return code == HEARTH_OK
        ? get->sink->start(get->sink->context, &object, get->offset, get->length, err)
        : code;
}

/* ---- bytes ---- */

static enum hearth_code deliver(void *context, struct view plain, struct hearth_err *err)
{
    struct get *get = context;
    assert(plain.size <= get->length - get->delivered);
    enum hearth_code code = get->sink->write(get->sink->context, plain, err);
    if (code != HEARTH_OK) {
        return code;
    }
    get->delivered += plain.size;
    const struct hearth_control *control = &get->options->control;
    if (control->progress != NULL) {
        control->progress(control->progress_context, get->delivered, get->length);
    }
    return HEARTH_OK;
}

static enum hearth_code get_inline(struct get *get, struct hearth_err *err)
{
    struct view bytes = get->lookup.manifest.inline_bytes;
    assert(bytes.size == get->lookup.manifest.size); /* manifest_open() saw to it */
    return deliver(get, view_of(bytes.bytes + get->offset, (size_t)get->length), err);
}

/* Opens what the range still wants of an extent that starts at `start` of the object. */
static enum hearth_code open_extent(
    struct get *get, size_t index, uint64_t start, struct segment_get **out, struct hearth_err *err)
{
    const struct manifest_extent *extent = &get->lookup.manifest.extents[index];
    uint64_t wanted = get->offset + get->delivered;
    uint64_t wanted_end = get->offset + get->length;
    uint64_t from = wanted > start ? wanted - start : 0;
    uint64_t to = wanted_end - start < extent->length ? wanted_end - start : extent->length;
    const struct wire_segment_info *info;
    enum hearth_code code = object_lookup_segment(&get->lookup, index, &info, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const struct segment_get_range range = {
        .info = info,
        .upload_key = &extent->upload_key,
        .offset = extent->offset + from,
        .length = to - from,
    };
    return segment_get_open(get->source, &range, out, err);
}

static void forget_next(struct get *get)
{
    segment_get_destroy(get->next);
    get->next = NULL;
    get->has_looked_ahead = false;
}

/* While the end of one extent is delivered, the beginning of the next is on its way. */
static void look_ahead(void *context, uint64_t bytes)
{
    struct get *get = context;
    const struct manifest *manifest = &get->lookup.manifest;
    uint64_t start = get->extent_start + manifest->extents[get->extent].length;
    if (!get->has_looked_ahead && start < get->offset + get->length) {
        struct hearth_err err; /* if it cannot be now, its turn comes anyway */
        if (open_extent(get, get->extent + 1, start, &get->next, &err) != HEARTH_OK) {
            get->next = NULL;
        }
    }
    get->has_looked_ahead = true;
    if (get->next != NULL) {
        segment_get_read_ahead(get->next, bytes);
    }
}

static enum hearth_code run_extent(struct get *get, struct hearth_err *err)
{
    struct segment_get *segment = get->next;
    get->next = NULL;
    get->has_looked_ahead = false;
    enum hearth_code code = HEARTH_OK;
    if (segment == NULL) {
        code = open_extent(get, get->extent, get->extent_start, &segment, err);
    }
    if (code == HEARTH_OK) {
        code = segment_get_run_blocking(segment, err);
        segment_get_destroy(segment);
    }
    return code;
}

/* Long enough for a line that blinks, and cancelled like any wait. */
static enum hearth_code pause_before_resuming(struct get *get, struct hearth_err *err)
{
    struct transfer *transfer = get->source->transfer;
    uint64_t pause_ns = (UINT64_C(1000000) * RESUME_PAUSE_MS) << get->resumed_in_vain++;
    uint64_t end_ns = transfer_now_ns(transfer) + pause_ns;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && transfer_now_ns(transfer) < end_ns) {
        code = transfer_wait(transfer, end_ns, err);
    }
    return code;
}

/* A read that has begun is worth more than a new one: who would have to begin again waits a
 * moment, looks up who holds the segment now, and goes on from the last byte delivered. */
static enum hearth_code get_extent(struct get *get, struct hearth_err *err)
{
    for (;;) {
        uint64_t before = get->delivered;
        enum hearth_code code = run_extent(get, err);
        get->resumed_in_vain = get->delivered > before ? 0 : get->resumed_in_vain;
        bool may_resume = code == HEARTH_SHARDS_LOST && get->delivered > 0 &&
            get->resumed_in_vain < RESUMES_IN_VAIN_MAX;
        if (!may_resume) {
            return code;
        }
        forget_next(get);
        code = pause_before_resuming(get, err);
        if (code == HEARTH_OK) {
            code = object_lookup_from(&get->lookup, get->extent, err);
        }
        if (code != HEARTH_OK) {
            return code;
        }
    }
}

static enum hearth_code get_extents(struct get *get, struct hearth_err *err)
{
    const struct manifest *manifest = &get->lookup.manifest;
    enum hearth_code code = HEARTH_OK;
    for (; code == HEARTH_OK && get->extent < manifest->extent_count; get->extent++) {
        uint64_t end = get->extent_start + manifest->extents[get->extent].length;
        if (end > get->offset && get->extent_start < get->offset + get->length) {
            code = get_extent(get, err);
        }
        get->extent_start = end;
    }
    forget_next(get);
    return code;
}

static uint64_t memory_wanted(const struct get *get)
{
    uint64_t stripe = (get->lookup.bucket.data_count + 2u) * (uint64_t)EC_CELL_SIZE_MAX;
    return SEGMENT_GET_AHEAD_MAX * stripe;
}

static enum hearth_code get_in_transfer(
    struct get *get, struct transfer *transfer, struct hearth_err *err)
{
    struct session *session = get->lookup.session;
    struct get_tempo tempo = {0};
    struct get_reports reports = {.session = session};
    const struct get_source source = {
        .transfer = transfer,
        .bucket = view_text(get->lookup.bucket_name),
        .key = get->lookup.key,
        .version = get->lookup.version,
        .tempo = &tempo,
        .reports = &reports,
        .deliver = deliver,
        .has_room = look_ahead,
        .context = get,
    };
    get->source = &source;
    enum hearth_code code = get_extents(get, err);
    get_reports_send(&reports);
    return code;
}

static enum hearth_code get_segmented(struct get *get, struct hearth_err *err)
{
    struct transfer transfer;
    struct session *session = get->lookup.session;
    enum hearth_code code = transfer_open(&transfer, session, &get->options->control, err);
    if (code == HEARTH_OK) {
        code = transfer_take_memory(&transfer, TRANSFER_MEMORY_MIN, memory_wanted(get), err);
        code = code == HEARTH_OK ? get_in_transfer(get, &transfer, err) : code;
        transfer_close(&transfer);
    }
    return code;
}

/* ---- the whole ---- */

static enum hearth_code get_found(struct get *get, struct hearth_err *err)
{
    find_range(get);
    enum hearth_code code = start_sink(get, err);
    if (code == HEARTH_OK) {
        code = check_range(get, err);
    }
    if (code == HEARTH_OK && get->length > 0) {
        code =
            get->lookup.manifest.extent_count == 0 ? get_inline(get, err) : get_segmented(get, err);
    }
    assert(code != HEARTH_OK || get->delivered == get->length);
    return code;
}

enum hearth_code object_get(struct session *session, const char *bucket, struct view key,
    const struct hearth_sink *sink, const struct hearth_get_options *options,
    struct hearth_err *err)
{
    static const struct hearth_get_options nothing_special;
    options = options != NULL ? options : &nothing_special;
    struct get get = {
        .sink = sink,
        .options = options,
        .lookup =
            {
                .session = session,
                .bucket_name = bucket,
                .key = key,
                .offset = options->offset,
                .length = options->length,
                .suffix = options->suffix,
                .cancel = options->control.cancel,
            },
    };
    uint8_t version[OBJECT_VERSION_SIZE];
    enum hearth_code code =
        object_version_read(options->version, version, &get.lookup.version, err);
    if (code == HEARTH_OK) {
        code = object_lookup_begin(&get.lookup, err);
        if (code == HEARTH_OK) {
            code = get_found(&get, err);
        }
        object_lookup_end(&get.lookup);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "get %s/%.*s", bucket, VIEW_ARGS(key));
}
