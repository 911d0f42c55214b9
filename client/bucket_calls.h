/*
 * bucket_calls.h - buckets made, deleted, looked at; the bodies of hearth_bucket_*().
 */
#ifndef HEARTH_CLIENT_BUCKET_CALLS_H
#define HEARTH_CLIENT_BUCKET_CALLS_H

#include "client/hearth.h"
#include "client/session.h"

/* Draws the bucket's id and key, and wraps the key for the coordinator to keep. */
enum hearth_code bucket_create(
    struct session *session, const char *bucket, const char *profile, struct hearth_err *err);

/* The question alone; memory of the reply is from the arena. */
enum hearth_code bucket_ask_create(struct session *session, const char *bucket, const char *profile,
    struct arena *arena, struct wire_bucket_info *reply, struct hearth_err *err);

enum hearth_code bucket_delete(struct session *session, const char *bucket, struct hearth_err *err);

enum hearth_code bucket_set_public(
    struct session *session, const char *bucket, bool public_read, struct hearth_err *err);

enum hearth_code bucket_head(struct session *session, const char *bucket,
    struct hearth_buckets **out, struct hearth_err *err);

enum hearth_code bucket_list(
    struct session *session, struct hearth_buckets **out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_BUCKET_CALLS_H */
