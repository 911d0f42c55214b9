#include "client/node_tempo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    US = 1000,    /* nanoseconds */
    MS = 1000000, /* likewise */
    FAILURES_MAX = 1000,
    FAILURE_HALF_LIFE_MS = 60 * 1000,
    CELL_WEIGHT = 4, /* a call counts for a quarter, all before it for the rest */
};

static bool is_stale(const struct node_tempo *tempo, uint64_t now_ns)
{
    return now_ns - tempo->noted_ns > NODE_TEMPO_AGE_MAX_MS * (uint64_t)MS;
}

static void freshen(struct node_tempo *tempo, uint64_t now_ns)
{
    assert(now_ns >= tempo->noted_ns);
    if (is_stale(tempo, now_ns)) {
        *tempo = (struct node_tempo){0};
    }
    tempo->noted_ns = now_ns;
}

void node_tempo_note_first(struct node_tempo *tempo, uint64_t waited_ns, uint64_t now_ns)
{
    freshen(tempo, now_ns);
    uint64_t us = waited_ns / US;
    tempo->first_us[tempo->first_count++ % NODE_TEMPO_FIRSTS] =
        us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void node_tempo_note_cells(
    struct node_tempo *tempo, unsigned cells, uint64_t waited_ns, uint64_t now_ns)
{
    assert(cells > 0);
    freshen(tempo, now_ns);
    uint64_t each_ns = waited_ns / cells + 1; /* 0 is not known */
    tempo->cell_ns = tempo->cell_ns == 0
        ? each_ns
        : (tempo->cell_ns * (CELL_WEIGHT - 1) + each_ns) / CELL_WEIGHT;
}

/* How many of them are left by now. */
static unsigned failures_at(const struct node_tempo *tempo, uint64_t now_ns)
{
    uint64_t halvings = (now_ns - tempo->failed_ns) / (FAILURE_HALF_LIFE_MS * (uint64_t)MS);
    return halvings < 16 ? tempo->failures >> halvings : 0;
}

void node_tempo_note_failure(struct node_tempo *tempo, uint64_t now_ns)
{
    freshen(tempo, now_ns);
    unsigned left = failures_at(tempo, now_ns);
    tempo->failures = left < FAILURES_MAX ? left + 1 : FAILURES_MAX;
    tempo->failed_ns = now_ns;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* So many of a hundred first cells came within this. */
static uint64_t first_within_ns(const struct node_tempo *tempo, unsigned percent)
{
    unsigned count =
        tempo->first_count < NODE_TEMPO_FIRSTS ? tempo->first_count : NODE_TEMPO_FIRSTS;
    assert(count > 0);
    uint32_t sorted[NODE_TEMPO_FIRSTS];
    memcpy(sorted, tempo->first_us, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), compare);
    return sorted[(count - 1) * percent / 100] * (uint64_t)US;
}

uint64_t node_tempo_late_ns(const struct node_tempo *tempo, uint64_t now_ns)
{
    if (tempo->first_count < NODE_TEMPO_FIRSTS_MIN || is_stale(tempo, now_ns)) {
        return 0;
    }
    uint64_t late_ns = first_within_ns(tempo, 90);
    uint64_t least_ns = NODE_TEMPO_LATE_MIN_MS * (uint64_t)MS;
    return late_ns > least_ns ? late_ns : least_ns;
}

uint64_t node_tempo_expected_ns(const struct node_tempo *tempo, unsigned cells, uint64_t now_ns)
{
    if (tempo->first_count == 0 || is_stale(tempo, now_ns)) {
        return UINT64_MAX;
    }
    uint64_t rest = cells > 0 ? cells - 1 : 0;
    uint64_t call_ns = first_within_ns(tempo, 50) + rest * tempo->cell_ns;
    return call_ns * (1 + failures_at(tempo, now_ns));
}
