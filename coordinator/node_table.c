#include "coordinator/node_table.h"

#include "common/cleanup.h"

enum {
    SUSPECT_INTERVALS = 3,
    OFFLINE_INTERVALS = 10,
    SOFTWARE_SIZE = 64,
    HEARTBEATS_PER_S_MAX = 500,
};

/* What heartbeats say. Kept over reloads of the facts. */
struct node_live {
    uint64_t seen_ms;
    uint64_t reports;
    uint64_t repair_reports;
    struct meta_node_report report;
    char software[SOFTWARE_SIZE]; /* report.software points here */
    bool is_dirty;                /* not in the database yet */
};

struct node_table {
    /* Set once. */
    struct node_table_options options;
    uint64_t started_ms;
    uint64_t listened_until_ms; /* before our start: the last heartbeat of anybody */

    pthread_mutex_t reloading; /* before .shared.mutex: what is read later is shown later */

    struct {
        pthread_mutex_t mutex;
        struct arena arena;
        struct meta_node_list facts; /* by number, in the arena */
        struct node_live *live;      /* one for each of facts */
    } shared;
};

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

/* ---- facts ---- */

static void keep_report(struct node_live *live, const struct meta_node_report *report)
{
    size_t length = report->software.size < SOFTWARE_SIZE ? report->software.size : SOFTWARE_SIZE;
    if (length > 0) {
        memmove(live->software, report->software.bytes, length);
    }
    live->report = *report;
    live->report.software = view_of(live->software, length);
}

/* Numbers ascend and are never used again, so the old list and the new can be walked together. */
static void carry_over(
    const struct node_table *table, const struct meta_node_list *facts, struct node_live *live)
{
    size_t old = 0;
    for (size_t i = 0; i < facts->count; i++) {
        const struct meta_node *node = &facts->nodes[i];
        const struct meta_node_list *before = &table->shared.facts;
        while (old < before->count && before->nodes[old].number < node->number) {
            old++;
        }
        if (old < before->count && before->nodes[old].number == node->number) {
            live[i] = table->shared.live[old];
            keep_report(&live[i], &table->shared.live[old].report);
        } else {
            live[i].seen_ms = node->last_seen_ms;
            keep_report(&live[i], &node->report);
        }
    }
}

enum hearth_code node_table_reload(struct node_table *table, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *reloading = lock(&table->reloading);
    struct arena arena;
    struct meta_node_list facts;
    arena_init(&arena, 0);
    enum hearth_code code = meta_node_list(table->options.store, &arena, &facts, err);
    struct node_live *live = NULL;
    if (code == HEARTH_OK) {
        live = arena_take_array(&arena, facts.count, sizeof(*live));
        if (live == NULL) {
            code = hearth_fail(err, HEARTH_NO_MEMORY, "table of %zu nodes", facts.count);
        }
    }
    if (code != HEARTH_OK) {
        arena_fini(&arena);
        return code;
    }

    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    carry_over(table, &facts, live);
    arena_fini(&table->shared.arena);
    table->shared.arena = arena;
    table->shared.facts = facts;
    table->shared.live = live;
    return HEARTH_OK;
}

static uint64_t last_heartbeat_ms(const struct meta_node_list *facts)
{
    uint64_t last = 0;
    for (size_t i = 0; i < facts->count; i++) {
        last = facts->nodes[i].last_seen_ms > last ? facts->nodes[i].last_seen_ms : last;
    }
    return last;
}

enum hearth_code node_table_create(
    const struct node_table_options *options, struct node_table **out, struct hearth_err *err)
{
    struct node_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "table of nodes");
    }
    table->options = *options;
    table->started_ms = meta_now_ms(options->store);
    pthread_mutex_init(&table->reloading, NULL);
    pthread_mutex_init(&table->shared.mutex, NULL);
    enum hearth_code code = node_table_reload(table, err);
    if (code != HEARTH_OK) {
        node_table_destroy(table);
        return code;
    }
    table->listened_until_ms = last_heartbeat_ms(&table->shared.facts);
    *out = table;
    return HEARTH_OK;
}

void node_table_destroy(struct node_table *table)
{
    if (table == NULL) {
        return;
    }
    arena_fini(&table->shared.arena);
    pthread_mutex_destroy(&table->shared.mutex);
    pthread_mutex_destroy(&table->reloading);
    free(table);
}

/* ---- finding, under the lock ---- */

enum { NOT_THERE = -1 };

static ssize_t index_of_number(const struct node_table *table, uint32_t number)
{
    size_t low = 0;
    size_t high = table->shared.facts.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->shared.facts.nodes[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found =
        low < table->shared.facts.count && table->shared.facts.nodes[low].number == number;
    return is_found ? (ssize_t)low : NOT_THERE;
}

static ssize_t index_of_id(const struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE])
{
    for (size_t i = 0; i < table->shared.facts.count; i++) {
        if (memcmp(table->shared.facts.nodes[i].id.bytes, id, META_PRINCIPAL_SIZE) == 0) {
            return (ssize_t)i;
        }
    }
    return NOT_THERE;
}

/* How long somebody has listened without hearing the node: nobody did while we were not there. */
static uint64_t silent_ms_at(const struct node_table *table, size_t index)
{
    uint64_t now = meta_now_ms(table->options.store);
    uint64_t seen = table->shared.live[index].seen_ms;
    if (seen == 0 || seen >= table->started_ms) {
        return now > seen ? now - seen : 0;
    }
    assert(seen <= table->listened_until_ms);
    return table->listened_until_ms - seen + (now - table->started_ms);
}

static uint64_t interval_ms(const struct node_table *table)
{
    uint64_t least = table->shared.facts.count * 1000 / HEARTBEATS_PER_S_MAX;
    return table->options.heartbeat_ms > least ? table->options.heartbeat_ms : least;
}

/* Not heard since our start, but there until shortly before the end of who listened then. */
static bool is_awaited(const struct node_table *table, size_t index)
{
    uint64_t seen = table->shared.live[index].seen_ms;
    uint64_t grace = OFFLINE_INTERVALS * interval_ms(table);
    return seen != 0 && seen < table->started_ms && seen + grace > table->listened_until_ms &&
        meta_now_ms(table->options.store) < table->started_ms + grace;
}

static enum node_health health_by_silence(const struct node_table *table, size_t index)
{
    uint64_t silent = silent_ms_at(table, index);
    uint64_t interval = interval_ms(table);
    if (is_awaited(table, index)) {
        return NODE_SUSPECT;
    }
    if (silent < SUSPECT_INTERVALS * interval) {
        return NODE_ALIVE;
    }
    if (silent < OFFLINE_INTERVALS * interval) {
        return NODE_SUSPECT;
    }
    bool was_there = table->shared.live[index].seen_ms != 0;
    return was_there && silent >= table->options.lost_after_ms ? NODE_LOST : NODE_OFFLINE;
}

static enum node_health health_at(const struct node_table *table, size_t index)
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

/* UINT64_MAX: it will not be waited for. */
static uint64_t judged_silent_ms(const struct node_table *table, size_t index)
{
    enum meta_node_state state = table->shared.facts.nodes[index].state;
    if (state == META_NODE_LOST || state == META_NODE_GONE) {
        return UINT64_MAX;
    }
    return is_awaited(table, index) ? 0 : silent_ms_at(table, index);
}

/* ---- heartbeats ---- */

/* NULL: it can be the disk we know, further on. Both counters of a volume only grow. */
static const char *what_is_wrong(
    const struct meta_node_report *known, const struct meta_node_report *report)
{
    if (meta_id_is_zero(known->volume)) {
        return NULL; /* its first heartbeat */
    }
    if (!meta_id_equal(known->volume, report->volume)) {
        return "has another volume than before";
    }
    if (report->start_count < known->start_count || report->sequence < known->sequence) {
        return "has an older copy of its volume";
    }
    return NULL;
}

enum hearth_code node_table_seen(struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE],
    const struct meta_node_report *report, struct node_seen *out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_id(table, id);
    if (index == NOT_THERE) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "heartbeat of a node that never enrolled");
    }
    const struct meta_node *facts = &table->shared.facts.nodes[index];
    struct node_live *live = &table->shared.live[index];
    if (facts->state == META_NODE_GONE) {
        return hearth_fail(err, HEARTH_DENIED, "node %u is gone for ever", facts->number);
    }
    *out = (struct node_seen){.number = facts->number, .state = facts->state};
    const char *wrong = what_is_wrong(&live->report, report);
    if (wrong != NULL) {
        return hearth_fail(err, HEARTH_CONFLICT,
            "node %u %s; bring the old disk back, or enrol anew with a new key", facts->number,
            wrong);
    }
    live->seen_ms = meta_now_ms(table->options.store);
    keep_report(live, report);
    live->is_dirty = true;
    return HEARTH_OK;
}

void node_table_reported(struct node_table *table, uint32_t number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_number(table, number);
    if (index != NOT_THERE) {
        table->shared.live[index].reports++;
    }
}

void node_table_accused(struct node_table *table, uint32_t number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_number(table, number);
    if (index != NOT_THERE) {
        table->shared.live[index].repair_reports++;
    }
}

/* Takes up to META_SEEN_MAX dirty nodes; their texts are copied into the arena. */
static size_t take_dirty(
    struct node_table *table, struct arena *arena, struct meta_node_seen batch[META_SEEN_MAX])
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    size_t count = 0;
    for (size_t i = 0; i < table->shared.facts.count && count < META_SEEN_MAX; i++) {
        struct node_live *live = &table->shared.live[i];
        if (live->is_dirty) {
            live->is_dirty = false;
            batch[count] = (struct meta_node_seen){
                .number = table->shared.facts.nodes[i].number,
                .last_seen_ms = live->seen_ms,
                .report = live->report,
            };
            batch[count++].report.software = arena_copy(arena, live->report.software);
        }
    }
    return count;
}

/* They could not be written. */
static void give_back_dirty(
    struct node_table *table, const struct meta_node_seen *batch, size_t count)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    for (size_t i = 0; i < count; i++) {
        ssize_t index = index_of_number(table, batch[i].number);
        assert(index != NOT_THERE);
        table->shared.live[index].is_dirty = true;
    }
}

enum hearth_code node_table_flush(struct node_table *table, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    size_t count = META_SEEN_MAX;
    while (code == HEARTH_OK && count == META_SEEN_MAX) {
        struct meta_node_seen batch[META_SEEN_MAX];
        struct arena arena;
        arena_init(&arena, 0);
        count = take_dirty(table, &arena, batch);
        if (count > 0) {
            code = meta_node_seen(table->options.store, batch, count, err);
        }
        if (code != HEARTH_OK) {
            give_back_dirty(table, batch, count);
        }
        arena_fini(&arena);
    }
    return code;
}

/* ---- asking ---- */

uint64_t node_table_now_ms(const struct node_table *table)
{
    return meta_now_ms(table->options.store);
}

uint64_t node_table_interval_ms(struct node_table *table)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    return interval_ms(table);
}

static bool is_dialled(const struct meta_node *node)
{
    for (size_t i = 0; i < node->endpoint_count; i++) {
        if (node->endpoints[i].verified_ms != 0) {
            return true;
        }
    }
    return false;
}

static bool takes_shards(const struct node_table *table, size_t index)
{
    return health_at(table, index) == NODE_ALIVE && !table->shared.live[index].report.read_only &&
        is_dialled(&table->shared.facts.nodes[index]);
}

bool node_table_find(
    struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE], uint32_t *number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_id(table, id);
    if (index == NOT_THERE) {
        return false;
    }
    *number = table->shared.facts.nodes[index].number;
    return true;
}

enum hearth_code node_table_fleet(
    struct node_table *table, struct arena *arena, struct place_fleet *out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    size_t count = table->shared.facts.count;
    struct place_node *nodes = arena_take_array(arena, count, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "fleet of %zu nodes", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct meta_node *node = &table->shared.facts.nodes[i];
        const struct node_live *live = &table->shared.live[i];
        nodes[i] = (struct place_node){
            .number = node->number,
            .owner = node->owner,
            .network = node->network,
            .free_bytes = live->report.free,
            .takes_shards = takes_shards(table, i),
        };
    }
    *out = (struct place_fleet){.nodes = nodes, .count = count};
    return HEARTH_OK;
}

enum node_health node_table_health(struct node_table *table, uint32_t number, uint64_t *silent_ms)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_number(table, number);
    if (index == NOT_THERE) {
        *silent_ms = UINT64_MAX;
        return NODE_GONE;
    }
    *silent_ms = judged_silent_ms(table, (size_t)index);
    return health_at(table, (size_t)index);
}

/* Only endpoints that were dialled and answered as this node. */
static size_t copy_endpoints(
    const struct meta_node *node, struct arena *arena, struct wire_endpoint *endpoints)
{
    size_t count = 0;
    for (size_t i = 0; i < node->endpoint_count; i++) {
        const struct meta_endpoint *endpoint = &node->endpoints[i];
        if (endpoint->verified_ms != 0) {
            endpoints[count++] = (struct wire_endpoint){
                .kind = (uint32_t)endpoint->kind,
                .host = arena_copy(arena, endpoint->host),
                .port = endpoint->port,
            };
        }
    }
    return count;
}

bool node_table_address(
    struct node_table *table, uint32_t number, struct arena *arena, struct wire_node_address *out)
{
    struct wire_endpoint *endpoints =
        arena_take_array(arena, META_ENDPOINTS_MAX, sizeof(*endpoints));
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = index_of_number(table, number);
    if (index == NOT_THERE || endpoints == NULL) {
        return false;
    }
    const struct meta_node *node = &table->shared.facts.nodes[index];
    *out = (struct wire_node_address){
        .node_id = arena_copy(arena, view_of(node->id.bytes, sizeof(node->id.bytes))),
        .endpoints = endpoints,
        .endpoints_count = copy_endpoints(node, arena, endpoints),
    };
    return out->node_id.bytes != NULL;
}

/* Everything a view of the node points to moves into the caller's arena. */
static void copy_texts(struct meta_node *node, struct arena *arena)
{
    node->owner_name = arena_copy(arena, node->owner_name);
    node->place = arena_copy(arena, node->place);
    node->report.software = arena_copy(arena, node->report.software);
    for (size_t i = 0; i < node->endpoint_count; i++) {
        node->endpoints[i].host = arena_copy(arena, node->endpoints[i].host);
    }
}

enum hearth_code node_table_list(struct node_table *table, struct arena *arena,
    struct node_status_list *out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    size_t count = table->shared.facts.count;
    struct node_status *nodes = arena_take_array(arena, count, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of %zu nodes", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct node_live *live = &table->shared.live[i];
        nodes[i] = (struct node_status){
            .node = table->shared.facts.nodes[i],
            .health = health_at(table, i),
            .silent_ms = judged_silent_ms(table, i),
            .takes_shards = takes_shards(table, i),
            .reports = live->reports,
            .repair_reports = live->repair_reports,
        };
        nodes[i].node.last_seen_ms = live->seen_ms;
        nodes[i].node.report = live->report;
        copy_texts(&nodes[i].node, arena);
    }
    *out = (struct node_status_list){.nodes = nodes, .count = count};
    return HEARTH_OK;
}
