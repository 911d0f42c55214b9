#include "tools/prefix_totals.h"

#include <assert.h>

static void close_innermost(struct prefix_totals *totals)
{
    const struct prefix_total *inner = &totals->open[--totals->open_count];
    struct prefix_total *outer =
        totals->open_count == 0 ? &totals->root : &totals->open[totals->open_count - 1];
    outer->objects += inner->objects;
    outer->bytes += inner->bytes;
    totals->tell(totals->context, inner);
}

static bool begins_with(struct view name, struct view prefix)
{
    return name.size >= prefix.size && view_equal(view_of(name.bytes, prefix.size), prefix);
}

/* Bytes of the name up to and with its next slash after `from`; 0: there is none. */
static size_t next_level(struct view name, size_t from)
{
    const uint8_t *slash =
        from == name.size ? NULL : memchr(name.bytes + from, '/', name.size - from);
    return slash == NULL ? 0 : (size_t)(slash - name.bytes) + 1;
}

static void open_levels(struct prefix_totals *totals, struct view name)
{
    size_t length = totals->open_count == 0 ? 0 : totals->open[totals->open_count - 1].prefix.size;
    while (totals->open_count < totals->depth && (length = next_level(name, length)) > 0) {
        memcpy(totals->path, name.bytes, length);
        totals->open[totals->open_count++] =
            (struct prefix_total){.prefix = view_of(totals->path, length)};
    }
}

void prefix_totals_add(struct prefix_totals *totals, struct view name, uint64_t size)
{
    assert(name.size <= HEARTH_KEY_MAX && totals->depth <= PREFIX_DEPTH_MAX);
    while (
        totals->open_count > 0 && !begins_with(name, totals->open[totals->open_count - 1].prefix)) {
        close_innermost(totals);
    }
    open_levels(totals, name);
    struct prefix_total *inner =
        totals->open_count == 0 ? &totals->root : &totals->open[totals->open_count - 1];
    inner->objects++;
    inner->bytes += size;
}

void prefix_totals_end(struct prefix_totals *totals)
{
    while (totals->open_count > 0) {
        close_innermost(totals);
    }
    totals->root.prefix = view_of(totals->path, 0);
    totals->tell(totals->context, &totals->root);
}
