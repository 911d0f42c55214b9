#include "client/object_get.h"

#include "client/get_reports.h"
#include "client/get_tempo.h"
#include "client/object_lookup.h"
#include "client/segment_get.h"

#include <inttypes.h>

/* One call of object_get(). */
struct get {
    const struct hearth_sink *sink;
    const struct hearth_get_options *options;
    struct object_lookup lookup;
    uint64_t offset; /* of the range that is wanted, as it was found to be */
    uint64_t length;
    uint64_t delivered;
};

/* ---- the range ---- */

static enum hearth_code find_range(struct get *get, struct hearth_err *err)
{
    uint64_t size = get->lookup.manifest.size;
    uint64_t wanted = get->options->length;
    if (get->options->suffix) {
        get->length = wanted < size ? wanted : size;
        get->offset = size - get->length;
        return HEARTH_OK;
    }
    get->offset = get->options->offset;
    if (get->offset > 0 && get->offset >= size) {
        return hearth_fail(err, HEARTH_INVALID,
            "the range starts at %" PRIu64 ", the object has %" PRIu64 " bytes", get->offset, size);
    }
    uint64_t rest = size - get->offset;
    get->length = wanted == 0 || wanted > rest ? rest : wanted;
    return HEARTH_OK;
}

static enum hearth_code start_sink(struct get *get, struct hearth_err *err)
{
    if (get->sink->start == NULL) {
        return HEARTH_OK;
    }
    struct hearth_object object;
    struct object_lookup *lookup = &get->lookup;
    enum hearth_code code = object_manifest_read(
        &lookup->manifest, lookup->key, lookup->reply.info, &lookup->arena, &object, err);
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

/* What the range has of an extent that starts at `start` of the object. */
static enum hearth_code get_extent(struct get *get, const struct get_source *source, size_t index,
    uint64_t start, struct hearth_err *err)
{
    const struct manifest_extent *extent = &get->lookup.manifest.extents[index];
    uint64_t range_end = get->offset + get->length;
    uint64_t from = get->offset > start ? get->offset - start : 0;
    uint64_t to = range_end - start < extent->length ? range_end - start : extent->length;
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
    return segment_get_blocking(source, &range, err);
}

static enum hearth_code get_extents(
    struct get *get, const struct get_source *source, struct hearth_err *err)
{
    const struct manifest *manifest = &get->lookup.manifest;
    enum hearth_code code = HEARTH_OK;
    uint64_t start = 0;
    for (size_t i = 0; code == HEARTH_OK && i < manifest->extent_count; i++) {
        uint64_t end = start + manifest->extents[i].length;
        if (end > get->offset && start < get->offset + get->length) {
            code = get_extent(get, source, i, start, err);
        }
        start = end;
    }
    return code;
}

static uint64_t memory_wanted(const struct get *get)
{
    uint64_t stripe = (get->lookup.bucket.data_count + 2u) * (uint64_t)EC_CELL_SIZE_MAX;
    return SEGMENT_GET_AHEAD_MAX * stripe;
}

static enum hearth_code get_segmented(struct get *get, struct hearth_err *err)
{
    struct transfer transfer;
    struct session *session = get->lookup.session;
    enum hearth_code code =
        transfer_open(&transfer, session, &get->options->control, memory_wanted(get), err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct get_tempo tempo = {0};
    struct get_reports reports = {.session = session};
    const struct get_source source = {
        .transfer = &transfer,
        .bucket = view_text(get->lookup.bucket_name),
        .key = get->lookup.key,
        .version = get->lookup.version,
        .tempo = &tempo,
        .reports = &reports,
        .deliver = deliver,
        .context = get,
    };
    code = get_extents(get, &source, err);
    get_reports_send(&reports);
    transfer_close(&transfer);
    return code;
}

/* ---- the whole ---- */

static enum hearth_code get_found(struct get *get, struct hearth_err *err)
{
    enum hearth_code code = find_range(get, err);
    if (code == HEARTH_OK) {
        code = start_sink(get, err);
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
