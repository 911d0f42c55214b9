#include "coordinator/fleet/node_table_inside.h"

/* ---- facts ---- */

static void keep_report(struct node_live *live, const struct meta_node_report *report)
{
    size_t length =
        report->software.size < NODE_SOFTWARE_SIZE ? report->software.size : NODE_SOFTWARE_SIZE;
    if (length > 0) {
        memmove(live->software, report->software.bytes, length);
    }
    live->report = *report;
    live->report.software = view_of(live->software, length);
}

/* All that a reload reads; memory of the arena, which becomes the table's. */
struct facts {
    struct arena arena;
    struct meta_node_list nodes;
    struct meta_health *health;
    struct node_live *live;
};

/* A decision that both may be believed again: who reports next is the one. */
static void forgive(
    struct node_live *live, const struct meta_health *before, const struct meta_health *now)
{
    if (before->fence == META_FENCE_TWO_AT_ONCE && now->fence != META_FENCE_TWO_AT_ONCE) {
        live->claim = (struct node_claim){.turns = 0};
    }
}

/* Numbers ascend and are never used again, so the old list and the new can be walked together. */
static void carry_over(const struct node_table *table, struct facts *facts)
{
    size_t old = 0;
    const struct meta_node_list *before = &table->shared.facts;
    for (size_t i = 0; i < facts->nodes.count; i++) {
        const struct meta_node *node = &facts->nodes.nodes[i];
        struct node_live *live = &facts->live[i];
        while (old < before->count && before->nodes[old].number < node->number) {
            old++;
        }
        if (old < before->count && before->nodes[old].number == node->number) {
            *live = table->shared.live[old];
            keep_report(live, &table->shared.live[old].report);
            forgive(live, &table->shared.health[old], &facts->health[i]);
        } else {
            live->seen_ms = node->last_seen_ms;
            keep_report(live, &node->report);
        }
    }
}

/* Rows of both lists come by number. */
static void spread_health(const struct meta_health_list *rows, struct facts *facts)
{
    size_t at = 0;
    for (size_t i = 0; i < facts->nodes.count; i++) {
        uint32_t number = facts->nodes.nodes[i].number;
        while (at < rows->count && rows->rows[at].number < number) {
            at++;
        }
        if (at < rows->count && rows->rows[at].number == number) {
            facts->health[i] = rows->rows[at];
        }
    }
}

static enum hearth_code read_facts(
    const struct node_table *table, struct facts *out, struct hearth_err *err)
{
    struct meta_health_list health;
    struct meta_store *store = table->options.store;
    if (meta_node_list(store, &out->arena, &out->nodes, err) != HEARTH_OK ||
        meta_health_list(store, &out->arena, &health, err) != HEARTH_OK) {
        return err->code;
    }
    out->live = arena_take_array(&out->arena, out->nodes.count, sizeof(*out->live));
    out->health = arena_take_array(&out->arena, out->nodes.count, sizeof(*out->health));
    if (out->live == NULL || out->health == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "table of %zu nodes", out->nodes.count);
    }
    spread_health(&health, out);
    return HEARTH_OK;
}

enum hearth_code node_table_reload(struct node_table *table, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *reloading = lock(&table->reloading);
    struct facts facts;
    arena_init(&facts.arena, 0);
    enum hearth_code code = read_facts(table, &facts, err);
    if (code != HEARTH_OK) {
        arena_fini(&facts.arena);
        return code;
    }

    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    carry_over(table, &facts);
    arena_fini(&table->shared.arena);
    table->shared.arena = facts.arena;
    table->shared.facts = facts.nodes;
    table->shared.health = facts.health;
    table->shared.live = facts.live;
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
    if (code == HEARTH_OK) {
        code = node_table_load_presence(table, err);
    }
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

ssize_t node_table_index(const struct node_table *table, uint32_t number)
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
    return is_found ? (ssize_t)low : NODE_NOT_THERE;
}

ssize_t node_table_index_of(const struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE])
{
    for (size_t i = 0; i < table->shared.facts.count; i++) {
        if (memcmp(table->shared.facts.nodes[i].id.bytes, id, META_PRINCIPAL_SIZE) == 0) {
            return (ssize_t)i;
        }
    }
    return NODE_NOT_THERE;
}

bool node_table_find(
    struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE], uint32_t *number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index_of(table, id);
    if (index == NODE_NOT_THERE) {
        return false;
    }
    *number = table->shared.facts.nodes[index].number;
    return true;
}

/* ---- heartbeats ---- */

/* Is this the node and the disk we know?  Also whether it decides anything yet. */
static struct claim_judgement judge_claim(
    struct node_table *table, size_t index, const struct meta_node_report *report)
{
    struct node_live *live = &table->shared.live[index];
    if (table->shared.health[index].fence == META_FENCE_TWO_AT_ONCE) {
        return (struct claim_judgement){.verdict = CLAIM_TWO_AT_ONCE, .is_second = true};
    }
    uint64_t interval = node_interval_ms(table);
    return node_claim_judge(&live->claim, &live->report, report, meta_now_ms(table->options.store),
        live->seen_ms + NODE_SUSPECT_INTERVALS * interval, NODE_OFFLINE_INTERVALS * interval);
}

static enum hearth_code refuse(uint32_t number, enum claim_verdict verdict, struct hearth_err *err)
{
    if (verdict == CLAIM_TWO_AT_ONCE) {
        return hearth_fail(err, HEARTH_CONFLICT,
            "node %u %s: none is believed until an operator decides; stop all but one", number,
            claim_verdict_text(verdict));
    }
    return hearth_fail(err, HEARTH_CONFLICT,
        "node %u %s; bring the old disk back, or enrol anew with a new key", number,
        claim_verdict_text(verdict));
}

enum hearth_code node_table_seen(struct node_table *table, const uint8_t id[META_PRINCIPAL_SIZE],
    const struct meta_node_report *report, struct node_seen *out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index_of(table, id);
    if (index == NODE_NOT_THERE) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "heartbeat of a node that never enrolled");
    }
    const struct meta_node *facts = &table->shared.facts.nodes[index];
    struct node_live *live = &table->shared.live[index];
    if (facts->state == META_NODE_GONE) {
        return hearth_fail(err, HEARTH_DENIED, "node %u is gone for ever", facts->number);
    }
    const struct claim_judgement judged = judge_claim(table, (size_t)index, report);
    *out = (struct node_seen){.number = facts->number,
        .state = facts->state,
        .verdict = judged.verdict,
        .is_second = judged.is_second};
    if (judged.verdict != CLAIM_TRUE) {
        return refuse(facts->number, judged.verdict, err);
    }
    node_count_presence(table, (size_t)index);
    live->seen_ms = meta_now_ms(table->options.store);
    keep_report(live, report);
    live->is_dirty = true;
    return HEARTH_OK;
}

void node_table_reported(struct node_table *table, uint32_t number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index(table, number);
    if (index != NODE_NOT_THERE) {
        table->shared.live[index].reports++;
    }
}

void node_table_accused(struct node_table *table, uint32_t number)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index(table, number);
    if (index != NODE_NOT_THERE) {
        table->shared.live[index].repair_reports++;
    }
}
