/*
 * channel_cache.h - one connection to each node that was spoken to lately.
 *
 * A handshake costs 2 ms of CPU and a round trip through two home lines, so channels are kept:
 * up to CHANNELS_MAX, the longest unused goes first.  New credentials begin with an empty cache,
 * because a connection keeps showing the certificate it was made with.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_CHANNEL_CACHE_H
#define HEARTH_CLIENT_CHANNEL_CACHE_H

#include "proto/rpc_channel.h"
#include "proto/wire_messages.h"

enum { CHANNELS_MAX = 1024 };

struct channel_cache;

/* NULL: out of memory. The runtime is borrowed. */
struct channel_cache *channel_cache_create(struct rpc_runtime *runtime);
void channel_cache_destroy(struct channel_cache *cache); /* accepts NULL; nothing may be held */

/* What new channels show; a reference is taken. Channels in use go on with the old one. */
void channel_cache_set_credentials(
    struct channel_cache *cache, struct rpc_credentials *credentials);

struct channel_entry;

/*
 * The channel to a node, held until channel_release(): to the first of its addresses that did not
 * fail last time, or to the first when all did.  HEARTH_UNREACHABLE: it has no address.
 * HEARTH_NOT_READY: no credentials yet.
 */
enum hearth_code channel_acquire(struct channel_cache *cache, const struct wire_node_address *node,
    struct channel_entry **out, struct hearth_err *err);

/* is_reached: somebody answered there, whatever the answer was. */
void channel_release(struct channel_cache *cache, struct channel_entry *entry, bool is_reached);

/* Borrowed while the entry is held. */
struct rpc_channel *channel_of(const struct channel_entry *entry);

#endif /* HEARTH_CLIENT_CHANNEL_CACHE_H */
