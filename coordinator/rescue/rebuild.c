#include "coordinator/rescue/rebuild.h"

#include "client/shard_net_rpc.h"
#include "common/cleanup.h"
#include "common/failpoint.h"
#include "common/file.h"
#include "coordinator/coordinator.h"
#include "coordinator/fleet/node_inventory_rpc.h"
#include "coordinator/rescue/rebuild_chain.h"
#include "coordinator/rescue/rebuild_nodes.h"

#include <limits.h>
#include <time.h>
#include <unistd.h>

enum { SESSION_LIFETIME_S = 24 * 60 * 60 };

/* One run, in the order in which its parts are made. */
struct rebuild {
    const struct rebuild_options *options;
    struct env *env;
    FILE *out;
    struct arena arena;
    struct kit kit;
    struct settings settings;
    struct cluster *cluster;
    struct shard_name_keys names;
    struct order_issuer issuer;
    struct shipment_keys keys;
    struct rpc_runtime *runtime;
    struct rpc_credentials *credentials;
    struct shard_net *net;
    uint8_t session_id[PKI_ID_SIZE];
    struct rebuild_nodes *nodes;
    struct meta_principal *answered; /* nodes that listed what they hold */
    size_t answered_count;
    struct meta_principal *silent; /* and those that did not */
    size_t silent_count;
    struct rebuild_found found;
};

/* ---- keys and configuration ---- */

/* Until its end. */
static enum hearth_code read_input(struct arena *arena, struct view *out, struct hearth_err *err)
{
    uint8_t *text = arena_take(arena, KIT_TEXT_MAX);
    if (text == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "recovery kit");
    }
    *out = view_of(text, fread(text, 1, KIT_TEXT_MAX, stdin));
    return out->size < KIT_TEXT_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "standard input: longer than a recovery kit");
}

static enum hearth_code read_kit(struct rebuild *rebuild, struct hearth_err *err)
{
    struct view text;
    const char *path = rebuild->options->kit;
    enum hearth_code code = strcmp(path, "-") == 0
        ? read_input(&rebuild->arena, &text, err)
        : file_read_whole(path, KIT_TEXT_MAX, &rebuild->arena, &text, err);
    if (code == HEARTH_OK) {
        code = kit_read(text, &rebuild->arena, &rebuild->kit, err);
        crypto_wipe((void *)(uintptr_t)text.bytes, text.size);
    }
    return code;
}

/* A configuration that is there is kept. */
static enum hearth_code load_settings(struct rebuild *rebuild, struct hearth_err *err)
{
    char path[PATH_MAX];
    const struct init_options *init = &rebuild->options->init;
    if (snprintf(path, sizeof(path), "%s/" SETTINGS_FILE, init->dir) >= (int)sizeof(path)) {
        return hearth_fail(err, HEARTH_INVALID, "path of " SETTINGS_FILE " is too long");
    }
    enum hearth_code code = HEARTH_OK;
    if (access(path, F_OK) != 0) {
        code = init_settings(init, &rebuild->arena, &rebuild->settings, err);
        if (code == HEARTH_OK) {
            code = init_write_settings(path, &rebuild->settings, err);
        }
    }
    return code == HEARTH_OK
        ? config_load(&settings_table, path, &rebuild->arena, &rebuild->settings, err)
        : code;
}

static enum hearth_code check_no_metadata(const struct rebuild *rebuild, struct hearth_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/meta.db", rebuild->settings.metadata);
    return access(path, F_OK) == 0
        ? hearth_fail(err, HEARTH_EXISTS, "%s is there; move it away if it is lost", path)
        : HEARTH_OK;
}

static enum hearth_code restore_keys(struct rebuild *rebuild, struct hearth_err *err)
{
    const char *directory = rebuild->options->init.dir;
    if (read_kit(rebuild, err) != HEARTH_OK ||
        cluster_restore(directory, &rebuild->kit, err) != HEARTH_OK ||
        load_settings(rebuild, err) != HEARTH_OK || check_no_metadata(rebuild, err) != HEARTH_OK ||
        file_make_directories(rebuild->settings.metadata, 0700, err) != HEARTH_OK ||
        cluster_open(directory, rebuild->env, &rebuild->cluster, err) != HEARTH_OK) {
        return err->code;
    }
    const uint8_t *master = rebuild->cluster->master;
    shard_name_keys_init(&rebuild->names, master);
    order_issuer_init(&rebuild->issuer, rebuild->env, &rebuild->names, master);
    shipment_keys_init(&rebuild->keys, master);
    (void)FAILPOINT(COORDINATOR_REBUILD_KEYS);
    return HEARTH_OK;
}

/* ---- towards nodes ---- */

static enum hearth_code identify(struct rebuild *rebuild, struct hearth_err *err)
{
    const struct cluster *cluster = rebuild->cluster;
    struct pki_key *key;
    if (pki_key_create(&key, err) != HEARTH_OK) {
        return err->code;
    }
    struct pki_subject subject = {
        .key = key, .class = PEER_SESSION, .lifetime_s = SESSION_LIFETIME_S};
    FREES char *pem = NULL;
    enum hearth_code code =
        pki_issue(rebuild->env, cluster->ca_key, cluster->ca_pem, &subject, &pem, err);
    if (code == HEARTH_OK) {
        pki_key_id(key, rebuild->session_id);
        code = shard_net_identify(rebuild->net, key, view_text(pem), err);
    }
    pki_key_destroy(key);
    return code;
}

static enum hearth_code connect(struct rebuild *rebuild, struct hearth_err *err)
{
    const struct cluster *cluster = rebuild->cluster;
    const struct rpc_runtime_options options = {.env = rebuild->env};
    if (rpc_runtime_create(&options, &rebuild->runtime, err) != HEARTH_OK ||
        rpc_credentials_create(cluster->ca_pem, cluster->certificate_pem, cluster->key,
            &rebuild->credentials, err) != HEARTH_OK ||
        shard_net_rpc_create(rebuild->runtime, cluster->ca_pem, &rebuild->net, err) != HEARTH_OK) {
        return err->code;
    }
    return identify(rebuild, err);
}

static enum hearth_code find_nodes(struct rebuild *rebuild, struct hearth_err *err)
{
    const struct rebuild_options *options = rebuild->options;
    uint64_t wait_ms = 0;
    rebuild->nodes = rebuild_nodes_create(rebuild->env, rebuild->cluster, &rebuild->issuer);
    if (rebuild->nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of nodes");
    }
    if (options->wait != NULL && config_parse_duration(options->wait, &wait_ms, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = rebuild_nodes_add_kit(rebuild->nodes, &rebuild->kit, err);
    if (code == HEARTH_OK && options->nodes != NULL) {
        code = rebuild_nodes_add_addresses(rebuild->nodes, options->nodes, rebuild->out, err);
    }
    if (code == HEARTH_OK && wait_ms > 0) {
        struct view address =
            coordinator_address_text(&rebuild->settings.listen.items[0], &rebuild->arena);
        fprintf(rebuild->out, "listening:  %s, where nodes call\n", (const char *)address.bytes);
        fflush(rebuild->out);
        code = rebuild_nodes_listen_blocking(rebuild->nodes, rebuild->runtime, rebuild->credentials,
            (const char *)address.bytes, wait_ms, err);
    }
    return code;
}

/* ---- what they have ---- */

struct listing {
    struct rebuild *rebuild;
    uint32_t node;
    struct hearth_err err; /* of ours, not the node's */
};

static bool take_page(void *context, const struct wire_shard_page *page)
{
    struct listing *listing = context;
    struct rebuild *rebuild = listing->rebuild;
    for (size_t i = 0; i < page->shards_count; i++) {
        if (rebuild_found_add(&rebuild->found, &rebuild->names, &rebuild->keys, listing->node,
                &page->shards[i], &listing->err) != HEARTH_OK) {
            return false;
        }
    }
    return true;
}

static bool address_of(
    void *context, uint32_t node, struct arena *arena, struct wire_node_address *out)
{
    (void)arena;
    struct rebuild *rebuild = context;
    size_t count;
    const struct wire_node_address *nodes = rebuild_nodes_all(rebuild->nodes, &count);
    *out = nodes[node];
    return node < count;
}

static enum hearth_code list_node(struct rebuild *rebuild, struct node_inventory *inventory,
    uint32_t node, struct hearth_err *err)
{
    struct listing listing = {.rebuild = rebuild, .node = node, .err = {.code = HEARTH_OK}};
    const struct wire_list_shards_request all = {.max = 0};
    size_t before = rebuild->found.count;
    char id[PKI_ID_TEXT_SIZE];
    size_t count;
    struct view node_id = rebuild_nodes_all(rebuild->nodes, &count)[node].node_id;
    hex_encode(node_id.bytes, PKI_ID_SIZE, id);
    enum hearth_code code =
        node_inventory_list_blocking(inventory, node, &all, take_page, &listing, err);
    if (listing.err.code != HEARTH_OK) {
        *err = listing.err;
        return err->code;
    }
    if (code == HEARTH_OK) {
        memcpy(rebuild->answered[rebuild->answered_count++].bytes, node_id.bytes, PKI_ID_SIZE);
        fprintf(rebuild->out, "node:       %s has %zu shards of shipments\n", id,
            rebuild->found.count - before);
    } else {
        memcpy(rebuild->silent[rebuild->silent_count++].bytes, node_id.bytes, PKI_ID_SIZE);
        fprintf(rebuild->out, "no node:    %s: %s\n", id, err->message);
    }
    return HEARTH_OK;
}

static enum hearth_code list_nodes(struct rebuild *rebuild, struct hearth_err *err)
{
    struct node_inventory *inventory;
    size_t count;
    rebuild_nodes_all(rebuild->nodes, &count);
    rebuild->answered = calloc(count + 1, sizeof(*rebuild->answered));
    rebuild->silent = calloc(count + 1, sizeof(*rebuild->silent));
    if (rebuild->answered == NULL || rebuild->silent == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu nodes", count);
    }
    if (node_inventory_rpc_create_with(rebuild->runtime, rebuild->credentials, address_of, rebuild,
            &inventory, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = HEARTH_OK;
    for (uint32_t node = 0; node < count && code == HEARTH_OK; node++) {
        code = list_node(rebuild, inventory, node, err);
    }
    node_inventory_rpc_destroy(inventory);
    rebuild_found_sort(&rebuild->found);
    (void)FAILPOINT(COORDINATOR_REBUILD_LISTED);
    return code;
}

/* ---- the database ---- */

/* A shipment's number is when it began. */
static void print_shipment(struct rebuild *rebuild, const char *what, uint64_t number)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)(number / 1000);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&seconds, &parts));
    fprintf(rebuild->out, "%-11s %ju, of %s\n", what, (uintmax_t)number, text);
}

static void print_unreadable(void *context, uint64_t number, const char *why)
{
    struct rebuild *rebuild = context;
    print_shipment(rebuild, "unreadable:", number);
    fprintf(rebuild->out, "            %s\n", why);
}

static enum hearth_code make_database(struct rebuild *rebuild, struct hearth_err *err)
{
    size_t count;
    const struct rebuild_reader reader = {.env = rebuild->env,
        .net = rebuild->net,
        .keys = &rebuild->keys,
        .issuer = &rebuild->issuer,
        .session_id = view_of(rebuild->session_id, sizeof(rebuild->session_id)),
        .cluster = rebuild->cluster->id,
        .nodes = rebuild_nodes_all(rebuild->nodes, &count)};
    const struct rebuild_chain chain = {.reader = &reader,
        .found = &rebuild->found,
        .directory = rebuild->settings.metadata,
        .asked = {.answered = rebuild->answered,
            .answered_count = rebuild->answered_count,
            .silent = rebuild->silent,
            .silent_count = rebuild->silent_count},
        .accepts_older = rebuild->options->accepts_older,
        .unreadable = print_unreadable,
        .context = rebuild};
    struct rebuild_result result;
    enum hearth_code code = rebuild_chain_blocking(&chain, &result, err);
    if (code == HEARTH_SHARDS_LOST) {
        return hearth_err_prefix(err, "bring back more nodes, or accept it with --accept-older");
    }
    if (code == HEARTH_OK) {
        print_shipment(rebuild, "snapshot:", result.snapshot);
        fprintf(rebuild->out, "changes:    %u shipments\n", result.changes);
        print_shipment(rebuild, "newest:", result.newest_used);
        fprintf(rebuild->out,
            "What was written after that is not in the metadata.  Start hearth-coordinator; "
            "nothing\n"
            "is deleted at nodes until `hearth-admin gc release`.\n");
    }
    return code;
}

/* ---- all of it ---- */

static void release(struct rebuild *rebuild)
{
    rebuild_found_fini(&rebuild->found);
    free(rebuild->answered);
    free(rebuild->silent);
    rebuild_nodes_destroy(rebuild->nodes);
    shard_net_rpc_destroy(rebuild->net);
    rpc_credentials_unref(rebuild->credentials);
    rpc_runtime_destroy(rebuild->runtime);
    shipment_keys_fini(&rebuild->keys);
    order_issuer_fini(&rebuild->issuer);
    shard_name_keys_fini(&rebuild->names);
    cluster_close(rebuild->cluster);
    kit_wipe(&rebuild->kit);
    arena_fini(&rebuild->arena);
}

enum hearth_code coordinator_rebuild(
    const struct rebuild_options *options, struct env *env, FILE *out, struct hearth_err *err)
{
    struct rebuild rebuild = {.options = options, .env = env, .out = out};
    arena_init(&rebuild.arena, 0);
    enum hearth_code code = restore_keys(&rebuild, err);
    if (code == HEARTH_OK) {
        code = connect(&rebuild, err);
    }
    if (code == HEARTH_OK) {
        code = find_nodes(&rebuild, err);
    }
    if (code == HEARTH_OK) {
        code = list_nodes(&rebuild, err);
    }
    if (code == HEARTH_OK) {
        code = make_database(&rebuild, err);
    }
    release(&rebuild);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "rebuild %s", options->init.dir);
}
