/*
 * object_manifest.h - between the words of hearth.h and the manifest: what is sealed for a key, and
 * what an opened manifest says of an object.
 *
 * Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_CLIENT_OBJECT_MANIFEST_H
#define HEARTH_CLIENT_OBJECT_MANIFEST_H

#include "client/bucket_cache.h"
#include "client/manifest.h"

enum { OBJECT_ETAG_COLUMN_SIZE = CRYPTO_MD5_SIZE, OBJECT_VERSION_SIZE = 16 };

/* 1 to HEARTH_KEY_MAX bytes. */
enum hearth_code object_key_check(struct view key, struct hearth_err *err);

/* Content type, headers and user metadata, checked; what they point at lives in the arena and in
 * the arguments.  Tags are not the manifest's (object_tags.h). */
enum hearth_code object_manifest_describe(struct manifest *manifest,
    const struct hearth_attributes *attributes, struct arena *arena, struct hearth_err *err);

/* The other way; what *out points at lives in the arena. */
enum hearth_code object_manifest_attributes(const struct manifest *manifest, struct arena *arena,
    struct hearth_attributes *out, struct hearth_err *err);

/* NULL: none. HEARTH_INVALID: too many, or too long. */
enum hearth_code object_manifest_set_checksums(struct manifest *manifest,
    const struct hearth_checksums *checksums, struct arena *arena, struct hearth_err *err);

enum hearth_code object_manifest_checksums(const struct manifest *manifest, struct arena *arena,
    struct hearth_checksums *out, struct hearth_err *err);

/* All that is known of an object; what *out points at lives in the arena. */
enum hearth_code object_manifest_read(const struct manifest *manifest, struct view key,
    const struct wire_version_info *info, struct view tags, struct arena *arena,
    struct hearth_object *out, struct hearth_err *err);

/* As the wire has them, in the arena. */
enum hearth_code object_manifest_extents(const struct manifest *manifest, struct arena *arena,
    const struct wire_extent **out, struct hearth_err *err);

/* A version as text; NULL leaves *out empty, else it borrows `bytes`. HEARTH_INVALID. */
enum hearth_code object_version_read(
    const char *text, uint8_t bytes[OBJECT_VERSION_SIZE], struct view *out, struct hearth_err *err);

/* "0123...", or "0123...-7" with parts. */
void object_etag_text(
    const uint8_t md5[CRYPTO_MD5_SIZE], uint32_t parts, char text[HEARTH_ETAG_TEXT_SIZE]);

/* For the wire; the sealed ETag is put into `column`.  HEARTH_INVALID: must_have_etag is no ETag
 * of ours. */
enum hearth_code object_precondition(const struct hearth_precondition *precondition,
    const struct bucket *bucket, uint8_t column[OBJECT_ETAG_COLUMN_SIZE],
    struct wire_precondition *out, struct hearth_err *err);

/* From what the coordinator answered. */
void object_put_result(const struct wire_commit_reply *reply, uint64_t size,
    const uint8_t md5[CRYPTO_MD5_SIZE], uint32_t parts, struct hearth_put_result *out);

#endif /* HEARTH_CLIENT_OBJECT_MANIFEST_H */
