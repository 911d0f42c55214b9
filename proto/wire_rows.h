/*
 * wire_rows.h - the words in which tables of messages are written.  Private to proto/.
 *
 *   static const struct wire_field endpoint_fields[] = {
 *       NUMBER_TO(endpoint, kind, 2),
 *       BYTES(endpoint, host, WIRE_HOST_MAX),
 *   };
 *   DESCRIBE(endpoint, endpoint_fields);
 *
 * Who includes it has included proto/wire_messages.h and what protoc-c made.
 */
#ifndef HEARTH_PROTO_WIRE_ROWS_H
#define HEARTH_PROTO_WIRE_ROWS_H

#include "proto/wire_table.h"

/* clang-format off: it spreads a row of a table over four lines */

/* Follows from the type in our struct; wire_message_check() compares it with protoc-c's. */
#define KIND(message, field)                                                                       \
    _Generic(((struct wire_##message *)0)->field,         \
        bool: WIRE_BOOL,                                  \
        uint32_t: WIRE_U32, const uint32_t *: WIRE_U32,   \
        uint64_t: WIRE_U64,                               \
        struct view: WIRE_BYTES, const struct view *: WIRE_BYTES, \
        default: WIRE_MESSAGE)
#define AT(message, field)                                                                         \
    .name = #field, .kind = KIND(message, field), .offset = offsetof(struct wire_##message, field)
#define COUNT_AT(message, field, max)                                                              \
    .count_offset = offsetof(struct wire_##message, field##_count), .count_max = (max)

/* Any value; at most that. */
#define NUMBER_TO(message, field, max)                                                             \
    {                                                                                              \
        AT(message, field), .most = (max)                                                          \
    }
#define NUMBER(message, field) NUMBER_TO(message, field, UINT64_MAX)
#define NUMBERS(message, field, value_max, max)                                                    \
    {                                                                                              \
        AT(message, field), COUNT_AT(message, field, max), .most = (value_max)                     \
    }

/* Up to `max` bytes; exactly `size`; exactly `size` or none at all. */
#define BYTES(message, field, max)                                                                 \
    {                                                                                              \
        AT(message, field), .most = (max)                                                          \
    }
#define ID(message, field, size)                                                                   \
    {                                                                                              \
        AT(message, field), .least = (size), .most = (size)                                        \
    }
#define ID_OR_NONE(message, field, size)                                                           \
    {                                                                                              \
        AT(message, field), .least = (size), .most = (size), .or_none = true                       \
    }
#define BYTES_LIST(message, field, size_min, size_max, max)                                        \
    {                                                                                              \
        AT(message, field), COUNT_AT(message, field, max), .least = (size_min), .most = (size_max) \
    }

/* A message that may be absent; that must be there; several. */
#define MESSAGE_OR_NONE(owner, field, type)                                                        \
    {                                                                                              \
        AT(owner, field), .message = &wire_##type##_message, .or_none = true                       \
    }
#define MESSAGE(owner, field, type)                                                                \
    {                                                                                              \
        AT(owner, field), .message = &wire_##type##_message                                        \
    }
#define MESSAGES(owner, field, type, max)                                                          \
    {                                                                                              \
        AT(owner, field), COUNT_AT(owner, field, max), .message = &wire_##type##_message           \
    }

/* clang-format on */

#define DESCRIBE(name, rows)                                                                       \
    const struct wire_message wire_##name##_message = {                                            \
        .size = sizeof(struct wire_##name),                                                        \
        .fields = (rows),                                                                          \
        .field_count = sizeof(rows) / sizeof((rows)[0]),                                           \
        .descriptor = &hearth__##name##__descriptor,                                               \
    }

#endif /* HEARTH_PROTO_WIRE_ROWS_H */
