#include "proto/wire.h"

#include "proto/wire_table.h"

#include <assert.h>
#include <inttypes.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

/*
 * Memory that decoding may take per byte decoded.  The hungriest honest message, a long list of
 * extents, takes 5; a crafted one of empty submessages would take 40.
 */
enum { MEMORY_PER_BYTE = 16, MEMORY_BASE = 4096 };

/* One call of encode or decode, for those deep inside it. */
struct pass {
    struct arena *arena;
    size_t memory_left;
    struct hearth_err *err;
};

/* One field, as our table and protoc-c's describe it. */
struct column {
    const struct wire_message *message;
    const struct wire_field *ours;
    const ProtobufCFieldDescriptor *proto;
};

const char *wire_message_name(const struct wire_message *message)
{
    return message->descriptor->short_name;
}

size_t wire_message_size(const struct wire_message *message)
{
    return message->size;
}

static struct column column_of(const struct wire_message *message, unsigned i)
{
    return (struct column){message, &message->fields[i], &message->descriptor->fields[i]};
}

static bool is_repeated(const struct column *column)
{
    return column->ours->count_max > 0;
}

/* One of several steps, of which a message has one: the number of the field is in both structs. */
static bool is_choice(const struct column *column)
{
    return (column->proto->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Of one value in our structs. */
static size_t our_size(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_BOOL: return sizeof(bool);
    case WIRE_U32: return sizeof(uint32_t);
    case WIRE_U64: return sizeof(uint64_t);
    case WIRE_BYTES: return sizeof(struct view);
    case WIRE_MESSAGE: return field->message->size;
    }
    abort();
}

/* Of one value in protoc-c's structs. */
static size_t their_size(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_BOOL: return sizeof(protobuf_c_boolean);
    case WIRE_BYTES: return sizeof(ProtobufCBinaryData);
    case WIRE_MESSAGE: return sizeof(void *);
    default: return our_size(field);
    }
}

static ProtobufCType their_type(const struct wire_field *field)
{
    static const ProtobufCType types[] = {
        [WIRE_BOOL] = PROTOBUF_C_TYPE_BOOL,
        [WIRE_U32] = PROTOBUF_C_TYPE_UINT32,
        [WIRE_U64] = PROTOBUF_C_TYPE_UINT64,
        [WIRE_BYTES] = PROTOBUF_C_TYPE_BYTES,
        [WIRE_MESSAGE] = PROTOBUF_C_TYPE_MESSAGE,
    };
    return types[field->kind];
}

void wire_message_check(const struct wire_message *message)
{
    assert(message->field_count == message->descriptor->n_fields);
    for (unsigned i = 0; i < message->field_count; i++) {
        struct column column = column_of(message, i);
        assert(strcmp(column.ours->name, column.proto->name) == 0);
        assert(column.proto->type == their_type(column.ours));
        assert(is_repeated(&column) == (column.proto->label == PROTOBUF_C_LABEL_REPEATED));
        assert(column.ours->least <= column.ours->most);
        if (column.ours->kind == WIRE_MESSAGE) {
            assert(column.ours->message->descriptor == column.proto->descriptor);
        }
    }
}

/* ---- moving single values ---- */

static uint64_t number_load(const uint8_t *at, size_t size)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    switch (size) {
    case 1: return *at;
    case sizeof(narrow): memcpy(&narrow, at, sizeof(narrow)); return narrow;
    default: memcpy(&wide, at, sizeof(wide)); return wide;
    }
}

static void number_store(uint8_t *at, size_t size, uint64_t value)
{
    const uint32_t narrow = (uint32_t)value;
    switch (size) {
    case 1: *at = value != 0; return;
    case sizeof(narrow): memcpy(at, &narrow, sizeof(narrow)); return;
    default: memcpy(at, &value, sizeof(value)); return;
    }
}

static void *pointer_load(const uint8_t *at)
{
    void *pointer;
    memcpy(&pointer, at, sizeof(pointer));
    return pointer;
}

static void pointer_store(uint8_t *at, const void *pointer)
{
    memcpy(at, &pointer, sizeof(pointer));
}

/* NULL: err is set. */
static void *take(struct pass *pass, size_t size)
{
    if (size > pass->memory_left) {
        hearth_fail(pass->err, HEARTH_INVALID, "wants more memory than a message of its size may");
        return NULL;
    }
    pass->memory_left -= size;
    void *memory = arena_take(pass->arena, size);
    if (memory == NULL) {
        hearth_fail(pass->err, HEARTH_NO_MEMORY, "%zu bytes", size);
    }
    return memory;
}

/* ---- limits: the same on the way out and on the way in, always on our side ---- */

static enum hearth_code check_range(const struct pass *pass, const struct column *column,
    uint64_t value, uint64_t least, uint64_t most, const char *unit)
{
    if (value >= least && value <= most) {
        return HEARTH_OK;
    }
    return hearth_fail(pass->err, HEARTH_INVALID,
        "%s.%s: %" PRIu64 "%s, allowed are %" PRIu64 " to %" PRIu64,
        wire_message_name(column->message), column->ours->name, value, unit, least, most);
}

/* `ours`: one value; of messages there is nothing to check here. */
static enum hearth_code check_value(
    const struct pass *pass, const struct column *column, const uint8_t *ours)
{
    const struct wire_field *field = column->ours;
    if (field->kind == WIRE_MESSAGE) {
        return HEARTH_OK;
    }
    if (column->ours->kind != WIRE_BYTES) {
        uint64_t number = number_load(ours, our_size(column->ours));
        return check_range(pass, column, number, field->least, field->most, "");
    }
    struct view view;
    memcpy(&view, ours, sizeof(view));
    if (view.size == 0 && field->or_none) {
        return HEARTH_OK;
    }
    return check_range(pass, column, view.size, field->least, field->most, " bytes");
}

static enum hearth_code check_count(
    const struct pass *pass, const struct column *column, size_t count)
{
    return check_range(pass, column, count, 0, column->ours->count_max, " of them");
}

static enum hearth_code check_absent(const struct pass *pass, const struct column *column)
{
    if (column->ours->or_none) {
        return HEARTH_OK;
    }
    return hearth_fail(pass->err, HEARTH_INVALID, "%s.%s is missing",
        wire_message_name(column->message), column->ours->name);
}

/* ---- encoding: from our structs to protoc-c's, then to bytes ---- */

static enum hearth_code export_message(struct pass *pass, const struct wire_message *message,
    const uint8_t *ours, ProtobufCMessage **out);

static enum hearth_code export_value(
    struct pass *pass, const struct column *column, const uint8_t *ours, uint8_t *theirs)
{
    if (check_value(pass, column, ours) != HEARTH_OK) {
        return pass->err->code;
    }
    if (column->ours->kind == WIRE_MESSAGE) {
        ProtobufCMessage *message = NULL;
        enum hearth_code code = export_message(pass, column->ours->message, ours, &message);
        pointer_store(theirs, message);
        return code;
    }
    if (column->ours->kind == WIRE_BYTES) {
        struct view view;
        memcpy(&view, ours, sizeof(view));
        const ProtobufCBinaryData data = {.len = view.size, .data = (uint8_t *)view.bytes};
        memcpy(theirs, &data, sizeof(data));
        return HEARTH_OK;
    }
    number_store(theirs, their_size(column->ours), number_load(ours, our_size(column->ours)));
    return HEARTH_OK;
}

static enum hearth_code export_list(struct pass *pass, const struct column *column,
    const uint8_t *ours, size_t count, uint8_t *theirs)
{
    if (check_count(pass, column, count) != HEARTH_OK || count == 0) {
        return count == 0 ? HEARTH_OK : pass->err->code;
    }
    const uint8_t *from = pointer_load(ours + column->ours->offset);
    uint8_t *to = take(pass, count * their_size(column->ours));
    if (to == NULL) {
        return pass->err->code;
    }
    pointer_store(theirs + column->proto->offset, to);
    memcpy(theirs + column->proto->quantifier_offset, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        if (export_value(pass, column, from + i * our_size(column->ours),
                to + i * their_size(column->ours)) != HEARTH_OK) {
            return pass->err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code export_field(
    struct pass *pass, const struct column *column, const uint8_t *ours, uint8_t *theirs)
{
    if (is_repeated(column)) {
        size_t count;
        memcpy(&count, ours + column->ours->count_offset, sizeof(count));
        return export_list(pass, column, ours, count, theirs);
    }
    if (is_choice(column)) {
        uint32_t step = (uint32_t)number_load(ours, sizeof(step));
        if (step != column->proto->id) {
            return HEARTH_OK;
        }
        memcpy(theirs + column->proto->quantifier_offset, &step, sizeof(step));
    }
    const uint8_t *value = ours + column->ours->offset;
    if (column->ours->kind == WIRE_MESSAGE) {
        value = pointer_load(value);
    }
    return value == NULL ? check_absent(pass, column)
                         : export_value(pass, column, value, theirs + column->proto->offset);
}

static enum hearth_code export_message(struct pass *pass, const struct wire_message *message,
    const uint8_t *ours, ProtobufCMessage **out)
{
    ProtobufCMessage *theirs = take(pass, message->descriptor->sizeof_message);
    if (theirs == NULL) {
        return pass->err->code;
    }
    protobuf_c_message_init(message->descriptor, theirs);
    for (unsigned i = 0; i < message->field_count; i++) {
        struct column column = column_of(message, i);
        if (export_field(pass, &column, ours, (uint8_t *)theirs) != HEARTH_OK) {
            return pass->err->code;
        }
    }
    *out = theirs;
    return HEARTH_OK;
}

enum hearth_code wire_encode(
    const struct wire_message *message, const void *in, struct buf **out, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct pass pass = {.arena = &arena, .memory_left = SIZE_MAX, .err = err};
    ProtobufCMessage *theirs;
    enum hearth_code code = export_message(&pass, message, in, &theirs);
    if (code == HEARTH_OK) {
        size_t size = protobuf_c_message_get_packed_size(theirs);
        struct buf *buf = buf_create(size);
        if (buf == NULL) {
            code = hearth_fail(err, HEARTH_NO_MEMORY, "%zu bytes", size);
        } else {
            buf->size = protobuf_c_message_pack(theirs, buf->bytes);
            assert(buf->size == size);
            *out = buf;
        }
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code
                             : hearth_err_prefix(err, "encode %s", wire_message_name(message));
}

/* ---- decoding: from bytes to protoc-c's structs, then to ours ---- */

static void *unpack_alloc(void *context, size_t size)
{
    return take(context, size);
}

/* The arena gives everything back at once. */
static void unpack_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

static enum hearth_code import_message(struct pass *pass, const struct wire_message *message,
    const ProtobufCMessage *theirs, uint8_t *ours);

static enum hearth_code import_value(
    struct pass *pass, const struct column *column, const uint8_t *theirs, uint8_t *ours)
{
    if (column->ours->kind == WIRE_MESSAGE) {
        return import_message(pass, column->ours->message, pointer_load(theirs), ours);
    }
    if (column->ours->kind == WIRE_BYTES) {
        ProtobufCBinaryData data;
        memcpy(&data, theirs, sizeof(data));
        const struct view view = view_of(data.data, data.len);
        memcpy(ours, &view, sizeof(view));
    } else {
        number_store(ours, our_size(column->ours), number_load(theirs, their_size(column->ours)));
    }
    return check_value(pass, column, ours);
}

static enum hearth_code import_list(
    struct pass *pass, const struct column *column, const uint8_t *theirs, uint8_t *ours)
{
    size_t count;
    memcpy(&count, theirs + column->proto->quantifier_offset, sizeof(count));
    if (check_count(pass, column, count) != HEARTH_OK || count == 0) {
        return count == 0 ? HEARTH_OK : pass->err->code;
    }
    const uint8_t *from = pointer_load(theirs + column->proto->offset);
    uint8_t *to = take(pass, count * our_size(column->ours));
    if (to == NULL) {
        return pass->err->code;
    }
    pointer_store(ours + column->ours->offset, to);
    memcpy(ours + column->ours->count_offset, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        if (import_value(pass, column, from + i * their_size(column->ours),
                to + i * our_size(column->ours)) != HEARTH_OK) {
            return pass->err->code;
        }
    }
    return HEARTH_OK;
}

/* A message inside another, which ours only points at. */
static enum hearth_code import_child(
    struct pass *pass, const struct column *column, const uint8_t *theirs, uint8_t *ours)
{
    if (pointer_load(theirs) == NULL) {
        return check_absent(pass, column);
    }
    uint8_t *child = take(pass, our_size(column->ours));
    if (child == NULL) {
        return pass->err->code;
    }
    pointer_store(ours, child);
    return import_value(pass, column, theirs, child);
}

static enum hearth_code import_field(
    struct pass *pass, const struct column *column, const uint8_t *theirs, uint8_t *ours)
{
    if (is_repeated(column)) {
        return import_list(pass, column, theirs, ours);
    }
    if (is_choice(column)) {
        uint32_t step =
            (uint32_t)number_load(theirs + column->proto->quantifier_offset, sizeof(step));
        if (step != column->proto->id) {
            return HEARTH_OK;
        }
        number_store(ours, sizeof(step), step);
    }
    const uint8_t *from = theirs + column->proto->offset;
    uint8_t *to = ours + column->ours->offset;
    return column->ours->kind == WIRE_MESSAGE ? import_child(pass, column, from, to)
                                              : import_value(pass, column, from, to);
}

static enum hearth_code import_message(struct pass *pass, const struct wire_message *message,
    const ProtobufCMessage *theirs, uint8_t *ours)
{
    memset(ours, 0, message->size);
    for (unsigned i = 0; i < message->field_count; i++) {
        struct column column = column_of(message, i);
        if (import_field(pass, &column, (const uint8_t *)theirs, ours) != HEARTH_OK) {
            return pass->err->code;
        }
    }
    return HEARTH_OK;
}

enum hearth_code wire_decode(const struct wire_message *message, struct view bytes,
    struct arena *arena, void *out, struct hearth_err *err)
{
    const size_t bytes_max = (SIZE_MAX - MEMORY_BASE) / MEMORY_PER_BYTE;
    assert(bytes.size <= bytes_max);
    struct pass pass = {
        .arena = arena, .memory_left = MEMORY_BASE + MEMORY_PER_BYTE * bytes.size, .err = err};
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, &pass};
    err->code = HEARTH_OK;
    const ProtobufCMessage *theirs =
        protobuf_c_message_unpack(message->descriptor, &allocator, bytes.size, bytes.bytes);
    if (theirs == NULL && err->code == HEARTH_OK) {
        hearth_fail(err, HEARTH_INVALID, "%zu bytes are not such a message", bytes.size);
    }
    if (theirs == NULL || import_message(&pass, message, theirs, out) != HEARTH_OK) {
        return hearth_err_prefix(err, "decode %s", wire_message_name(message));
    }
    return HEARTH_OK;
}
