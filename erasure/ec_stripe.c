#include "erasure/ec_stripe.h"

#include "erasure/ec_codec.h"

#include <inttypes.h>

static size_t divide_up(size_t value, size_t by)
{
    return (value + by - 1) / by;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Data bytes of a full stripe; each but the last is one. */
static size_t stripe_size_max(const struct ec_stripes *stripes)
{
    return (size_t)stripes->data_count * EC_CELL_SIZE_MAX;
}

static size_t shrunken_cell_size(unsigned data_count, size_t rest)
{
    size_t aligned = divide_up(divide_up(rest, data_count), EC_CELL_ALIGNMENT) * EC_CELL_ALIGNMENT;
    return least(aligned, EC_CELL_SIZE_MAX); /* 65,552 itself is no multiple of 64 */
}

enum hearth_code ec_stripes_init(
    struct ec_stripes *stripes, unsigned data_count, uint64_t plain_size, struct hearth_err *err)
{
    if (plain_size > EC_SEGMENT_PLAIN_MAX) {
        return hearth_fail(err, HEARTH_INVALID,
            "segment of %" PRIu64 " bytes, at most %d are allowed", plain_size,
            EC_SEGMENT_PLAIN_MAX);
    }
    if (data_count < 1 || data_count > EC_DATA_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "segment with %u data slots, 1 to %d are allowed",
            data_count, EC_DATA_MAX);
    }
    size_t units = divide_up((size_t)plain_size, EC_UNIT_PLAIN_SIZE);
    *stripes = (struct ec_stripes){
        .data_count = data_count,
        .plain_size = (size_t)plain_size,
        .sealed_size = (size_t)plain_size + units * EC_UNIT_TAG_SIZE,
    };
    if (plain_size > 0) {
        size_t full = (stripes->sealed_size - 1) / stripe_size_max(stripes);
        size_t rest = stripes->sealed_size - full * stripe_size_max(stripes);
        stripes->stripe_count = (unsigned)full + 1;
        stripes->last_cell_size = shrunken_cell_size(data_count, rest);
    }
    return HEARTH_OK;
}

/* ---- units ---- */

unsigned ec_stripes_unit_count(const struct ec_stripes *stripes)
{
    return (unsigned)divide_up(stripes->plain_size, EC_UNIT_PLAIN_SIZE);
}

struct ec_range ec_stripes_unit_plain(const struct ec_stripes *stripes, unsigned unit)
{
    assert(unit < ec_stripes_unit_count(stripes));
    size_t offset = (size_t)unit * EC_UNIT_PLAIN_SIZE;
    return (struct ec_range){offset, least(EC_UNIT_PLAIN_SIZE, stripes->plain_size - offset)};
}

struct ec_range ec_stripes_unit_sealed(const struct ec_stripes *stripes, unsigned unit)
{
    struct ec_range plain = ec_stripes_unit_plain(stripes, unit);
    return (struct ec_range){(size_t)unit * EC_UNIT_SIZE, plain.size + EC_UNIT_TAG_SIZE};
}

struct ec_range ec_stripes_sealed_range(const struct ec_stripes *stripes, struct ec_range plain)
{
    assert(plain.offset <= stripes->plain_size);
    assert(plain.size <= stripes->plain_size - plain.offset);
    size_t first = plain.offset / EC_UNIT_PLAIN_SIZE;
    if (plain.size == 0) {
        return (struct ec_range){first * EC_UNIT_SIZE, 0};
    }
    size_t end = divide_up(plain.offset + plain.size, EC_UNIT_PLAIN_SIZE) * EC_UNIT_SIZE;
    return (struct ec_range){
        first * EC_UNIT_SIZE, least(end, stripes->sealed_size) - first * EC_UNIT_SIZE};
}

/* ---- cells ---- */

size_t ec_stripes_cell_size(const struct ec_stripes *stripes, unsigned stripe)
{
    assert(stripe < stripes->stripe_count);
    return stripe == stripes->stripe_count - 1 ? stripes->last_cell_size : EC_CELL_SIZE_MAX;
}

size_t ec_stripes_sealed_offset(
    const struct ec_stripes *stripes, unsigned stripe, unsigned slot, size_t offset)
{
    size_t cell_size = ec_stripes_cell_size(stripes, stripe);
    assert(slot < stripes->data_count);
    assert(offset < cell_size);
    return stripe * stripe_size_max(stripes) + slot * cell_size + offset;
}

size_t ec_stripes_cell_used(const struct ec_stripes *stripes, unsigned stripe, unsigned slot)
{
    size_t start = ec_stripes_sealed_offset(stripes, stripe, slot, 0);
    size_t left = stripes->sealed_size - least(start, stripes->sealed_size);
    return least(left, ec_stripes_cell_size(stripes, stripe));
}

unsigned ec_stripes_stripe_of(const struct ec_stripes *stripes, size_t sealed_offset)
{
    assert(sealed_offset < stripes->sealed_size);
    return (unsigned)(sealed_offset / stripe_size_max(stripes));
}

struct ec_piece ec_stripes_piece(const struct ec_stripes *stripes, struct ec_range range)
{
    assert(range.size > 0);
    assert(range.size <= stripes->sealed_size && range.offset <= stripes->sealed_size - range.size);
    unsigned stripe = ec_stripes_stripe_of(stripes, range.offset);
    size_t cell_size = ec_stripes_cell_size(stripes, stripe);
    size_t in_stripe = range.offset - stripe * stripe_size_max(stripes);
    size_t offset = in_stripe % cell_size;
    return (struct ec_piece){
        .stripe = stripe,
        .slot = (unsigned)(in_stripe / cell_size),
        .offset = offset,
        .size = least(range.size, cell_size - offset),
    };
}

struct ec_slots ec_stripes_slots_of(
    const struct ec_stripes *stripes, unsigned stripe, struct ec_range sealed)
{
    struct ec_slots slots = {{0}};
    for (unsigned slot = 0; slot < stripes->data_count; slot++) {
        size_t start = ec_stripes_sealed_offset(stripes, stripe, slot, 0);
        size_t end = start + ec_stripes_cell_used(stripes, stripe, slot);
        if (sealed.size > 0 && start < sealed.offset + sealed.size && sealed.offset < end) {
            ec_slots_add(&slots, slot);
        }
    }
    return slots;
}

/* ---- shards ---- */

size_t ec_stripes_shard_size(const struct ec_stripes *stripes)
{
    if (stripes->stripe_count == 0) {
        return 0;
    }
    return (size_t)(stripes->stripe_count - 1) * EC_CELL_SIZE_MAX + stripes->last_cell_size;
}

size_t ec_stripes_tagged_shard_size(const struct ec_stripes *stripes)
{
    return ec_stripes_shard_size(stripes) + (size_t)stripes->stripe_count * EC_CELL_TAG_SIZE;
}

size_t ec_stripes_tagged_cell_offset(const struct ec_stripes *stripes, unsigned stripe)
{
    assert(stripe < stripes->stripe_count);
    return (size_t)stripe * (EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE);
}
