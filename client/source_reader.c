#include "client/source_reader.h"

#include "common/cleanup.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PATIENCE_SLICE_MS = 100 };

static void see(void *context, struct view bytes)
{
    struct source_reader *reader = context;
    if (reader->is_in_crew) {
        md5_crew_update(reader->crew, &reader->md5, bytes, &reader->hashing.is_hurried);
    } else {
        md5_update(&reader->md5, bytes);
    }
    if (reader->source->see != NULL) {
        reader->source->see(reader->source->context, bytes);
    }
}

static void hurry(void *context)
{
    const struct source_reader *reader = context;
    if (reader->is_in_crew) {
        md5_crew_hurry(reader->crew);
    }
}

enum hearth_code source_reader_init(struct source_reader *reader,
    const struct hearth_source *source, uint64_t size_expected, struct md5_crew *crew,
    struct hearth_err *err)
{
    *reader = (struct source_reader){.source = source,
        .size_expected = size_expected,
        .crew = crew,
        .ahead_max = SOURCE_AHEAD_MAX};
    reader->ahead = malloc(SOURCE_AHEAD_MAX);
    if (reader->ahead == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "source reader");
    }
    md5_begin(&reader->md5);
    hash_beside_init(&reader->hashing, see, hurry, reader);
    return HEARTH_OK;
}

void source_reader_fini(struct source_reader *reader)
{
    hash_beside_fini(&reader->hashing);
    if (reader->is_in_crew) {
        md5_crew_leave(reader->crew);
    }
    free(reader->ahead);
}

void source_reader_set_patience(
    struct source_reader *reader, const struct source_patience *patience)
{
    reader->patience = patience;
    reader->has_given_up = false;
}

static enum hearth_code resize(
    struct source_reader *reader, size_t ahead_max, struct hearth_err *err)
{
    uint8_t *bytes = malloc(ahead_max);
    size_t waiting = reader->ahead_end - reader->ahead_start;
    assert(waiting <= ahead_max);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu bytes of the source", ahead_max);
    }
    memcpy(bytes, reader->ahead + reader->ahead_start, waiting);
    free(reader->ahead);
    reader->ahead = bytes;
    reader->ahead_max = ahead_max;
    reader->ahead_start = 0;
    reader->ahead_end = waiting;
    return HEARTH_OK;
}

enum hearth_code source_reader_reserve(
    struct source_reader *reader, size_t ahead_max, struct hearth_err *err)
{
    return ahead_max > reader->ahead_max ? resize(reader, ahead_max, err) : HEARTH_OK;
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

/* Whether nobody waits for it any more.  What is known to be the end is waited for: it may say that
 * all of it was wrong. */
static bool gives_up(struct source_reader *reader)
{
    const struct hearth_source *source = reader->source;
    const struct source_patience *patience = reader->patience;
    bool may = patience != NULL && source->wait != NULL && reader->drawn < reader->size_expected;
    while (may && !source->wait(source->context, PATIENCE_SLICE_MS)) {
        if (patience->is_over(patience->context)) {
            reader->has_given_up = true;
            return true;
        }
    }
    return false;
}

/* From the source itself, until `size` bytes are there, it ends or is given up on. */
static enum hearth_code draw(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err)
{
    size_t got = 0;
    while (got < size && !reader->has_ended && !gives_up(reader)) {
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

/* The room of what was read ahead goes with its last byte. */
static enum hearth_code shrink(struct source_reader *reader, struct hearth_err *err)
{
    bool is_large = reader->ahead_max > SOURCE_AHEAD_MAX;
    bool is_empty = reader->ahead_start == reader->ahead_end;
    return is_large && is_empty ? resize(reader, SOURCE_AHEAD_MAX, err) : HEARTH_OK;
}

static void put_back(struct source_reader *reader, const uint8_t *bytes, size_t size)
{
    assert(reader->ahead_start == reader->ahead_end); /* what waited was taken first */
    assert(size <= reader->ahead_max);
    memcpy(reader->ahead, bytes, size);
    reader->ahead_start = 0;
    reader->ahead_end = size;
}

/* Counts them, but somebody has to hash them. */
static enum hearth_code take(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err)
{
    size_t first = take_waiting(reader, bytes, size);
    size_t rest = 0;
    enum hearth_code code = shrink(reader, err);
    if (code == HEARTH_OK) {
        code = draw(reader, bytes + first, size - first, &rest, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    if (first + rest < size && reader->has_given_up) {
        put_back(reader, bytes, first + rest);
        *out_got = 0;
        return HEARTH_OK;
    }
    reader->size += first + rest;
    *out_got = first + rest;
    return HEARTH_OK;
}

enum hearth_code source_reader_read(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err)
{
    enum hearth_code code = take(reader, bytes, size, out_got, err);
    if (code == HEARTH_OK) {
        hash_beside_update(&reader->hashing, view_of(bytes, *out_got));
    }
    return code;
}

/* Before the first bytes that the thread beside hashes. */
static void join_crew(struct source_reader *reader)
{
    if (!reader->is_in_crew) {
        md5_crew_join(reader->crew);
        reader->is_in_crew = true;
    }
}

enum hearth_code source_reader_next(struct source_reader *reader, uint8_t *bytes, size_t size,
    struct view *out, struct hearth_err *err)
{
    assert(size <= HASH_BESIDE_ROOM_SIZE);
    size_t got = 0;
    uint8_t *room = hash_beside_room(&reader->hashing);
    enum hearth_code code = room == NULL ? source_reader_read(reader, bytes, size, &got, err)
                                         : take(reader, room, size, &got, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (room != NULL && got > 0) {
        join_crew(reader);
        hash_beside_add(&reader->hashing, got);
    }
    *out = view_of(room == NULL ? bytes : room, got);
    return HEARTH_OK;
}

enum hearth_code source_reader_peek(
    struct source_reader *reader, size_t size, size_t *out_waiting, struct hearth_err *err)
{
    assert(size <= reader->ahead_max);
    size_t waiting = reader->ahead_end - reader->ahead_start;
    if (reader->ahead_start > 0) {
        memmove(reader->ahead, reader->ahead + reader->ahead_start, waiting);
        reader->ahead_start = 0;
        reader->ahead_end = waiting;
    }
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

enum hearth_code source_reader_finish(
    struct source_reader *reader, uint8_t md5[CRYPTO_MD5_SIZE], struct hearth_err *err)
{
    const struct hearth_source *source = reader->source;
    assert(reader->has_ended && reader->size == reader->drawn);
    hash_beside_settle(&reader->hashing);
    if (source->vouch != NULL && source->vouch(source->context, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "read the source");
    }
    md5_end(&reader->md5, md5);
    return HEARTH_OK;
}
