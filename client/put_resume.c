#include "client/put_resume.h"

#include <assert.h>
#include <stdlib.h>

enum { SEGMENTS_FIRST = 16 };

void put_resume_init(struct put_resume *resume)
{
    put_digest_init(&resume->digest, &resume->state.upload_key);
}

void put_resume_fini(struct put_resume *resume)
{
    put_digest_fini(&resume->digest);
    free(resume->segments);
    crypto_wipe(&resume->state, sizeof(resume->state));
}

void put_resume_unit(struct put_resume *resume, struct view plain)
{
    put_digest_unit(&resume->digest, plain);
}

static enum hearth_code remember(
    struct put_resume *resume, const struct put_state_segment *segment, struct hearth_err *err)
{
    if (resume->state.count == resume->segments_max) {
        size_t max = resume->segments_max > 0 ? 2 * resume->segments_max : SEGMENTS_FIRST;
        struct put_state_segment *grown = realloc(resume->segments, max * sizeof(*grown));
        if (grown == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "%zu segments", max);
        }
        resume->segments = grown;
        resume->segments_max = max;
    }
    resume->segments[resume->state.count++] = *segment;
    return HEARTH_OK;
}

enum hearth_code put_resume_segment(struct put_resume *resume, const uint8_t id[SEGMENT_ID_SIZE],
    uint64_t length, struct hearth_err *err)
{
    struct put_state_segment segment = {.length = length};
    memcpy(segment.id, id, SEGMENT_ID_SIZE);
    put_digest_end(&resume->digest, segment.digest);
    return remember(resume, &segment, err);
}

static void note_sealed(struct put_resume *resume)
{
    assert(resume->sealed < resume->state.count);
    resume->sealed_bytes += resume->segments[resume->sealed++].length;
}

void put_resume_sealed(struct put_resume *resume)
{
    note_sealed(resume);
    struct put_state safe = resume->state;
    safe.segments = resume->segments;
    safe.count = resume->sealed;
    struct arena arena;
    struct view sealed;
    struct hearth_err err; /* without memory for it, the one before holds */
    arena_init(&arena, 0);
    if (put_state_seal(&safe, &resume->place, resume->env, &arena, &sealed, &err) == HEARTH_OK) {
        resume->checkpoint(resume->context, sealed, resume->sealed_bytes);
    }
    arena_fini(&arena);
    crypto_wipe(&safe, sizeof(safe));
}

static enum hearth_code read_segment(struct put_resume *resume, uint64_t length,
    struct source_reader *reader, struct hearth_err *err)
{
    uint8_t *unit = malloc(EC_UNIT_PLAIN_SIZE);
    enum hearth_code code =
        unit != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "a unit to compare");
    while (code == HEARTH_OK && length > 0) {
        size_t part = length < EC_UNIT_PLAIN_SIZE ? (size_t)length : EC_UNIT_PLAIN_SIZE;
        size_t got = 0;
        code = source_reader_read(reader, unit, part, &got, err);
        if (code == HEARTH_OK && got < part) {
            code = hearth_fail(err, HEARTH_CONFLICT, "the source is shorter than it was");
        } else if (code == HEARTH_OK) {
            put_digest_unit(&resume->digest, view_of(unit, part));
            length -= part;
        }
    }
    free(unit);
    return code;
}

enum hearth_code put_resume_take_over(struct put_resume *resume,
    const struct put_state_segment *segment, struct source_reader *reader, struct hearth_err *err)
{
    uint8_t digest[PUT_DIGEST_SIZE];
    enum hearth_code code = read_segment(resume, segment->length, reader, err);
    if (code != HEARTH_OK) {
        return code;
    }
    put_digest_end(&resume->digest, digest);
    if (!crypto_equal(digest, segment->digest, sizeof(digest))) {
        return hearth_fail(err, HEARTH_CONFLICT, "the source is not what was sent before");
    }
    if (remember(resume, segment, err) != HEARTH_OK) {
        return err->code;
    }
    note_sealed(resume);
    return HEARTH_OK;
}
