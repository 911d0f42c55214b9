/*
 * wire_table.h - how a message of ours is described to wire.c.  Private to proto/.
 *
 * Row i of a table belongs to field i of the descriptor that protoc-c makes, both in the order of
 * the field numbers; kinds and offsets of protobuf's side come from there.
 */
#ifndef HEARTH_PROTO_WIRE_TABLE_H
#define HEARTH_PROTO_WIRE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ProtobufCMessageDescriptor;
struct wire_message;

enum wire_kind { WIRE_BOOL, WIRE_U32, WIRE_U64, WIRE_BYTES, WIRE_MESSAGE };

struct wire_field {
    const char *name;
    enum wire_kind kind;
    size_t offset;       /* in our struct */
    size_t count_offset; /* of what is repeated: its size_t count */
    uint64_t least;      /* of a number, or of the size of bytes */
    uint64_t most;
    uint64_t count_max;                 /* 0: not repeated */
    bool or_none;                       /* no bytes, or no message, is right too */
    const struct wire_message *message; /* of messages */
};

struct wire_message {
    size_t size; /* of our struct */
    const struct wire_field *fields;
    unsigned field_count;
    const struct ProtobufCMessageDescriptor *descriptor;
};

#endif /* HEARTH_PROTO_WIRE_TABLE_H */
