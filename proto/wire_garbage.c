/*
 * The tables of the messages in wire_garbage.h.
 */
#include "proto/wire_garbage.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire.h"
#include "proto/wire_rows.h"

static const struct wire_field undelete_request_fields[] = {
    BYTES(undelete_request, bucket, WIRE_NAME_MAX),
    BYTES(undelete_request, key, WIRE_KEY_MAX),
    ID_OR_NONE(undelete_request, version, 16),
    NUMBER(undelete_request, replaces),
};
DESCRIBE(undelete_request, undelete_request_fields);

static const struct wire_field deleted_entry_fields[] = {
    BYTES(deleted_entry, key, WIRE_KEY_MAX),
    ID(deleted_entry, version, 16),
    NUMBER(deleted_entry, size),
    NUMBER(deleted_entry, created_unix_ms),
    NUMBER(deleted_entry, deleted_unix_ms),
    NUMBER(deleted_entry, until_unix_ms),
};
DESCRIBE(deleted_entry, deleted_entry_fields);

static const struct wire_field deleted_list_request_fields[] = {
    BYTES(deleted_list_request, bucket, WIRE_NAME_MAX),
    BYTES(deleted_list_request, prefix, WIRE_KEY_MAX),
    BYTES(deleted_list_request, after_key, WIRE_KEY_MAX),
    ID_OR_NONE(deleted_list_request, after_version, 16),
};
DESCRIBE(deleted_list_request, deleted_list_request_fields);

static const struct wire_field deleted_list_reply_fields[] = {
    MESSAGES(deleted_list_reply, entries, deleted_entry, WIRE_LIST_MAX),
};
DESCRIBE(deleted_list_reply, deleted_list_reply_fields);

static const struct wire_field garbage_node_fields[] = {
    NUMBER(garbage_node, number),
    ID(garbage_node, node_id, 20),
    BYTES(garbage_node, state, WIRE_NAME_MAX),
    NUMBER(garbage_node, shards_dead),
    NUMBER(garbage_node, trash),
    NUMBER(garbage_node, reconciled_unix_ms),
    NUMBER(garbage_node, listed),
    NUMBER(garbage_node, unwanted),
    NUMBER(garbage_node, ahead),
    NUMBER(garbage_node, missing),
    NUMBER(garbage_node, wanted_in_trash),
    NUMBER(garbage_node, purge_until_unix_ms),
    NUMBER(garbage_node, withheld),
    NUMBER(garbage_node, dead_bytes),
    NUMBER(garbage_node, day),
};
DESCRIBE(garbage_node, garbage_node_fields);

static const struct wire_field garbage_status_reply_fields[] = {
    NUMBER(garbage_status_reply, held),
    NUMBER(garbage_status_reply, recovery_epoch),
    NUMBER(garbage_status_reply, backup_unix_ms),
    NUMBER(garbage_status_reply, kept_objects),
    NUMBER(garbage_status_reply, kept_bytes),
    NUMBER(garbage_status_reply, intents_open),
    NUMBER(garbage_status_reply, bodies_doomed),
    NUMBER(garbage_status_reply, shards_dead),
    MESSAGES(garbage_status_reply, nodes, garbage_node, WIRE_NODES_MAX),
};
DESCRIBE(garbage_status_reply, garbage_status_reply_fields);

static const struct wire_field garbage_run_reply_fields[] = {
    NUMBER(garbage_run_reply, asked_unix_ms),
};
DESCRIBE(garbage_run_reply, garbage_run_reply_fields);
