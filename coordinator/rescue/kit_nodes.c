#include "coordinator/rescue/kit_nodes.h"

#include "coordinator/coordinator.h"

/* The address at which it was met last; false: it was met at none. */
static bool address_of(const struct meta_node *node, struct arena *arena, struct view *out)
{
    for (size_t i = 0; i < node->endpoint_count; i++) {
        const struct meta_endpoint *endpoint = &node->endpoints[i];
        if (endpoint->verified_ms != 0 && endpoint->kind == META_ENDPOINT_DIRECT) {
            const struct config_address address = {
                .host = arena_text(arena, endpoint->host), .port = endpoint->port};
            *out = coordinator_address_text(&address, arena);
            return out->bytes != NULL && out->size < KIT_ADDRESS_MAX;
        }
    }
    return false;
}

static bool is_of_use(const struct meta_node *node)
{
    return node->state != META_NODE_LOST && node->state != META_NODE_GONE;
}

/* Spread over all of them: those that came together may go together. */
static void add_nodes(const struct meta_node_list *list, struct arena *arena, struct kit *kit)
{
    const struct meta_node **candidates =
        arena_take_array(arena, list->count + 1, sizeof(*candidates));
    size_t count = 0;
    for (size_t i = 0; i < list->count && candidates != NULL; i++) {
        struct view address;
        if (is_of_use(&list->nodes[i]) && address_of(&list->nodes[i], arena, &address)) {
            candidates[count++] = &list->nodes[i];
        }
    }
    size_t taken = count < KIT_NODES_MAX ? count : KIT_NODES_MAX;
    for (size_t i = 0; i < taken; i++) {
        const struct meta_node *node = candidates[i * count / taken];
        struct kit_node *out = &kit->nodes[kit->node_count++];
        memcpy(out->id, node->id.bytes, sizeof(out->id));
        address_of(node, arena, &out->address);
    }
}

enum hearth_code kit_print_with_nodes(
    const struct settings *settings, struct env *env, FILE *out, struct hearth_err *err)
{
    struct arena arena;
    struct kit kit;
    struct cluster *cluster;
    struct meta_node_list nodes;
    if (cluster_open(settings->directory, env, &cluster, err) != HEARTH_OK) {
        return err->code;
    }
    arena_init(&arena, 0);
    char *ca_key = cluster_kit(cluster, &kit);
    enum hearth_code code = meta_node_peek(settings->metadata, env, &arena, &nodes, err);
    if (code == HEARTH_OK) {
        add_nodes(&nodes, &arena, &kit);
        kit_print(&kit, out);
    }
    kit_wipe(&kit);
    pki_pem_destroy(ca_key);
    arena_fini(&arena);
    cluster_close(cluster);
    return code;
}
