#include "storaged/volume_gone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The first range that ends at `number` or later. */
static uint32_t range_near(const struct gone_logs *gone, uint32_t number)
{
    uint32_t i = 0;
    while (i < gone->count && gone->ranges[i].end < number) {
        i++;
    }
    return i;
}

bool gone_logs_have(const struct gone_logs *gone, uint32_t number)
{
    uint32_t i = range_near(gone, number + 1);
    return i < gone->count && gone->ranges[i].first <= number;
}

uint32_t gone_logs_last(const struct gone_logs *gone)
{
    return gone->count > 0 ? gone->ranges[gone->count - 1].end - 1 : 0;
}

static bool insert(struct gone_logs *gone, uint32_t at, struct gone_range range)
{
    if (gone->count == gone->capacity) {
        uint32_t capacity = gone->capacity * 2 + 8;
        struct gone_range *ranges = realloc(gone->ranges, capacity * sizeof(*ranges));
        if (ranges == NULL) {
            return false;
        }
        gone->ranges = ranges;
        gone->capacity = capacity;
    }
    memmove(&gone->ranges[at + 1], &gone->ranges[at], (gone->count - at) * sizeof(gone->ranges[0]));
    gone->ranges[at] = range;
    gone->count++;
    return true;
}

/* Those behind it that it reaches become part of it. */
static void join(struct gone_logs *gone, uint32_t at)
{
    struct gone_range *range = &gone->ranges[at];
    uint32_t next = at + 1;
    while (next < gone->count && gone->ranges[next].first <= range->end) {
        range->end = gone->ranges[next].end > range->end ? gone->ranges[next].end : range->end;
        next++;
    }
    memmove(
        &gone->ranges[at + 1], &gone->ranges[next], (gone->count - next) * sizeof(gone->ranges[0]));
    gone->count -= next - at - 1;
}

bool gone_logs_add(struct gone_logs *gone, uint32_t first, uint32_t end)
{
    assert(first < end);
    uint32_t at = range_near(gone, first);
    bool touches = at < gone->count && gone->ranges[at].first <= end;
    if (!touches) {
        return insert(gone, at, (struct gone_range){first, end});
    }
    struct gone_range *range = &gone->ranges[at];
    range->first = first < range->first ? first : range->first;
    range->end = end > range->end ? end : range->end;
    join(gone, at);
    return true;
}

void gone_logs_fini(struct gone_logs *gone)
{
    free(gone->ranges);
    *gone = (struct gone_logs){0};
}
