#include "coordinator/coordinator.h"

#include "coordinator/estimate/estimate_watch.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/garbage/withheld.h"
#include "coordinator/meta/meta_settings.h"

#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS_TEXT_MAX = 300 };

struct view coordinator_address_text(const struct config_address *address, struct arena *arena)
{
    char text[ADDRESS_TEXT_MAX];
    bool is_v6 = strchr(address->host, ':') != NULL;
    int length = snprintf(text, sizeof(text), "%s%s%s:%u", is_v6 ? "[" : "", address->host,
        is_v6 ? "]" : "", address->port);
    if (length < 0 || (size_t)length >= sizeof(text)) {
        return (struct view){0};
    }
    char *copy = arena_text(arena, view_of(text, (size_t)length));
    return copy == NULL ? (struct view){0} : view_of(copy, (size_t)length);
}

/* The metadata must be of the cluster whose keys these are: orders made from others open nothing.
 */
static enum hearth_code check_cluster(const struct coordinator *coordinator, struct hearth_err *err)
{
    struct meta_settings settings;
    enum hearth_code code = meta_settings_get(coordinator->store, &settings, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (memcmp(settings.cluster.bytes, coordinator->cluster->id, PKI_CLUSTER_SIZE) != 0) {
        return hearth_fail(err, HEARTH_CONFLICT,
            "keys in %s and metadata in %s are of different clusters",
            coordinator->settings->directory, coordinator->settings->metadata);
    }
    return HEARTH_OK;
}

static enum hearth_code open_metadata(struct coordinator *coordinator, struct hearth_err *err)
{
    struct meta_store_options store = {
        .directory = coordinator->settings->metadata,
        .env = coordinator->env,
        .names = &coordinator->names,
        .allow_colocation = coordinator->settings->allow_colocation,
        .keep_deleted_ms = coordinator->settings->undelete_ms,
        .order_ms = coordinator->settings->order_ms,
    };
    enum hearth_code code = meta_store_open(&store, &coordinator->store, err);
    if (code != HEARTH_OK) {
        return code;
    }
    coordinator->access = access_cache_create(coordinator->store);
    coordinator->withheld = withheld_create();
    if (coordinator->access == NULL || coordinator->withheld == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "cache of grants and buckets");
    }
    struct node_table_options nodes = {
        .store = coordinator->store,
        .env = coordinator->env,
        .heartbeat_ms = coordinator->settings->heartbeat_ms,
        .lost_after_ms = UINT64_C(1000) * coordinator->profile->lost_after_s,
    };
    return node_table_create(&nodes, &coordinator->nodes, err);
}

static enum hearth_code open_estimate(struct coordinator *coordinator, struct hearth_err *err)
{
    coordinator->estimate = estimate_create((unsigned)coordinator->settings->repair_nines);
    if (coordinator->estimate != NULL) {
        coordinator->durability = estimate_watch_create(coordinator->estimate, coordinator->store);
    }
    return coordinator->durability != NULL
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NO_MEMORY, "estimate of durability");
}

static enum hearth_code open_parts(struct coordinator *coordinator, struct hearth_err *err)
{
    const struct settings *settings = coordinator->settings;
    coordinator->profile = profile_by_name(view_text(settings->profile));
    if (coordinator->profile == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "no profile is called \"%s\"", settings->profile);
    }
    enum hearth_code code =
        cluster_open(settings->directory, coordinator->env, &coordinator->cluster, err);
    if (code != HEARTH_OK) {
        return code;
    }
    shard_name_keys_init(&coordinator->names, coordinator->cluster->master);
    order_issuer_init(
        &coordinator->issuer, coordinator->env, &coordinator->names, coordinator->cluster->master);
    coordinator->sets = place_sets_create(coordinator->env);
    if (coordinator->sets == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "working sets");
    }
    code = open_metadata(coordinator, err);
    return code == HEARTH_OK ? open_estimate(coordinator, err) : code;
}

enum hearth_code coordinator_create(const struct settings *settings, struct env *env,
    struct coordinator **out, struct hearth_err *err)
{
    struct coordinator *coordinator = calloc(1, sizeof(*coordinator));
    if (coordinator == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "coordinator");
    }
    coordinator->settings = settings;
    coordinator->env = env;
    enum hearth_code code = open_parts(coordinator, err);
    if (code != HEARTH_OK) {
        coordinator_close(coordinator);
        return code;
    }
    *out = coordinator;
    return HEARTH_OK;
}

enum hearth_code coordinator_open(const struct settings *settings, struct env *env,
    struct coordinator **out, struct hearth_err *err)
{
    struct coordinator *coordinator;
    enum hearth_code code = coordinator_create(settings, env, &coordinator, err);
    if (code != HEARTH_OK) {
        return code;
    }
    code = check_cluster(coordinator, err);
    if (code != HEARTH_OK) {
        coordinator_close(coordinator);
        return code;
    }
    *out = coordinator;
    return HEARTH_OK;
}

enum hearth_code coordinator_open_sweep(struct coordinator *coordinator, struct hearth_err *err)
{
    struct sweep_options options = {
        .store = coordinator->store,
        .nodes = coordinator->nodes,
        .env = coordinator->env,
        .share_percent = coordinator->settings->sweep_share,
    };
    memcpy(options.holder.bytes, coordinator->cluster->id, sizeof(options.holder.bytes));
    enum hearth_code code = sweep_create(&options, &coordinator->sweep, err);
    if (code == HEARTH_OK) {
        const struct sweep_watcher watcher = estimate_watch_watcher(coordinator->durability);
        sweep_watch(coordinator->sweep, &watcher);
    }
    return code;
}

void coordinator_close(struct coordinator *coordinator)
{
    if (coordinator == NULL) {
        return;
    }
    estimate_watch_destroy(coordinator->durability);
    estimate_destroy(coordinator->estimate);
    node_table_destroy(coordinator->nodes);
    withheld_destroy(coordinator->withheld);
    access_cache_destroy(coordinator->access);
    meta_store_close(coordinator->store);
    place_sets_destroy(coordinator->sets);
    order_issuer_fini(&coordinator->issuer);
    shard_name_keys_fini(&coordinator->names);
    cluster_close(coordinator->cluster);
    free(coordinator);
}
