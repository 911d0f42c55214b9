/*
 * Objects and parts copied (meta_object.h): another name for the same segments.
 */
#include "coordinator/meta/meta_object.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

struct copy_call {
    const struct meta_copy *request;
    struct meta_object_info info;
};

static bool is_same(struct view source, size_t count, const struct meta_body *body)
{
    bool same = count == body->extent_count;
    for (size_t i = 0; i < count && same; i++) {
        struct meta_extent extent = meta_extents_at(source, i);
        same = memcmp(&extent, &body->extents[i], sizeof(extent)) == 0;
    }
    return same;
}

static bool lies_within(const struct meta_extent *inner, const struct meta_extent *outer)
{
    return meta_id_equal(inner->segment, outer->segment) && inner->offset >= outer->offset &&
        inner->length <= outer->length &&
        inner->offset - outer->offset <= outer->length - inner->length;
}

/* Each extent lies in one of the source's, in the source's order. */
static bool is_part(struct view source, size_t count, const struct meta_body *body)
{
    size_t at = 0;
    size_t found = 0;
    while (at < count && found < body->extent_count) {
        struct meta_extent extent = meta_extents_at(source, at++);
        found += lies_within(&body->extents[found], &extent);
    }
    return found == body->extent_count;
}

/* The manifest the library has sealed for the destination says what the source says. */
static enum hearth_code check_extents(struct meta_tx *tx, const struct meta_id *source_body,
    const struct meta_put *put, struct hearth_err *err)
{
    uint32_t bucket_key_version;
    struct view source;
    size_t count;
    if (!meta_body_extents_in(tx, source_body, &bucket_key_version, &source, &count)) {
        return HEARTH_OK; /* the transaction fails */
    }
    bool fits = put->part.number > 0 ? is_part(source, count, &put->body)
                                     : is_same(source, count, &put->body);
    return fits ? HEARTH_OK
                : hearth_fail(err, HEARTH_INVALID, "copy: the extents are not the source's");
}

static enum hearth_code copy_extents(struct meta_tx *tx, const struct meta_copy *request,
    const struct meta_bucket_row *bucket, struct hearth_err *err)
{
    struct meta_version_row source;
    if (!meta_version_in(tx, &request->source_bucket, request->source_key, &request->source_version,
            false, &source)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "copy: the source has been replaced or deleted");
    }
    if (request->put.part.number == 0 && request->put.body.size != source.info.size) {
        return hearth_fail(err, HEARTH_INVALID, "copy: the size is not the source's");
    }
    if (check_extents(tx, &source.body, &request->put, err) != HEARTH_OK) {
        return err->code;
    }
    return request->put.body.extent_count == 0
        ? meta_inline_check(&request->put.body, bucket->profile, &request->put.part, err)
        : meta_refer_in(tx, &request->put.bucket, &request->put.body, err);
}

static enum hearth_code copy(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct copy_call *call = arg;
    const struct meta_copy *request = call->request;
    struct meta_bucket_row bucket;
    struct meta_target target = meta_target_of_put(&request->put, META_CALL_COPY);
    bool found;
    enum hearth_code code = meta_target_resolve_in(tx, &target, &call->info, &found, err);
    if (code != HEARTH_OK || found) {
        return code;
    }
    if (meta_bucket_in(tx, &request->put.bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    target.bucket_row = &bucket;
    code = copy_extents(tx, request, &bucket, err);
    return code == HEARTH_OK ? meta_publish_in(tx, &target, &request->put.body, &call->info, err)
                             : code;
}

enum hearth_code meta_copy(struct meta_store *store, const struct meta_copy *request,
    struct meta_object_info *out, struct hearth_err *err)
{
    if (meta_key_check(request->put.key, err) != HEARTH_OK ||
        meta_body_check(&request->put.body, err) != HEARTH_OK) {
        return err->code;
    }
    struct copy_call call = {.request = request};
    enum hearth_code code = meta_run(store, copy, &call, err);
    if (code == HEARTH_OK) {
        *out = call.info;
    }
    return code;
}
