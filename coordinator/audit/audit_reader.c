#include "coordinator/audit/audit_reader.h"

bool audit_reader_run(const struct meta_segment *segment, struct ec_range plain,
    struct audit_run *run, uint32_t *stripe_count)
{
    struct hearth_err err;
    struct ec_stripes stripes;
    if (plain.size == 0 || plain.offset + plain.size > segment->length ||
        ec_stripes_init(&stripes, segment->k, segment->length, &err) != HEARTH_OK) {
        return false;
    }
    const struct ec_range sealed = ec_stripes_sealed_range(&stripes, plain);
    uint32_t first = ec_stripes_stripe_of(&stripes, sealed.offset);
    uint32_t last = ec_stripes_stripe_of(&stripes, sealed.offset + sealed.size - 1);
    *run = (struct audit_run){.first = first, .count = last - first + 1};
    *stripe_count = stripes.stripe_count;
    return true;
}

/* The part of an object's only extent that is wanted. */
static struct ec_range part_of(const struct meta_lookup *lookup, const struct meta_extent *extent)
{
    uint64_t offset = lookup->offset;
    uint64_t length = lookup->length;
    if (lookup->suffix) {
        length = length < extent->length ? length : extent->length;
        offset = extent->length - length;
    }
    offset = offset < extent->length ? offset : extent->length;
    uint64_t left = extent->length - offset;
    length = length == 0 || length > left ? left : length;
    return (struct ec_range){.offset = extent->offset + offset, .size = length};
}

static const struct meta_segment *segment_of(
    const struct meta_object *object, const struct meta_extent *extent)
{
    for (size_t i = 0; i < object->segment_count; i++) {
        if (meta_id_equal(object->segments[i].id, extent->segment)) {
            return &object->segments[i];
        }
    }
    return NULL;
}

/* Of an object of several extents the one in the middle, which is read whole. */
void audit_reader_note(
    struct audit *audit, const struct meta_lookup *lookup, const struct meta_object *object)
{
    if (audit == NULL || object->extent_count == 0) {
        return;
    }
    const struct meta_extent *extent = &object->extents[object->extent_count / 2];
    const struct meta_segment *segment = segment_of(object, extent);
    bool is_only = object->extent_count == 1 && object->first_extent == 0 &&
        object->next_cursor == 0 && lookup->cursor == 0;
    const struct ec_range plain = is_only
        ? part_of(lookup, extent)
        : (struct ec_range){.offset = extent->offset, .size = extent->length};
    struct audit_run run;
    uint32_t stripe_count;
    if (segment != NULL && audit_reader_run(segment, plain, &run, &stripe_count)) {
        audit_note_reader(audit, run, stripe_count);
    }
}
