/*
 * What others ask the node table (node_table.h).
 */
#include "coordinator/fleet/node_table_inside.h"

uint64_t node_table_now_ms(const struct node_table *table)
{
    return meta_now_ms(table->options.store);
}

uint64_t node_table_interval_ms(struct node_table *table)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    return node_interval_ms(table);
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

static bool takes_shards(struct node_table *table, size_t index)
{
    return node_health_at(table, index) == NODE_ALIVE &&
        !table->shared.live[index].report.read_only &&
        is_dialled(&table->shared.facts.nodes[index]);
}

enum hearth_code node_table_fleet(
    struct node_table *table, struct arena *arena, struct place_fleet *out, struct hearth_err *err)
{
    const uint64_t now_ms = node_table_now_ms(table);
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
            .is_new = node_is_new(node, now_ms),
        };
    }
    *out = (struct place_fleet){.nodes = nodes, .count = count};
    return HEARTH_OK;
}

enum node_health node_table_health(struct node_table *table, uint32_t number, uint64_t *silent_ms)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index(table, number);
    if (index == NODE_NOT_THERE) {
        *silent_ms = UINT64_MAX;
        return NODE_GONE;
    }
    *silent_ms = node_judged_silent_ms(table, (size_t)index);
    return node_health_at(table, (size_t)index);
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
    ssize_t index = node_table_index(table, number);
    if (index == NODE_NOT_THERE || endpoints == NULL) {
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

static double uptime_at(const struct node_table *table, size_t index)
{
    struct node_presence presence;
    node_presence_now(table, index, &presence);
    return node_presence_uptime(&presence);
}

bool node_table_pattern(struct node_table *table, uint32_t number, uint8_t percent[PRESENCE_HOURS])
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index(table, number);
    if (index == NODE_NOT_THERE) {
        return false;
    }
    float week[PRESENCE_HOURS];
    node_presence_week(&table->shared.live[index].presence, week);
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        percent[hour] = (uint8_t)(100 * week[hour] + 0.5F);
    }
    return true;
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
            .health = node_health_at(table, i),
            .silent_ms = node_judged_silent_ms(table, i),
            .uptime = uptime_at(table, i),
            .record = table->shared.health[i],
            .takes_shards = takes_shards(table, i),
            .reports = live->reports,
            .repair_reports = live->repair_reports,
        };
        node_presence_week(&live->presence, nodes[i].week);
        nodes[i].node.last_seen_ms = live->seen_ms;
        nodes[i].node.report = live->report;
        copy_texts(&nodes[i].node, arena);
    }
    *out = (struct node_status_list){.nodes = nodes, .count = count};
    return HEARTH_OK;
}
