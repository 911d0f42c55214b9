/*
 * The tables of the messages in wire_fsck.h.
 */
#include "proto/wire_fsck.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire.h"
#include "proto/wire_rows.h"

static const struct wire_field fsck_request_fields[] = {
    NUMBER(fsck_request, is_deep),
};
DESCRIBE(fsck_request, fsck_request_fields);

static const struct wire_field fsck_finding_fields[] = {
    BYTES(fsck_finding, kind, WIRE_NAME_MAX),
    NUMBER(fsck_finding, node),
    ID_OR_NONE(fsck_finding, segment_id, 16),
    NUMBER(fsck_finding, slot),
    ID_OR_NONE(fsck_finding, shard_id, 16),
    BYTES(fsck_finding, text, WIRE_FSCK_TEXT_MAX),
};
DESCRIBE(fsck_finding, fsck_finding_fields);

static const struct wire_field fsck_space_fields[] = {
    NUMBER(fsck_space, node),
    NUMBER(fsck_space, is_reached),
    NUMBER(fsck_space, reported_bytes),
    NUMBER(fsck_space, listed_bytes),
    NUMBER(fsck_space, named_bytes),
    NUMBER(fsck_space, listed_shards),
    NUMBER(fsck_space, named_shards),
    NUMBER(fsck_space, trash_bytes),
};
DESCRIBE(fsck_space, fsck_space_fields);

static const struct wire_field fsck_count_fields[] = {
    BYTES(fsck_count, name, WIRE_NAME_MAX),
    NUMBER(fsck_count, value),
};
DESCRIBE(fsck_count, fsck_count_fields);

static const struct wire_field fsck_message_fields[] = {
    MESSAGE_OR_NONE(fsck_message, finding, fsck_finding),
    MESSAGE_OR_NONE(fsck_message, space, fsck_space),
    MESSAGES(fsck_message, counts, fsck_count, WIRE_FSCK_COUNTS_MAX),
};
DESCRIBE(fsck_message, fsck_message_fields);
