/*
 * wire_uploads.h - the messages of uploads in parts, of tags, and of deleting many keys, as plain
 * structs: the rules of wire_messages.h hold for them.
 */
#ifndef HEARTH_PROTO_WIRE_UPLOADS_H
#define HEARTH_PROTO_WIRE_UPLOADS_H

#include "proto/wire_messages.h"

/* Where a part goes: what is written becomes this part of the upload, not an object. */
struct wire_part_place {
    struct view upload_id; /* 16 */
    uint32_t number;       /* 1 to 10,000 */
};

/* All or nothing. */
struct wire_delete_many_request {
    struct view bucket;
    const struct view *keys;
    size_t keys_count;
    struct view token;
};

struct wire_set_tags_request {
    struct view bucket;
    struct view key;
    struct view version; /* empty: the newest */
    struct view tags;
};

struct wire_create_upload_request {
    struct view bucket;
    struct view bucket_id;
    struct view key;
    struct view upload_id; /* drawn by the library; the same again is the same upload */
    uint32_t bucket_key_version;
    struct view manifest; /* sealed: headers and metadata of the object to be */
    struct view tags;
};

struct wire_create_upload_reply {
    uint64_t created_unix_ms;
};

/* A part the library has seen. */
struct wire_part_ref {
    uint32_t number;
    struct view body_id; /* 16 */
};

struct wire_complete_upload_request {
    struct view bucket;
    struct view bucket_id;
    struct view key;
    struct view upload_id;
    const struct wire_precondition *precondition;
    struct view body_id;
    uint32_t bucket_key_version;
    struct view manifest; /* sealed: of the whole object */
    uint64_t size;
    struct view etag;
    const struct wire_part_ref *parts; /* ascending */
    size_t parts_count;
};

struct wire_abort_upload_request {
    struct view bucket;
    struct view key;
    struct view upload_id;
};

struct wire_list_parts_request {
    struct view bucket;
    struct view key;
    struct view upload_id;
    uint32_t after; /* parts with higher numbers */
    uint32_t max;   /* 0: 1,000, which is also the most */
    bool with_manifests;
};

struct wire_part_info {
    uint32_t number;
    uint64_t size;
    struct view etag; /* sealed, 16 */
    uint64_t created_unix_ms;
    struct view body_id;
    uint32_t bucket_key_version;
    struct view manifest; /* sealed; empty unless asked for */
};

struct wire_upload_info {
    struct view key;
    struct view upload_id; /* 16 */
    uint64_t created_unix_ms;
    uint32_t bucket_key_version;
    struct view manifest; /* sealed; empty in a list of uploads, as the tags */
    struct view tags;
};

struct wire_list_parts_reply {
    const struct wire_upload_info *upload;
    const struct wire_part_info *parts;
    size_t parts_count;
    bool more;
};

struct wire_list_uploads_request {
    struct view bucket;
    struct view prefix;
    struct view after_key;       /* uploads of later keys, */
    struct view after_upload_id; /* and of this key those with a later id; empty: none of them */
    uint32_t max;                /* 0: 1,000, which is also the most */
};

struct wire_list_uploads_reply {
    const struct wire_upload_info *uploads;
    size_t uploads_count;
    bool more;
};

#endif /* HEARTH_PROTO_WIRE_UPLOADS_H */
