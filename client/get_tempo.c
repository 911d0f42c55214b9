#include "client/get_tempo.h"

#include <stdlib.h>
#include <string.h>

enum { MS = 1000000 }; /* nanoseconds */

void get_tempo_note(struct get_tempo *tempo, uint64_t interval_ns)
{
    tempo->intervals_ns[tempo->noted++ % GET_TEMPO_CELLS] = interval_ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median_ns(const struct get_tempo *tempo)
{
    unsigned count = tempo->noted < GET_TEMPO_CELLS ? tempo->noted : GET_TEMPO_CELLS;
    if (count == 0) {
        return GET_TEMPO_FIRST_MEDIAN_MS * (uint64_t)MS;
    }
    uint64_t sorted[GET_TEMPO_CELLS];
    memcpy(sorted, tempo->intervals_ns, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare);
    return sorted[count / 2];
}

uint64_t get_tempo_late_ns(const struct get_tempo *tempo)
{
    uint64_t late_ns = 3 * median_ns(tempo);
    uint64_t least_ns = GET_TEMPO_LATE_MIN_MS * (uint64_t)MS;
    return late_ns > least_ns ? late_ns : least_ns;
}
