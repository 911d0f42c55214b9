/*
 * upload_calls.h - uploads in parts: made, listed, ended; what their calls share.
 *
 * Parts are object_put_part() and upload_part_copy.h; the end is upload_complete.h.
 */
#ifndef HEARTH_CLIENT_UPLOAD_CALLS_H
#define HEARTH_CLIENT_UPLOAD_CALLS_H

#include "client/bucket_cache.h"
#include "client/hearth.h"
#include "client/manifest.h"
#include "client/session.h"
#include "proto/wire_uploads.h"

/* Which upload a call is about. */
struct upload_name {
    struct session *session;
    const char *bucket_name;
    struct view key;
    const char *text;

    /* By upload_name_find(). */
    uint8_t id[UPLOAD_ID_SIZE];
    struct bucket bucket; /* to be wiped */
};

/* HEARTH_NOT_FOUND: no such bucket; a text that is no upload's. */
enum hearth_code upload_name_find(struct upload_name *name, struct hearth_err *err);

/* Opens the manifest of the upload (number 0), or of a part. */
enum hearth_code upload_manifest_open(const struct upload_name *name, uint32_t number,
    struct view sealed, uint32_t bucket_key_version, struct view body_id, struct arena *arena,
    struct manifest *out, struct hearth_err *err);

/* One page of its parts with their manifests; the reply lives in the arena. */
enum hearth_code upload_ask_parts(const struct upload_name *name, unsigned after, unsigned max,
    struct arena *arena, struct wire_list_parts_reply *reply, struct hearth_err *err);

/* A part as its customer sees it; `manifest` is its own, opened, compared with what is said in
 * clear.  HEARTH_CHECKSUM. */
enum hearth_code upload_part_open(const struct upload_name *name, const struct wire_part_info *info,
    struct arena *arena, struct manifest *manifest, struct hearth_part *out,
    struct hearth_err *err);

/* As the functions of hearth.h, their names with hearth_ before. */
enum hearth_code upload_create(struct session *session, const char *bucket, struct view key,
    const struct hearth_upload_options *options, char upload[HEARTH_UPLOAD_TEXT_SIZE],
    struct hearth_err *err);
enum hearth_code upload_part(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err);
enum hearth_code upload_abort(struct session *session, const char *bucket, struct view key,
    const char *upload, struct hearth_err *err);
enum hearth_code upload_parts(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned after, unsigned max, struct hearth_parts **out,
    struct hearth_err *err);
enum hearth_code upload_list(struct session *session,
    const struct hearth_upload_list_options *options, struct hearth_uploads **out,
    struct hearth_err *err);

#endif /* HEARTH_CLIENT_UPLOAD_CALLS_H */
