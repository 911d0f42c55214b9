/*
 * From silence to health, with what is known of a node's habits (node_table_inside.h).
 */
#include "coordinator/fleet/node_table_inside.h"

enum { HEARTBEATS_PER_S_MAX = 500 };

const char *node_health_text(enum node_health health)
{
    static const char *const texts[] = {
        [NODE_ALIVE] = "alive",
        [NODE_DRAINING] = "draining",
        [NODE_SUSPECT] = "suspect",
        [NODE_SUSPENDED] = "suspended",
        [NODE_OFFLINE] = "offline",
        [NODE_LOST] = "lost",
        [NODE_GONE] = "gone",
    };
    return texts[health];
}

/* ---- silence ---- */

uint64_t node_silent_ms(const struct node_table *table, size_t index)
{
    uint64_t now = meta_now_ms(table->options.store);
    uint64_t seen = table->shared.live[index].seen_ms;
    if (seen == 0 || seen >= table->started_ms) {
        return now > seen ? now - seen : 0;
    }
    assert(seen <= table->listened_until_ms);
    return table->listened_until_ms - seen + (now - table->started_ms);
}

uint64_t node_interval_ms(const struct node_table *table)
{
    uint64_t least = table->shared.facts.count * 1000 / HEARTBEATS_PER_S_MAX;
    return table->options.heartbeat_ms > least ? table->options.heartbeat_ms : least;
}

/* Not heard since our start, but there until shortly before the end of who listened then. */
static bool is_awaited(const struct node_table *table, size_t index)
{
    uint64_t seen = table->shared.live[index].seen_ms;
    uint64_t grace = NODE_OFFLINE_INTERVALS * node_interval_ms(table);
    return seen != 0 && seen < table->started_ms && seen + grace > table->listened_until_ms &&
        meta_now_ms(table->options.store) < table->started_ms + grace;
}

static uint64_t offline_after_ms(const struct node_table *table)
{
    return NODE_OFFLINE_INTERVALS * node_interval_ms(table);
}

/* ---- the pattern ---- */

/* The time since the node was heard, as far as somebody listened. */
static void add_since_seen(const struct node_table *table, const struct node_live *live,
    bool is_there, struct node_presence *out)
{
    uint64_t now = meta_now_ms(table->options.store);
    if (live->seen_ms < table->started_ms) {
        node_presence_add(out, live->seen_ms, table->listened_until_ms, is_there);
        node_presence_add(out, table->started_ms, now, is_there);
    } else {
        node_presence_add(out, live->seen_ms, now, is_there);
    }
}

void node_count_presence(struct node_table *table, size_t index)
{
    struct node_live *live = &table->shared.live[index];
    if (live->seen_ms != 0) {
        bool was_there = node_silent_ms(table, index) < offline_after_ms(table);
        add_since_seen(table, live, was_there, &live->presence);
    }
    live->excused_ms = 0;
    live->excused_until_ms = 0;
}

void node_presence_now(const struct node_table *table, size_t index, struct node_presence *out)
{
    const struct node_live *live = &table->shared.live[index];
    *out = live->presence;
    if (live->seen_ms != 0 && node_silent_ms(table, index) >= offline_after_ms(table)) {
        add_since_seen(table, live, false, out);
    }
}

static uint64_t excused_between(const struct node_live *live, uint64_t from_ms, uint64_t to_ms)
{
    uint64_t begin_ms = from_ms > live->excused_until_ms ? from_ms : live->excused_until_ms;
    return begin_ms < to_ms ? node_presence_excused_ms(&live->presence, begin_ms, to_ms) : 0;
}

/* Each hour is looked at once: what was worked out before is kept. */
static uint64_t excused_ms(struct node_table *table, size_t index)
{
    struct node_live *live = &table->shared.live[index];
    uint64_t now = meta_now_ms(table->options.store);
    if (live->seen_ms < table->started_ms) {
        live->excused_ms += excused_between(live, live->seen_ms, table->listened_until_ms);
        live->excused_ms += excused_between(live, table->started_ms, now);
    } else {
        live->excused_ms += excused_between(live, live->seen_ms, now);
    }
    live->excused_until_ms = now;
    return live->excused_ms;
}

/* Of a silence long enough to ask whether it is the usual one. */
static uint64_t counted_silence_ms(struct node_table *table, size_t index)
{
    uint64_t silent = node_silent_ms(table, index);
    if (silent < offline_after_ms(table) || table->shared.live[index].seen_ms == 0) {
        return silent;
    }
    uint64_t excused = excused_ms(table, index);
    return silent - (excused < silent / 2 ? excused : silent / 2);
}

/* ---- health ---- */

static enum node_health health_by_silence(struct node_table *table, size_t index)
{
    uint64_t silent = node_silent_ms(table, index);
    uint64_t interval = node_interval_ms(table);
    if (is_awaited(table, index)) {
        return NODE_SUSPECT;
    }
    if (silent < NODE_SUSPECT_INTERVALS * interval) {
        return NODE_ALIVE;
    }
    if (silent < NODE_OFFLINE_INTERVALS * interval) {
        return NODE_SUSPECT;
    }
    bool was_there = table->shared.live[index].seen_ms != 0;
    return was_there && counted_silence_ms(table, index) >= table->options.lost_after_ms
        ? NODE_LOST
        : NODE_OFFLINE;
}

enum node_health node_health_at(struct node_table *table, size_t index)
{
    const enum node_health health = health_by_silence(table, index);
    const bool answers = health == NODE_ALIVE || health == NODE_SUSPECT;
    switch (table->shared.facts.nodes[index].state) {
    case META_NODE_GONE: return NODE_GONE;
    case META_NODE_LOST: return NODE_LOST;
    case META_NODE_DRAINING: return answers ? NODE_DRAINING : health;
    case META_NODE_SUSPENDED: return answers ? NODE_SUSPENDED : health;
    case META_NODE_ACTIVE: break;
    }
    return health;
}

uint64_t node_judged_silent_ms(struct node_table *table, size_t index)
{
    enum meta_node_state state = table->shared.facts.nodes[index].state;
    if (state == META_NODE_LOST || state == META_NODE_GONE) {
        return UINT64_MAX;
    }
    return is_awaited(table, index) ? 0 : counted_silence_ms(table, index);
}
