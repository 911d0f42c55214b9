/*
 * object_head.h - what headers say of an object: those of a put, and those of an answer.
 *
 * Threads: as the call.
 */
#ifndef HEARTH_GATEWAY_OBJECT_HEAD_H
#define HEARTH_GATEWAY_OBJECT_HEAD_H

#include "gateway/call.h"
#include "gateway/tagging.h"

/*
 * Content type, headers, metadata and tags of a put, copy or upload, in the call's arena; what it
 * cannot do (another encryption, a lock, grants) is refused.  False: the failure was answered.
 */
bool object_head_read(struct call *call, struct hearth_attributes *out);

/* ETag, Last-Modified, content headers (or what the query says instead), metadata ... */
void object_head_write(struct call *call, const struct hearth_object *object);

/* x-amz-checksum-...: of the whole object, so only with the whole object. */
void object_head_checksums(struct call *call, const struct hearth_object *object);

/* Likewise, of the part of that number, with just its bytes. */
void object_head_part_checksum(
    struct call *call, const struct hearth_object *object, unsigned number);

/* Those that came with a body, said again; NULL: none. */
void object_head_given_checksums(
    struct call *call, const struct hearth_checksums *checksums, unsigned parts);

/* The ETag, and that it is sealed with AES256, which every object is. */
void object_head_stored(struct call *call, const char *etag);

/* Another content type and the like for the answer are only for who signs the request, else a link
 * to somebody's object could be made to show what its owner never said.  False: answered. */
bool object_head_overrides(struct call *call);

/* "versionId" is absent or "null": there are no others.  False: the failure was answered. */
bool object_head_version(struct call *call);

#endif /* HEARTH_GATEWAY_OBJECT_HEAD_H */
