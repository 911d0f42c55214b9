/*
 * op.h - the operations: each reads one call, does it with libhearth, and gives one answer.
 *
 * Named for S3's operations; route.c says which request is which.  Whoever calls one has let the
 * request in (call.h).
 */
#ifndef HEARTH_GATEWAY_OP_H
#define HEARTH_GATEWAY_OP_H

#include "client/hearth.h"

#include "gateway/s3_error.h"

struct call;
typedef void op_fn(struct call *call);

/* op_bucket.c */
op_fn op_list_buckets;
op_fn op_create_bucket;
op_fn op_head_bucket;
op_fn op_delete_bucket;
op_fn op_get_bucket_location;

/* op_acl.c */
op_fn op_get_acl;
op_fn op_put_acl;

/* op_config.c: what can be asked of a bucket, and is the same for all of them */
op_fn op_put_bucket_versioning;
op_fn op_get_bucket_absence;
op_fn op_delete_bucket_absence;
op_fn op_get_bucket_encryption;
op_fn op_get_bucket_request_payment;

/* op_list.c */
op_fn op_list_objects;
op_fn op_list_objects_v2;
op_fn op_list_object_versions;

/* op_put.c, op_get.c, op_delete.c, op_copy.c */
op_fn op_put_object;
op_fn op_get_object;
op_fn op_head_object;
op_fn op_delete_object;
op_fn op_delete_objects;
op_fn op_copy_object;

/* op_tagging.c, op_attributes.c */
op_fn op_get_object_tagging;
op_fn op_put_object_tagging;
op_fn op_delete_object_tagging;
op_fn op_get_object_attributes;

/* op_upload.c, op_upload_list.c, op_complete.c */
op_fn op_create_multipart_upload;
op_fn op_upload_part;
op_fn op_upload_part_copy;
op_fn op_abort_multipart_upload;
op_fn op_list_parts;
op_fn op_list_multipart_uploads;
op_fn op_complete_multipart_upload;

/* ---- what they share (op.c) ---- */

enum { OP_QUOTED_ETAG_SIZE = HEARTH_ETAG_TEXT_SIZE + 2 };

/* As S3 says an ETag everywhere: in quotes. */
void op_quote(const char *etag, char out[OP_QUOTED_ETAG_SIZE]);

/* NULL and "" leave *out as it is.  False: not a number, or above `most`. */
bool op_read_number(const char *text, unsigned most, unsigned *out);

/* The bucket, to be released with hearth_buckets_destroy(); NULL: the failure was answered. */
struct hearth_buckets *op_bucket(struct call *call);

/* False: the failure was answered. */
bool op_bucket_is_there(struct call *call);

/* One of S3's canned ACLs, whether or not it can be had here. */
bool op_is_canned_acl(const char *name);

/* Whether x-amz-acl asks that anybody may read; not said: no.  False: it asks for something else,
 * and that was answered. */
bool op_read_canned_acl(struct call *call, bool *out_public);

/* What the key holds, to be released with hearth_stat_destroy(); NULL: the failure was answered. */
struct hearth_stat *op_stat(struct call *call);

struct checksum_kind;

/* Which checksum the upload's parts are to have; *kind NULL: none, or there is no such upload,
 * which whoever goes on with it will be told.  False: the failure was answered. */
bool op_upload_checksum(
    struct call *call, const char *upload, const struct checksum_kind **kind, bool *is_composite);

/* A copy has failed: perhaps because the bucket it comes from is not there. */
void op_fail_copy(struct call *call, const char *source_bucket, const struct hearth_err *err);

/* A put that was given the Content-MD5 has failed. */
void op_fail_put(struct call *call, enum s3_about about, const struct hearth_err *err);

#endif /* HEARTH_GATEWAY_OP_H */
