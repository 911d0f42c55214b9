/*
 * wire.h - from our structs to protobuf bytes and back.
 *
 *   struct wire_x --wire_encode(&wire_x_message)--> buf ... network ...
 *   struct wire_x <--wire_decode(&wire_x_message)-- bytes
 *
 * One table per message (wire_messages.c) says where each field is and how large it may be; both
 * directions check it, so code behind a decode never meets an id of the wrong size, an oversized
 * text or too many of anything.  Meaning (does the bucket exist?) is checked elsewhere.
 *
 * The types protoc-c makes stop here: no file outside proto/ sees them.
 *
 * Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_WIRE_H
#define HEARTH_PROTO_WIRE_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "proto/wire_messages.h"

/* "FooBar", as hearth.proto says it. Static storage. */
const char *wire_message_name(const struct wire_message *message);

/* Of the struct that `message` describes. */
size_t wire_message_size(const struct wire_message *message);

/* Asserts that the table of `message` and what protoc-c made agree, field by field. */
void wire_message_check(const struct wire_message *message);

/*
 * `in` is the struct that `message` describes; *out is a new buf with one reference, the caller's.
 * HEARTH_INVALID: a field is outside its limits; the text names it.
 */
enum hearth_code wire_encode(
    const struct wire_message *message, const void *in, struct buf **out, struct hearth_err *err);

/*
 * Fills `out`, the struct that `message` describes, with views into the arena; `bytes` is not
 * needed afterwards.  Takes from the arena at most a fixed multiple of the size of `bytes`.
 * HEARTH_INVALID: not such a message, or a field outside its limits; `out` is then undefined.
 */
enum hearth_code wire_decode(const struct wire_message *message, struct view bytes,
    struct arena *arena, void *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_WIRE_H */
