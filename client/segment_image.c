#include "client/segment_image.h"

#include "erasure/ec_stripe.h"

enum { CELL_STRIDE = EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE };

/* Sent as they lie. A NULL buf: released. */
struct stripe {
    struct buf *data;   /* k cells, each with its tag */
    struct buf *parity; /* n - k cells, likewise */
    size_t cell_size;
};

struct segment_image {
    /* Set once. */
    unsigned data_count;
    unsigned slot_count;
    size_t plain_max;
    bool keeps_data;
    struct ec_codec *codec;
    struct cell_pool *pool;
    struct seal_writer *seal;
    struct shard_tagger *tagger;

    struct stripe *stripes;
    unsigned stripe_count; /* finished */
    unsigned released;     /* stripes whose parity is gone, and their data unless kept */
    struct buf *open;      /* data cells being filled; NULL between stripes */
    unsigned open_units;   /* sealed units in it */
    uint64_t plain_size;
    size_t bytes;
    bool is_short; /* a unit was not full */
    bool has_ended;
};

static size_t stripes_max(const struct segment_image_options *options)
{
    size_t units = options->plain_max / EC_UNIT_PLAIN_SIZE;
    return (units + options->data_count - 1) / options->data_count;
}

size_t segment_image_stripe_bytes(unsigned slot_count)
{
    return (size_t)slot_count * CELL_STRIDE;
}

enum hearth_code segment_image_create(
    const struct segment_image_options *options, struct segment_image **out, struct hearth_err *err)
{
    assert(0 < options->plain_max && options->plain_max <= EC_SEGMENT_PLAIN_MAX);
    assert(options->plain_max % EC_UNIT_PLAIN_SIZE == 0);
    struct segment_image *image = calloc(1, sizeof(*image));
    if (image == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "segment image");
    }
    image->data_count = options->data_count;
    image->slot_count = options->slot_count;
    image->plain_max = options->plain_max;
    image->keeps_data = options->keeps_data;
    enum hearth_code code = ec_codec_create(
        EC_CODEC_CAUCHY, options->data_count, options->slot_count, &image->codec, err);
    if (code != HEARTH_OK) {
        goto undo_image;
    }
    image->stripes = calloc(stripes_max(options), sizeof(*image->stripes));
    if (image->stripes == NULL) {
        code = hearth_fail(err, HEARTH_NO_MEMORY, "segment image: its stripes");
        goto undo_codec;
    }
    image->pool = options->pool;
    image->seal = options->seal;
    image->tagger = shard_tagger_create(options->verify_key);
    *out = image;
    return HEARTH_OK;

undo_codec:
    ec_codec_destroy(image->codec);
undo_image:
    free(image);
    return code;
}

/* ---- memory ---- */

static struct buf *take_cells(struct segment_image *image, unsigned count, size_t stride)
{
    struct buf *buf = cell_pool_take(image->pool, count * stride);
    image->bytes += buf == NULL ? 0 : buf->size;
    return buf;
}

static void give_back_cells(struct segment_image *image, struct buf **cells)
{
    if (*cells != NULL) {
        image->bytes -= (*cells)->size;
        cell_pool_give(image->pool, *cells);
        *cells = NULL;
    }
}

void segment_image_destroy(struct segment_image *image)
{
    if (image == NULL) {
        return;
    }
    for (unsigned i = 0; i < image->stripe_count; i++) {
        give_back_cells(image, &image->stripes[i].data);
        give_back_cells(image, &image->stripes[i].parity);
    }
    give_back_cells(image, &image->open);
    free(image->stripes);
    shard_tagger_destroy(image->tagger);
    ec_codec_destroy(image->codec);
    free(image);
}

/* ---- filling ---- */

bool segment_image_at_stripe_edge(const struct segment_image *image)
{
    return image->open == NULL;
}

bool segment_image_is_full(const struct segment_image *image)
{
    return image->plain_size == image->plain_max;
}

/* Of the next unit. */
static uint8_t *open_unit(const struct segment_image *image)
{
    return image->open->bytes + image->open_units * CELL_STRIDE;
}

uint8_t *segment_image_unit(struct segment_image *image)
{
    assert(!image->has_ended && !image->is_short && !segment_image_is_full(image));
    if (image->open == NULL) {
        image->open = take_cells(image, image->data_count, CELL_STRIDE);
        image->open_units = 0;
    }
    return image->open == NULL ? NULL : open_unit(image);
}

/* Where the cell of a slot lies in the stripe. */
static uint8_t *cell_of(
    const struct segment_image *image, const struct stripe *stripe, unsigned slot)
{
    size_t stride = stripe->cell_size + EC_CELL_TAG_SIZE;
    return slot < image->data_count ? stripe->data->bytes + slot * stride
                                    : stripe->parity->bytes + (slot - image->data_count) * stride;
}

static void tag_cell(
    struct segment_image *image, unsigned stripe, unsigned slot, uint8_t *cell, size_t cell_size)
{
    shard_tag_make(image->tagger, slot, stripe, view_of(cell, cell_size), cell + cell_size);
}

/* Codes and tags; the data cells become the image's. */
static enum hearth_code finish_stripe(
    struct segment_image *image, struct buf *data TAKES, size_t cell_size, struct hearth_err *err)
{
    struct stripe *stripe = &image->stripes[image->stripe_count];
    *stripe = (struct stripe){.data = data, .cell_size = cell_size};
    unsigned parity_count = image->slot_count - image->data_count;
    stripe->parity = take_cells(image, parity_count, cell_size + EC_CELL_TAG_SIZE);
    if (stripe->parity == NULL) {
        give_back_cells(image, &stripe->data);
        return hearth_fail(err, HEARTH_NO_MEMORY, "parity of stripe %u", image->stripe_count);
    }

    uint8_t *cells[EC_SLOTS_MAX];
    for (unsigned slot = 0; slot < image->slot_count; slot++) {
        cells[slot] = cell_of(image, stripe, slot);
    }
    ec_codec_encode(image->codec, cell_size, cells);
    for (unsigned slot = 0; slot < image->slot_count; slot++) {
        tag_cell(image, image->stripe_count, slot, cells[slot], cell_size);
    }
    image->stripe_count++;
    return HEARTH_OK;
}

enum hearth_code segment_image_seal(
    struct segment_image *image, size_t size, struct hearth_err *err)
{
    return segment_image_seal_from(image, view_of(open_unit(image), size), err);
}

enum hearth_code segment_image_seal_from(
    struct segment_image *image, struct view plain, struct hearth_err *err)
{
    assert(0 < plain.size && plain.size <= EC_UNIT_PLAIN_SIZE && !image->is_short);
    seal_writer_next(image->seal, plain, open_unit(image));
    image->plain_size += plain.size;
    image->is_short = plain.size < EC_UNIT_PLAIN_SIZE;
    image->open_units++;
    if (image->is_short || image->open_units < image->data_count) {
        return HEARTH_OK;
    }
    struct buf *data = image->open;
    image->open = NULL;
    return finish_stripe(image, data, EC_CELL_SIZE_MAX, err);
}

/* The sealed bytes of the open stripe, which lie a stride apart, into cells that are shorter. */
static void copy_into_short_cells(
    struct segment_image *image, const struct ec_stripes *shape, struct buf *data)
{
    size_t stride = shape->last_cell_size + EC_CELL_TAG_SIZE;
    memset(data->bytes, 0, data->size);
    unsigned unit = image->stripe_count * image->data_count;
    for (unsigned i = 0; i < image->open_units; i++) {
        const uint8_t *from = image->open->bytes + i * CELL_STRIDE;
        struct ec_range left = ec_stripes_unit_sealed(shape, unit + i);
        while (left.size > 0) {
            struct ec_piece piece = ec_stripes_piece(shape, left);
            assert(piece.stripe == image->stripe_count);
            memcpy(data->bytes + piece.slot * stride + piece.offset, from, piece.size);
            from += piece.size;
            left.offset += piece.size;
            left.size -= piece.size;
        }
    }
}

static enum hearth_code finish_short_stripe(struct segment_image *image, struct hearth_err *err)
{
    struct ec_stripes shape;
    enum hearth_code code = ec_stripes_init(&shape, image->data_count, image->plain_size, err);
    assert(code == HEARTH_OK && shape.stripe_count == image->stripe_count + 1);
    struct buf *data =
        take_cells(image, image->data_count, shape.last_cell_size + EC_CELL_TAG_SIZE);
    if (data == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stripe %u", image->stripe_count);
    }
    copy_into_short_cells(image, &shape, data);
    give_back_cells(image, &image->open);
    return finish_stripe(image, data, shape.last_cell_size, err);
}

enum hearth_code segment_image_end(struct segment_image *image, struct hearth_err *err)
{
    assert(!image->has_ended);
    image->has_ended = true;
    if (image->open != NULL && image->open_units == 0) {
        give_back_cells(image, &image->open); /* room was made, and then nothing came */
    }
    return image->open == NULL ? HEARTH_OK : finish_short_stripe(image, err);
}

/* ---- what is in it ---- */

uint64_t segment_image_plain_size(const struct segment_image *image)
{
    return image->plain_size;
}

bool segment_image_has_ended(const struct segment_image *image)
{
    return image->has_ended;
}

unsigned segment_image_stripes(const struct segment_image *image)
{
    return image->stripe_count;
}

size_t segment_image_bytes(const struct segment_image *image)
{
    return image->bytes;
}

bool segment_image_keeps_data(const struct segment_image *image)
{
    return image->keeps_data;
}

bool segment_image_is_whole(const struct segment_image *image)
{
    return image->keeps_data || image->released == 0;
}

/* A parity cell made again from the data cells, alone in a buf. */
static struct slice remake_cell(struct segment_image *image, unsigned number, unsigned slot)
{
    const struct stripe *stripe = &image->stripes[number];
    struct buf *buf = buf_create(stripe->cell_size + EC_CELL_TAG_SIZE);
    if (buf == NULL) {
        return (struct slice){0};
    }
    buf->size = buf->capacity;
    uint8_t *cells[EC_SLOTS_MAX];
    for (unsigned i = 0; i < image->data_count; i++) {
        cells[i] = cell_of(image, stripe, i);
    }
    cells[slot] = buf->bytes;
    struct ec_slots wanted = {{0}};
    ec_slots_add(&wanted, slot);
    struct hearth_err err;
    enum hearth_code code = ec_codec_rebuild(
        image->codec, stripe->cell_size, cells, ec_slots_first(image->data_count), wanted, &err);
    assert(code == HEARTH_OK);
    tag_cell(image, number, slot, buf->bytes, stripe->cell_size);
    return (struct slice){buf, buf_view(buf)};
}

struct slice segment_image_cell(struct segment_image *image, unsigned stripe, unsigned slot)
{
    assert(stripe < image->stripe_count && slot < image->slot_count);
    const struct stripe *from = &image->stripes[stripe];
    assert(from->data != NULL);
    bool is_data = slot < image->data_count;
    if (!is_data && from->parity == NULL) {
        return remake_cell(image, stripe, slot);
    }
    struct buf *owner = is_data ? from->data : from->parity;
    size_t offset = (size_t)(cell_of(image, from, slot) - owner->bytes);
    return slice_of(owner, offset, from->cell_size + EC_CELL_TAG_SIZE);
}

void segment_image_release(struct segment_image *image, unsigned below)
{
    assert(below <= image->stripe_count);
    for (; image->released < below; image->released++) {
        struct stripe *stripe = &image->stripes[image->released];
        give_back_cells(image, &stripe->parity);
        if (!image->keeps_data) {
            give_back_cells(image, &stripe->data);
        }
    }
}
