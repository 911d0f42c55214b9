#include "tests/lib/fake_coordinator_parts.h"

/* ---- uploads ---- */

static struct fake_upload *find_upload(struct fake_coordinator *self, struct view id)
{
    for (unsigned i = 0; i < self->upload_count; i++) {
        if (view_equal(self->uploads[i].created->upload_id, id)) {
            return &self->uploads[i];
        }
    }
    return NULL;
}

static struct fake_upload *find_open(
    struct fake_coordinator *self, struct view bucket, struct view key, struct view id)
{
    struct fake_upload *upload = find_upload(self, id);
    bool is_open = upload != NULL && !upload->is_ended &&
        view_equal(upload->created->bucket, bucket) && view_equal(upload->created->key, key);
    return is_open ? upload : NULL;
}

static enum hearth_code no_upload(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_NOT_FOUND, "no such upload is open");
}

enum hearth_code fake_answer_create_upload(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_create_upload_request *ask = request;
    enum hearth_code code = fake_check_bucket(self, ask->bucket, ask->bucket_id, err);
    if (code != HEARTH_OK) {
        return code;
    }
    assert(self->upload_count < FAKE_UPLOADS_MAX);
    self->uploads[self->upload_count++] = (struct fake_upload){.created = ask};
    ((struct wire_create_upload_reply *)reply)->created_unix_ms = self->net->env->unix_ms;
    return HEARTH_OK;
}

enum hearth_code fake_check_part(struct fake_coordinator *self, struct view bucket, struct view key,
    const struct wire_part_place *part, struct hearth_err *err)
{
    return part == NULL || find_open(self, bucket, key, part->upload_id) != NULL ? HEARTH_OK
                                                                                 : no_upload(err);
}

struct fake_version *fake_part_version(
    struct fake_coordinator *self, const struct wire_part_place *part)
{
    struct fake_upload *upload = find_upload(self, part->upload_id);
    unsigned at = 0;
    while (at < upload->part_count && upload->parts[at].number < part->number) {
        at++;
    }
    if (at == upload->part_count || upload->parts[at].number > part->number) {
        assert(upload->part_count < FAKE_PARTS_MAX);
        memmove(&upload->parts[at + 1], &upload->parts[at],
            (upload->part_count++ - at) * sizeof(upload->parts[0]));
    }
    upload->parts[at].number = part->number;
    upload->parts[at].version = (struct fake_version){
        .info.created_unix_ms = self->net->env->unix_ms,
    };
    return &upload->parts[at].version;
}

enum hearth_code fake_answer_abort_upload(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    const struct wire_abort_upload_request *ask = request;
    struct fake_upload *upload = find_open(self, ask->bucket, ask->key, ask->upload_id);
    if (upload == NULL) {
        return no_upload(err);
    }
    upload->is_ended = true;
    return HEARTH_OK;
}

/* ---- completing ---- */

static const struct fake_version *find_part(
    const struct fake_upload *upload, const struct wire_part_ref *ref)
{
    for (unsigned i = 0; i < upload->part_count; i++) {
        const struct fake_version *version = &upload->parts[i].version;
        if (upload->parts[i].number == ref->number &&
            memcmp(version->body_id, ref->body_id.bytes, sizeof(version->body_id)) == 0) {
            return version;
        }
    }
    return NULL;
}

/* The extents of the wanted parts; NULL: one is not there. */
static const struct wire_extent *join(struct fake_coordinator *self,
    const struct fake_upload *upload, const struct wire_complete_upload_request *ask, size_t *count)
{
    struct wire_extent *extents = fake_remember(self, 256 * sizeof(*extents));
    *count = 0;
    for (size_t i = 0; i < ask->parts_count; i++) {
        const struct fake_version *part = find_part(upload, &ask->parts[i]);
        if (part == NULL) {
            return NULL;
        }
        for (size_t j = 0; j < part->extents_count; j++) {
            assert(*count < 256);
            extents[(*count)++] = part->extents[j];
        }
    }
    return extents;
}

static enum hearth_code complete_open(struct fake_coordinator *self, struct fake_upload *upload,
    const struct wire_complete_upload_request *ask, struct hearth_err *err)
{
    size_t count;
    struct wire_commit_reply commit;
    enum hearth_code code = fake_check_precondition(
        ask->precondition, fake_find_version(self, ask->bucket, ask->key), err);
    const struct wire_extent *extents = join(self, upload, ask, &count);
    if (code != HEARTH_OK) {
        return code;
    }
    if (extents == NULL || ask->parts_count == 0) {
        return hearth_fail(err, HEARTH_CONFLICT, "a part is not the one it was");
    }
    struct fake_version *version = fake_add_version(self, ask->bucket, ask->key, &commit);
    version->info.size = ask->size;
    version->info.etag = ask->etag;
    version->info.parts = (uint32_t)ask->parts_count;
    memcpy(version->body_id, ask->body_id.bytes, sizeof(version->body_id));
    version->bucket_key_version = ask->bucket_key_version;
    version->manifest = ask->manifest;
    version->extents = extents;
    version->extents_count = count;
    version->tags = upload->created->tags;
    upload->completed = version->info;
    upload->is_ended = true;
    return HEARTH_OK;
}

enum hearth_code fake_answer_complete_upload(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    const struct wire_complete_upload_request *ask = request;
    struct fake_upload *upload = find_upload(self, ask->upload_id);
    if (upload == NULL || (upload->is_ended && upload->completed.version.size == 0)) {
        return no_upload(err);
    }
    enum hearth_code code = upload->is_ended ? HEARTH_OK : complete_open(self, upload, ask, err);
    *(struct wire_version_info *)reply = upload->completed;
    return code;
}

/* ---- lists ---- */

enum hearth_code fake_answer_list_parts(
    struct fake_coordinator *self, const void *request, void *reply_out, struct hearth_err *err)
{
    const struct wire_list_parts_request *ask = request;
    struct wire_list_parts_reply *reply = reply_out;
    const struct fake_upload *upload = find_open(self, ask->bucket, ask->key, ask->upload_id);
    if (upload == NULL) {
        return no_upload(err);
    }
    struct wire_upload_info *info = fake_remember(self, sizeof(*info));
    *info = (struct wire_upload_info){
        .key = ask->key,
        .upload_id = ask->upload_id,
        .bucket_key_version = upload->created->bucket_key_version,
        .manifest = upload->created->manifest,
        .tags = upload->created->tags,
    };
    unsigned max = ask->max > 0 ? ask->max : self->part_page_max;
    struct wire_part_info *parts = fake_remember(self, FAKE_PARTS_MAX * sizeof(*parts));
    *reply = (struct wire_list_parts_reply){.upload = info, .parts = parts};
    for (unsigned i = 0; i < upload->part_count; i++) {
        const struct fake_version *version = &upload->parts[i].version;
        if (upload->parts[i].number <= ask->after) {
            continue;
        }
        reply->more = max > 0 && reply->parts_count == max;
        if (reply->more) {
            break;
        }
        parts[reply->parts_count++] = (struct wire_part_info){
            .number = upload->parts[i].number,
            .size = version->info.size,
            .etag = version->info.etag,
            .created_unix_ms = version->info.created_unix_ms,
            .body_id = view_of(version->body_id, sizeof(version->body_id)),
            .bucket_key_version = version->bucket_key_version,
            .manifest = version->manifest,
        };
    }
    return HEARTH_OK;
}

/* In the order of their making, all on one page: the library only passes them on. */
enum hearth_code fake_answer_list_uploads(
    struct fake_coordinator *self, const void *request, void *reply_out, struct hearth_err *err)
{
    (void)err;
    const struct wire_list_uploads_request *ask = request;
    struct wire_list_uploads_reply *reply = reply_out;
    struct wire_upload_info *uploads = fake_remember(self, FAKE_UPLOADS_MAX * sizeof(*uploads));
    *reply = (struct wire_list_uploads_reply){.uploads = uploads};
    for (unsigned i = 0; i < self->upload_count; i++) {
        const struct wire_create_upload_request *created = self->uploads[i].created;
        if (!self->uploads[i].is_ended && view_equal(created->bucket, ask->bucket)) {
            uploads[reply->uploads_count++] =
                (struct wire_upload_info){.key = created->key, .upload_id = created->upload_id};
        }
    }
    return HEARTH_OK;
}

/* ---- tags, many keys ---- */

enum hearth_code fake_answer_set_tags(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    const struct wire_set_tags_request *ask = request;
    struct fake_version *version = fake_find_version(self, ask->bucket, ask->key);
    if (version == NULL) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key");
    }
    version->tags = ask->tags;
    return HEARTH_OK;
}

enum hearth_code fake_answer_delete_many(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err)
{
    (void)reply;
    const struct wire_delete_many_request *ask = request;
    if (fake_find_bucket(self, ask->bucket) == NULL) {
        return fake_no_bucket(ask->bucket, err);
    }
    for (size_t i = 0; i < ask->keys_count; i++) {
        struct fake_version *version = fake_find_version(self, ask->bucket, ask->keys[i]);
        if (version != NULL) {
            version->is_deleted = true;
        }
    }
    return HEARTH_OK;
}
