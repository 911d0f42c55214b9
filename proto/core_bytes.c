/*
 * core_bytes.c - between our buffers and gRPC's.
 */
#include "proto/core.h"

#include <grpc/byte_buffer_reader.h>

static void drop_owner(void *owner)
{
    buf_unref(owner);
}

static grpc_slice slice_from(const struct slice *slice)
{
    if (slice->owner == NULL) {
        return grpc_slice_from_copied_buffer((const char *)slice->view.bytes, slice->view.size);
    }
    return grpc_slice_new_with_user_data(
        (void *)slice->view.bytes, slice->view.size, drop_owner, slice->owner);
}

grpc_byte_buffer *core_bytes_create(const struct slice *slices TAKES, size_t count)
{
    grpc_slice parts[RPC_STREAM_SLICES_MAX];
    assert(count <= RPC_STREAM_SLICES_MAX);
    for (size_t i = 0; i < count; i++) {
        parts[i] = slice_from(&slices[i]);
    }
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(parts, count);
    for (size_t i = 0; i < count; i++) {
        grpc_slice_unref(parts[i]); /* the byte buffer has its own reference */
    }
    return bytes;
}

struct buf *core_bytes_gather(grpc_byte_buffer *bytes)
{
    if (bytes->type != GRPC_BB_RAW || bytes->data.raw.compression != GRPC_COMPRESS_NONE) {
        return NULL;
    }
    struct buf *buf = buf_create(grpc_byte_buffer_length(bytes));
    if (buf == NULL) {
        return NULL;
    }
    grpc_byte_buffer_reader reader;
    int rc = grpc_byte_buffer_reader_init(&reader, bytes);
    assert(rc == 1);
    grpc_slice *part;
    while (grpc_byte_buffer_reader_peek(&reader, &part)) {
        struct view view = core_slice_view(part);
        assert(view.size <= buf->capacity - buf->size);
        if (view.size > 0) {
            memcpy(buf->bytes + buf->size, view.bytes, view.size);
            buf->size += view.size;
        }
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return buf;
}

struct view core_slice_view(const grpc_slice *slice)
{
    return view_of(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

bool core_metadata_find(const grpc_metadata_array *metadata, const char *key, struct view *value)
{
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, key) == 0) {
            *value = core_slice_view(&metadata->metadata[i].value);
            return true;
        }
    }
    return false;
}
