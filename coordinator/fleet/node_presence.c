#include "coordinator/fleet/node_presence.h"

#include "common/codec.h"

#include <assert.h>

#define WEEK_MS (PRESENCE_HOURS * PRESENCE_HOUR_MS)

enum { FORMAT = 1, HOUR_S = 3600, DAY_HOURS = 24, DAYS = 7, WEEKS_REMEMBERED = 52 };

/* Five sixths a week: half in four. */
enum { KEEP_OF = 5, KEEP_FROM = 6 };
static_assert(HOUR_S * KEEP_FROM / (KEEP_FROM - KEEP_OF) <= UINT16_MAX, "an hour never overflows");

/* What is believed before anything was seen, and how many hours of seeing outweigh it. */
static const double PRIOR = 0.95;
enum { PRIOR_ALL_S = 24 * HOUR_S, PRIOR_DAY_S = 6 * HOUR_S, PRIOR_HOUR_S = 2 * HOUR_S };
enum { PRIOR_UPTIME_S = 72 * HOUR_S };

/* Less likely than this: usually away. */
static const double AWAY_BELOW = 0.5;

static unsigned hour_of(uint64_t at_ms)
{
    return (unsigned)(at_ms / PRESENCE_HOUR_MS % PRESENCE_HOURS);
}

/* ---- counting ---- */

static void fade(struct node_presence *presence, uint64_t weeks)
{
    for (uint64_t week = 0; week < weeks && week < WEEKS_REMEMBERED; week++) {
        for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
            presence->there_s[hour] = (uint16_t)(presence->there_s[hour] * KEEP_OF / KEEP_FROM);
            presence->seen_s[hour] = (uint16_t)(presence->seen_s[hour] * KEEP_OF / KEEP_FROM);
        }
    }
}

static uint64_t end_of_hour(uint64_t at_ms)
{
    return (at_ms / PRESENCE_HOUR_MS + 1) * PRESENCE_HOUR_MS;
}

/* Whole seconds of the clock: what is left of one is counted with the next. */
static void add_within_hour(
    struct node_presence *presence, uint64_t from_ms, uint64_t to_ms, bool is_there)
{
    unsigned hour = hour_of(from_ms);
    uint16_t seconds = (uint16_t)(to_ms / 1000 - from_ms / 1000);
    presence->seen_s[hour] = (uint16_t)(presence->seen_s[hour] + seconds);
    if (is_there) {
        presence->there_s[hour] = (uint16_t)(presence->there_s[hour] + seconds);
    }
    assert(presence->there_s[hour] <= presence->seen_s[hour]);
}

void node_presence_add(
    struct node_presence *presence, uint64_t from_ms, uint64_t to_ms, bool is_there)
{
    uint64_t at_ms = from_ms > presence->counted_ms ? from_ms : presence->counted_ms;
    while (at_ms < to_ms) {
        uint64_t end_ms = end_of_hour(at_ms) < to_ms ? end_of_hour(at_ms) : to_ms;
        fade(presence, at_ms / WEEK_MS - presence->counted_ms / WEEK_MS);
        add_within_hour(presence, at_ms, end_ms, is_there);
        /* The last moment that was counted: an end at midnight is not the next week yet. */
        presence->counted_ms = at_ms;
        at_ms = end_ms;
    }
    presence->counted_ms = at_ms;
}

/* ---- what follows ---- */

struct sum {
    double there_s;
    double seen_s;
};

static struct sum sum_of(const struct node_presence *presence, unsigned first, unsigned step)
{
    struct sum sum = {0};
    for (unsigned hour = first; hour < PRESENCE_HOURS; hour += step) {
        sum.there_s += presence->there_s[hour];
        sum.seen_s += presence->seen_s[hour];
    }
    return sum;
}

static double lean(struct sum sum, double prior, double prior_s)
{
    return (sum.there_s + prior * prior_s) / (sum.seen_s + prior_s);
}

double node_presence_uptime(const struct node_presence *presence)
{
    return lean(sum_of(presence, 0, 1), PRIOR, PRIOR_UPTIME_S);
}

/* What is expected of any hour, and, from that, of one of the day. */
static double expect_all(const struct node_presence *presence)
{
    return lean(sum_of(presence, 0, 1), PRIOR, PRIOR_ALL_S);
}

static double expect_of_day(const struct node_presence *presence, unsigned hour, double all)
{
    return lean(sum_of(presence, hour % DAY_HOURS, DAY_HOURS), all, PRIOR_DAY_S);
}

double node_presence_expect(const struct node_presence *presence, uint64_t at_ms)
{
    unsigned hour = hour_of(at_ms);
    double day = expect_of_day(presence, hour, expect_all(presence));
    return lean(sum_of(presence, hour, PRESENCE_HOURS), day, PRIOR_HOUR_S);
}

void node_presence_week(const struct node_presence *presence, float expected[PRESENCE_HOURS])
{
    double days[DAY_HOURS];
    const double all = expect_all(presence);
    for (unsigned hour = 0; hour < DAY_HOURS; hour++) {
        days[hour] = expect_of_day(presence, hour, all);
    }
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        const struct sum own = sum_of(presence, hour, PRESENCE_HOURS);
        expected[hour] = (float)lean(own, days[hour % DAY_HOURS], PRIOR_HOUR_S);
    }
}

/* A node that is silent for longer than this is not away as usual. */
static const uint64_t EXCUSED_MS_MAX = WEEK_MS;

uint64_t node_presence_excused_ms(
    const struct node_presence *presence, uint64_t from_ms, uint64_t to_ms)
{
    uint64_t excused_ms = 0;
    uint64_t stop_ms = to_ms > from_ms + EXCUSED_MS_MAX ? from_ms + EXCUSED_MS_MAX : to_ms;
    for (uint64_t at_ms = from_ms; at_ms < stop_ms;) {
        uint64_t end_ms = end_of_hour(at_ms) < stop_ms ? end_of_hour(at_ms) : stop_ms;
        if (node_presence_expect(presence, at_ms) < AWAY_BELOW) {
            excused_ms += end_ms - at_ms;
        }
        at_ms = end_ms;
    }
    return excused_ms;
}

/* ---- as a blob ---- */

void node_presence_encode(const struct node_presence *presence, uint8_t bytes[PRESENCE_BLOB_SIZE])
{
    struct writer writer = writer_of(bytes, PRESENCE_BLOB_SIZE);
    writer_u8(&writer, FORMAT);
    writer_u64(&writer, presence->counted_ms);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        writer_u16(&writer, presence->there_s[hour]);
        writer_u16(&writer, presence->seen_s[hour]);
    }
    assert(!writer.failed && writer.size == PRESENCE_BLOB_SIZE);
}

bool node_presence_decode(struct view bytes, struct node_presence *out)
{
    struct reader reader = reader_of(bytes);
    uint8_t format = reader_u8(&reader);
    bool is_sane = format == FORMAT;
    out->counted_ms = reader_u64(&reader);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        out->there_s[hour] = reader_u16(&reader);
        out->seen_s[hour] = reader_u16(&reader);
        is_sane = is_sane && out->there_s[hour] <= out->seen_s[hour];
    }
    if (!is_sane || !reader_at_end(&reader)) {
        *out = (struct node_presence){0};
        return false;
    }
    return true;
}
