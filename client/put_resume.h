/*
 * put_resume.h - a put that can go on later: keeps what is needed for that, and tells it whenever
 * one more segment is safe.
 *
 *   each unit  --> its segment's digest
 *   a segment is filled --> remembered          it is sealed --> checkpoint, with all up to it
 *
 * D12: what goes on takes over whole sealed segments, whose plaintext is read again and compared;
 * everything else is sealed under segment ids of its own.
 *
 * Thread-safety: belongs to its put's thread.
 */
#ifndef HEARTH_CLIENT_PUT_RESUME_H
#define HEARTH_CLIENT_PUT_RESUME_H

#include "client/put_state.h"
#include "client/source_reader.h"

struct put_resume {
    /* Set once; borrowed. */
    struct env *env;
    struct put_state_place place;
    void (*checkpoint)(void *context, struct view state, uint64_t safe_bytes);
    void *context;

    struct put_state state; /* its segments: those filled, of which `sealed` are safe */
    struct put_state_segment *segments;
    size_t segments_max;
    size_t sealed;
    uint64_t sealed_bytes;
    struct put_digest digest;
};

/* From zero, with what is set once, and the state's intent, key and size filled in. */
void put_resume_init(struct put_resume *resume);
void put_resume_fini(struct put_resume *resume); /* also of one that was not begun */

void put_resume_unit(struct put_resume *resume, struct view plain);

/* The units since the last one are this segment. HEARTH_NO_MEMORY. */
enum hearth_code put_resume_segment(struct put_resume *resume, const uint8_t id[SEGMENT_ID_SIZE],
    uint64_t length, struct hearth_err *err);

/* The first segment that was not is safe now. */
void put_resume_sealed(struct put_resume *resume);

/*
 * Reads what an earlier put has stored as this segment, and takes it over.
 * HEARTH_CONFLICT: these are not the bytes that were stored.
 */
enum hearth_code put_resume_take_over(struct put_resume *resume,
    const struct put_state_segment *segment, struct source_reader *reader, struct hearth_err *err);

#endif /* HEARTH_CLIENT_PUT_RESUME_H */
