#include "tests/lib/lying_coordinator.h"

#include "proto/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    VARINT = 0,
    BYTES = 2, /* also texts and messages */
    VARINT_SIZE_MAX = 10,
    ID_SIZE = 16,
    NODE_ID_SIZE = 20,
    KEY_SIZE = 32,
    DEPTH_MAX = 4,
};

static size_t below(struct env *chance, size_t limit)
{
    uint64_t drawn;
    env_random(chance, &drawn, sizeof(drawn));
    return (size_t)(drawn % limit);
}

/* ---- protobuf, as far as needed ---- */

static bool read_varint(struct view *rest, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < rest->size && i < VARINT_SIZE_MAX; i++) {
        *out |= (uint64_t)(rest->bytes[i] & 0x7F) << 7 * i;
        if (rest->bytes[i] < 0x80) {
            *rest = view_of(rest->bytes + i + 1, rest->size - i - 1);
            return true;
        }
    }
    return false;
}

struct field {
    uint64_t tag;
    uint64_t number;   /* of a VARINT */
    struct view bytes; /* of BYTES */
    struct view whole; /* with its tag */
};

static bool read_field(struct view *rest, struct field *out)
{
    const uint8_t *start = rest->bytes;
    *out = (struct field){0};
    if (!read_varint(rest, &out->tag) || out->tag < 8 || !read_varint(rest, &out->number)) {
        return false;
    }
    if ((out->tag & 7) == BYTES) {
        if (out->number > rest->size) {
            return false;
        }
        out->bytes = view_of(rest->bytes, (size_t)out->number);
        *rest = view_of(rest->bytes + out->number, rest->size - (size_t)out->number);
    } else if ((out->tag & 7) != VARINT) {
        return false;
    }
    out->whole = view_of(start, (size_t)(rest->bytes - start));
    return true;
}

/* 0: these are not the bytes of a message. */
static size_t count_fields(struct view bytes)
{
    size_t count = 0;
    struct field field;
    while (bytes.size > 0) {
        if (!read_field(&bytes, &field)) {
            return 0;
        }
        count++;
    }
    return count;
}

/* What is written; it has room. */
struct pen {
    uint8_t *bytes;
    size_t size;
};

static void write_bytes(struct pen *pen, struct view bytes)
{
    memcpy(pen->bytes + pen->size, bytes.bytes, bytes.size);
    pen->size += bytes.size;
}

static void write_varint(struct pen *pen, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        pen->bytes[pen->size++] = (uint8_t)(value | 0x80);
    }
    pen->bytes[pen->size++] = (uint8_t)value;
}

/* ---- lies ---- */

static void lie_about_number(struct env *chance, const struct field *field, struct pen *pen)
{
    const uint64_t lies[] = {0, 1, 2, field->number - 1, field->number + 1, field->number * 2,
        field->number / 2, 127, 128, 255, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    write_varint(pen, field->tag);
    write_varint(pen, lies[below(chance, sizeof(lies) / sizeof(lies[0]))]);
}

static void lie_about_bytes(struct env *chance, const struct field *field, struct pen *pen)
{
    struct view bytes = field->bytes;
    bool is_id = bytes.size == ID_SIZE || bytes.size == NODE_ID_SIZE || bytes.size == KEY_SIZE;
    size_t cut = bytes.size > 0 && !is_id ? below(chance, 2) : 0;
    write_varint(pen, field->tag);
    write_varint(pen, bytes.size - cut);
    write_bytes(pen, view_of(bytes.bytes, bytes.size - cut));
    if (cut == 0 && bytes.size > 0 && !is_id) {
        pen->bytes[pen->size - 1 - below(chance, bytes.size)] ^= (uint8_t)(1u << below(chance, 8));
    }
}

static void lie(struct env *chance, struct view message, unsigned depth, struct pen *pen);

static void lie_within(
    struct env *chance, const struct field *field, unsigned depth, struct pen *pen)
{
    struct pen inner = {malloc(field->bytes.size * 2 + 2 * VARINT_SIZE_MAX), 0};
    assert(inner.bytes != NULL);
    lie(chance, field->bytes, depth, &inner);
    write_varint(pen, field->tag);
    write_varint(pen, inner.size);
    write_bytes(pen, view_of(inner.bytes, inner.size));
    free(inner.bytes);
}

static void lie_about(
    struct env *chance, const struct field *field, unsigned depth, struct pen *pen)
{
    bool is_message = depth < DEPTH_MAX && count_fields(field->bytes) > 0;
    switch (below(chance, 8)) {
    case 0: return; /* left out */
    case 1:         /* said twice */
        write_bytes(pen, field->whole);
        write_bytes(pen, field->whole);
        return;
    default:
        if ((field->tag & 7) == VARINT) {
            lie_about_number(chance, field, pen);
        } else if (is_message) {
            lie_within(chance, field, depth + 1, pen);
        } else {
            lie_about_bytes(chance, field, pen);
        }
    }
}

/* One field of the message, or of one that it has, becomes another. */
static void lie(struct env *chance, struct view message, unsigned depth, struct pen *pen)
{
    size_t count = count_fields(message);
    size_t chosen = count > 0 ? below(chance, count) : 0;
    struct field field;
    for (size_t i = 0; i < count; i++) {
        bool is_read = read_field(&message, &field);
        assert(is_read);
        if (i == chosen) {
            lie_about(chance, &field, depth, pen);
        } else {
            write_bytes(pen, field.whole);
        }
    }
}

/* ---- the seam ---- */

/* What cannot be decoded is to the asker what it is over the real transport. */
static enum hearth_code change(struct lying_coordinator *self, const struct rpc_method_row *row,
    struct arena *arena, void *reply, struct hearth_err *err)
{
    struct buf *truth;
    struct hearth_err cause;
    enum hearth_code code = wire_encode(row->response, reply, &truth, &cause);
    assert(code == HEARTH_OK);
    struct view said = buf_view(truth);
    struct pen pen = {malloc(said.size * 2 + 2 * VARINT_SIZE_MAX), 0};
    assert(pen.bytes != NULL);
    lie(self->chance, said, 0, &pen);
    code = wire_decode(row->response, view_of(pen.bytes, pen.size), arena, reply, &cause);
    free(pen.bytes);
    buf_unref(truth);
    return code == HEARTH_OK
        ? HEARTH_OK
        : hearth_fail(err, row->mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE, "%s", cause.message);
}

static enum hearth_code ask(struct coordinator *base, enum rpc_method method, const void *request,
    struct arena *arena, void *reply, struct hearth_err *err)
{
    struct lying_coordinator *self = (struct lying_coordinator *)base;
    self->asked++;
    enum hearth_code code = coordinator_ask(self->honest, method, request, arena, reply, err);
    bool is_true = code != HEARTH_OK || below(self->chance, 2) == 0;
    return is_true ? code : change(self, &rpc_methods.rows[method], arena, reply, err);
}

static void refresh(struct coordinator *base)
{
    struct lying_coordinator *self = (struct lying_coordinator *)base;
    self->honest->ops->refresh(self->honest);
}

static const struct coordinator_ops lying_ops = {.ask = ask, .refresh = refresh};

void lying_coordinator_init(
    struct lying_coordinator *liar, struct coordinator *honest, struct env *chance)
{
    *liar =
        (struct lying_coordinator){.coordinator = {&lying_ops}, .honest = honest, .chance = chance};
}
