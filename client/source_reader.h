/*
 * source_reader.h - the caller's bytes, in pieces of the size we want, counted and hashed once.
 *
 * Looks ahead a little, because whether an object is small, and whether a segment is the last one,
 * is known only when the source has ended.
 *
 * What is large is hashed by a thread beside (hash_beside.h): for that, bytes that are only looked
 * at stay in the reader's memory while their user and the hasher read them.
 *
 * Thread-safety: belongs to its put.
 */
#ifndef HEARTH_CLIENT_SOURCE_READER_H
#define HEARTH_CLIENT_SOURCE_READER_H

#include "client/hash_beside.h"
#include "client/hearth.h"
#include "client/md5_crew.h"
#include "common/crypto.h"

enum { SOURCE_AHEAD_MAX = 64 * 1024 + 1 }; /* more than any profile's inline_max */

/* Of one who has better to do than to wait for a slow source. */
struct source_patience {
    bool (*is_over)(void *context);
    void *context;
};

struct source_reader {
    const struct hearth_source *source;
    uint64_t size_expected;                 /* 0: not known */
    uint64_t size;                          /* handed out so far */
    struct md5 md5;                         /* of these */
    struct md5_crew *crew;                  /* with whom it is made, */
    bool is_in_crew;                        /* from the first room on; */
    struct hash_beside hashing;             /* who makes it */
    uint64_t drawn;                         /* taken from the source so far */
    bool has_ended;                         /* the source said so */
    const struct source_patience *patience; /* NULL: without end */
    bool has_given_up;                      /* patience was over before the source had more */
    size_t ahead_max;
    size_t ahead_start;
    size_t ahead_end;
    uint8_t *ahead; /* ahead_max; bytes [ahead_start, ahead_end) wait */
};

/* Source and crew are borrowed for the life of the reader. */
enum hearth_code source_reader_init(struct source_reader *reader,
    const struct hearth_source *source, uint64_t size_expected, struct md5_crew *crew,
    struct hearth_err *err);
void source_reader_fini(struct source_reader *reader);

/*
 * Borrowed while reads go on; NULL: none.  With it a read or peek that would have to wait, and
 * whose user is not patient any more, comes back with has_given_up: a read with nothing, for what
 * came is kept for the next one, a peek with what there is.  Only a source that can say that it
 * must wait, of known length, can be given up on, and only while more is to come of it.
 */
void source_reader_set_patience(
    struct source_reader *reader, const struct source_patience *patience);

/* From now on so many bytes (SOURCE_AHEAD_MAX at least) can wait, until they have been read. */
enum hearth_code source_reader_reserve(
    struct source_reader *reader, size_t ahead_max, struct hearth_err *err);

/*
 * Fills `bytes`; less than `size` only at the end.  HEARTH_INVALID: the source is shorter or
 * longer than was said.  Other codes are the source's own.
 */
enum hearth_code source_reader_read(struct source_reader *reader, uint8_t *bytes, size_t size,
    size_t *out_got, struct hearth_err *err);

/*
 * The same for who only looks at them: *out lies in `bytes`, of `size` at most a unit, or in the
 * reader's own memory, until the next call.
 */
enum hearth_code source_reader_next(struct source_reader *reader, uint8_t *bytes, size_t size,
    struct view *out, struct hearth_err *err);

/* Makes at least `size` bytes (SOURCE_AHEAD_MAX, or what was reserved) wait, fewer only at the end;
 * how many. They are handed out by the next read. */
enum hearth_code source_reader_peek(
    struct source_reader *reader, size_t size, size_t *out_waiting, struct hearth_err *err);

/* Everything was handed out: its MD5, if the source vouches for it; else the code it gives. */
enum hearth_code source_reader_finish(
    struct source_reader *reader, uint8_t md5[CRYPTO_MD5_SIZE], struct hearth_err *err);

#endif /* HEARTH_CLIENT_SOURCE_READER_H */
