/*
 * segment_image.h - a segment in memory while it is stored: sealed, cut into stripes, coded,
 * tagged, ready to be sent in any order.
 *
 *   plaintext --read straight into--> | unit |t| unit |t| unit |t| unit |t|   the open stripe
 *                                       seal each in place, 64 KiB at a time
 *   k units full, or the end      --> | cell |t| cell |t| ... | parity |t| parity |t|
 *                                       encode, tag (t); from now on nothing in it changes
 *
 * A cell and its tag lie side by side, 65,568 bytes apart from the next, so what goes on the wire
 * is one run of memory and nothing is ever copied (but the last, shrunken stripe, once).
 *
 * Parity is dropped as soon as nobody waits for it.  The data cells may be kept to the end: then
 * any slot can be sent again from the beginning, its parity cells made anew.
 *
 * Thread-safety: one transfer's; the bytes of a finished stripe may be read from anywhere.
 */
#ifndef HEARTH_CLIENT_SEGMENT_IMAGE_H
#define HEARTH_CLIENT_SEGMENT_IMAGE_H

#include "client/cell_pool.h"
#include "client/seal.h"
#include "client/shard_tag.h"
#include "common/buf.h"
#include "erasure/ec_codec.h"

struct segment_image;

struct segment_image_options {
    unsigned data_count;                 /* k */
    unsigned slot_count;                 /* n */
    struct cell_pool *pool;              /* borrowed */
    struct seal_writer *seal;            /* borrowed; nobody else seals with it */
    const struct verify_key *verify_key; /* borrowed for the call */
    size_t plain_max;                    /* whole units; at most EC_SEGMENT_PLAIN_MAX */
    bool keeps_data;                     /* to the end; false: until segment_image_release() */
};

enum hearth_code segment_image_create(const struct segment_image_options *options,
    struct segment_image **out, struct hearth_err *err);
void segment_image_destroy(struct segment_image *image); /* accepts NULL */

/* Memory of one finished stripe. */
size_t segment_image_stripe_bytes(unsigned slot_count);

/* ---- filling; never after segment_image_end() ---- */

/* The next bytes would begin a new stripe. */
bool segment_image_at_stripe_edge(const struct segment_image *image);

/* plain_max bytes are in: only the end may follow. */
bool segment_image_is_full(const struct segment_image *image);

/* Where the plaintext of the next unit is to be put: EC_UNIT_PLAIN_SIZE bytes of room.  NULL: out
 * of memory. */
uint8_t *segment_image_unit(struct segment_image *image);

/* That many bytes (at least 1) are there now; they are sealed in place.  Less than a full unit:
 * only the end may follow.  A stripe that is complete by this is finished. */
enum hearth_code segment_image_seal(
    struct segment_image *image, size_t size, struct hearth_err *err);

/* The same with plaintext that lies in the unit, or elsewhere: it is sealed into it. */
enum hearth_code segment_image_seal_from(
    struct segment_image *image, struct view plain, struct hearth_err *err);

/* No more plaintext: the stripe that is not full shrinks and is finished. */
enum hearth_code segment_image_end(struct segment_image *image, struct hearth_err *err);

/* ---- what is in it ---- */

uint64_t segment_image_plain_size(const struct segment_image *image);
bool segment_image_has_ended(const struct segment_image *image);

/* Finished stripes. */
unsigned segment_image_stripes(const struct segment_image *image);

/* Bytes of memory held now, the open stripe included. */
size_t segment_image_bytes(const struct segment_image *image);

/* It stays to the end, whoever is waited for. */
bool segment_image_keeps_data(const struct segment_image *image);

/* The slot can still be sent from stripe 0 on. */
bool segment_image_is_whole(const struct segment_image *image);

/* The cell of a finished stripe and its tag, one run of memory, with a reference of the caller's.
 * owner NULL: out of memory.  Not of data that was released. */
struct slice segment_image_cell(struct segment_image *image, unsigned stripe, unsigned slot);

/* Nobody needs the stripes below this one any more, but to send a slot again. */
void segment_image_release(struct segment_image *image, unsigned below);

#endif /* HEARTH_CLIENT_SEGMENT_IMAGE_H */
