#include "client/source_reader.h"

#include "common/cleanup.h"

#include <inttypes.h>
#include <stdlib.h>

enum hearth_code source_reader_init(struct source_reader *reader,
    const struct hearth_source *source, uint64_t size_expected, struct hearth_err *err)
{
    *reader = (struct source_reader){.source = source, .size_expected = size_expected};
    reader->ahead = malloc(SOURCE_AHEAD_MAX);
    if (reader->ahead == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "source reader");
    }
    reader->md5 = crypto_hash_create(CRYPTO_MD5);
    return HEARTH_OK;
}

void source_reader_fini(struct source_reader *reader)
{
    crypto_hash_destroy(reader->md5);
    free(reader->ahead);
}

static enum hearth_code check_length(const struct source_reader *reader, struct hearth_err *err)
{
    uint64_t expected = reader->size_expected;
    if (expected > 0 && reader->drawn > expected) {
        return hearth_fail(err, HEARTH_INVALID,
            "the source has grown: more than the %" PRIu64 " bytes it was said to have", expected);
    }
    if (expected > 0 && reader->has_ended && reader->drawn < expected) {
        return hearth_fail(err, HEARTH_INVALID,
            "the source ended after %" PRIu64 " of %" PRIu64 " bytes", reader->drawn, expected);
    }
    return HEARTH_OK;
}

/* From the source itself, until `size` bytes are there or it ends. */
static enum hearth_code draw(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err)
{
    size_t got = 0;
    while (got < size && !reader->has_ended) {
        size_t part = 0;
        enum hearth_code code =
            reader->source->read(reader->source->context, bytes + got, size - got, &part, err);
        if (code != HEARTH_OK) {
            return hearth_err_prefix(err, "read the source");
        }
        assert(part <= size - got);
        got += part;
        reader->drawn += part;
        reader->has_ended = part == 0;
    }
    *out_got = got;
    return check_length(reader, err);
}

static size_t take_waiting(struct source_reader *reader, uint8_t *bytes, size_t size)
{
    size_t waiting = reader->ahead_end - reader->ahead_start;
    size_t part = waiting < size ? waiting : size;
    memcpy(bytes, reader->ahead + reader->ahead_start, part);
    reader->ahead_start += part;
    return part;
}

enum hearth_code source_reader_read(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err)
{
    size_t first = take_waiting(reader, bytes, size);
    size_t rest = 0;
    enum hearth_code code = draw(reader, bytes + first, size - first, &rest, err);
    if (code != HEARTH_OK) {
        return code;
    }
    crypto_hash_update(reader->md5, view_of(bytes, first + rest));
    reader->size += first + rest;
    *out_got = first + rest;
    return HEARTH_OK;
}

enum hearth_code source_reader_peek(
    struct source_reader *reader, size_t size, size_t *out_waiting, struct hearth_err *err)
{
    assert(size <= SOURCE_AHEAD_MAX);
    size_t waiting = reader->ahead_end - reader->ahead_start;
    memmove(reader->ahead, reader->ahead + reader->ahead_start, waiting);
    reader->ahead_start = 0;
    reader->ahead_end = waiting;
    if (waiting < size) {
        size_t got = 0;
        enum hearth_code code = draw(reader, reader->ahead + waiting, size - waiting, &got, err);
        if (code != HEARTH_OK) {
            return code;
        }
        reader->ahead_end += got;
    }
    *out_waiting = reader->ahead_end;
    return HEARTH_OK;
}

void source_reader_md5(struct source_reader *reader, uint8_t md5[CRYPTO_MD5_SIZE])
{
    crypto_hash_final(reader->md5, md5);
}
