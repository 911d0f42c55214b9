#include "client/channel_cache.h"

#include "common/cleanup.h"

struct channel_entry {
    struct channel_entry *next; /* most recently used first */
    uint8_t node_id[PKI_ID_SIZE];
    char address[RPC_HOST_PORT_SIZE];
    struct rpc_channel *channel;
    unsigned held;
    bool has_failed; /* the last call did not get there */
    bool is_dropped; /* not in the list any more; goes with its last holder */
};

struct channel_cache {
    struct rpc_runtime *runtime;
    struct {
        pthread_mutex_t mutex;
        struct rpc_credentials *credentials;
        struct channel_entry *first;
        unsigned count;
    } shared;
};

struct channel_cache *channel_cache_create(struct rpc_runtime *runtime)
{
    struct channel_cache *cache = calloc(1, sizeof(*cache));
    if (cache != NULL) {
        cache->runtime = runtime;
        pthread_mutex_init(&cache->shared.mutex, NULL);
    }
    return cache;
}

struct rpc_channel *channel_of(const struct channel_entry *entry)
{
    return entry->channel;
}

static void destroy_entry(struct channel_entry *entry)
{
    rpc_channel_destroy(entry->channel);
    free(entry);
}

/* ---- under the lock ---- */

static void drop_all(struct channel_cache *cache)
{
    struct channel_entry *entry = cache->shared.first;
    cache->shared.first = NULL;
    cache->shared.count = 0;
    while (entry != NULL) {
        struct channel_entry *next = entry->next;
        entry->is_dropped = true;
        if (entry->held == 0) {
            destroy_entry(entry);
        }
        entry = next;
    }
}

static void drop_longest_unused(struct channel_cache *cache)
{
    struct channel_entry **victim = NULL;
    for (struct channel_entry **at = &cache->shared.first; *at != NULL; at = &(*at)->next) {
        if ((*at)->held == 0) {
            victim = at;
        }
    }
    if (victim != NULL) {
        struct channel_entry *entry = *victim;
        *victim = entry->next;
        cache->shared.count--;
        destroy_entry(entry);
    }
}

/* Found ones move to the front. */
static struct channel_entry *find(
    struct channel_cache *cache, const uint8_t *node_id, const char *address)
{
    for (struct channel_entry **at = &cache->shared.first; *at != NULL; at = &(*at)->next) {
        struct channel_entry *entry = *at;
        if (memcmp(entry->node_id, node_id, PKI_ID_SIZE) == 0 &&
            strcmp(entry->address, address) == 0) {
            *at = entry->next;
            entry->next = cache->shared.first;
            cache->shared.first = entry;
            return entry;
        }
    }
    return NULL;
}

static enum hearth_code add(struct channel_cache *cache, const uint8_t *node_id,
    const char *address, struct channel_entry **out, struct hearth_err *err)
{
    struct channel_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "channel to %s", address);
    }
    memcpy(entry->node_id, node_id, PKI_ID_SIZE);
    strcpy(entry->address, address); /* both are of one size */
    struct rpc_channel_options options = {
        .transport = RPC_LINK,
        .runtime = cache->runtime,
        .credentials = cache->shared.credentials,
        .address = entry->address,
        .peer_class = PEER_NODE,
        .peer_id = entry->node_id,
    };
    enum hearth_code code = rpc_channel_create(&options, &entry->channel, err);
    if (code != HEARTH_OK) {
        free(entry);
        return code;
    }
    if (cache->shared.count >= CHANNELS_MAX) {
        drop_longest_unused(cache);
    }
    entry->next = cache->shared.first;
    cache->shared.first = entry;
    cache->shared.count++;
    *out = entry;
    return HEARTH_OK;
}

/* ---- for users ---- */

void channel_cache_destroy(struct channel_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    drop_all(cache);
    rpc_credentials_unref(cache->shared.credentials);
    pthread_mutex_destroy(&cache->shared.mutex);
    free(cache);
}

void channel_cache_set_credentials(struct channel_cache *cache, struct rpc_credentials *credentials)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    drop_all(cache);
    rpc_credentials_unref(cache->shared.credentials);
    cache->shared.credentials = rpc_credentials_ref(credentials);
}

/* Under the lock: the entry of one endpoint, made when there is none. */
static enum hearth_code entry_of(struct channel_cache *cache, const struct wire_node_address *node,
    size_t which, struct channel_entry **out, struct hearth_err *err)
{
    const struct wire_endpoint *endpoint = &node->endpoints[which];
    char address[RPC_HOST_PORT_SIZE];
    rpc_host_port(endpoint->host, endpoint->port, address);
    *out = find(cache, node->node_id.bytes, address);
    return *out != NULL ? HEARTH_OK : add(cache, node->node_id.bytes, address, out, err);
}

enum hearth_code channel_acquire(struct channel_cache *cache, const struct wire_node_address *node,
    struct channel_entry **out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    if (node->endpoints_count == 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "node has no address");
    }
    if (cache->shared.credentials == NULL) {
        return hearth_fail(err, HEARTH_NOT_READY, "no session certificate to show to nodes");
    }
    struct channel_entry *entry = NULL;
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < node->endpoints_count && code == HEARTH_OK; i++) {
        code = entry_of(cache, node, i, &entry, err);
        if (code == HEARTH_OK && !entry->has_failed) {
            break;
        }
    }
    if (code == HEARTH_OK && entry->has_failed) {
        code = entry_of(cache, node, 0, &entry, err);
    }
    if (code == HEARTH_OK) {
        entry->held++;
        *out = entry;
    }
    return code;
}

void channel_release(struct channel_cache *cache, struct channel_entry *entry, bool is_reached)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    assert(entry->held > 0);
    entry->held--;
    entry->has_failed = !is_reached;
    if (entry->held == 0 && entry->is_dropped) {
        destroy_entry(entry);
    }
}
