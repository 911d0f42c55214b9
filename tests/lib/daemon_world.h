/*
 * daemon_world.h - a whole storage daemon on real files, with a coordinator that answers its
 * heartbeats and a client that speaks to it over TLS on 127.0.0.1.
 */
#ifndef HEARTH_TESTS_LIB_DAEMON_WORLD_H
#define HEARTH_TESTS_LIB_DAEMON_WORLD_H

#include "storaged/storaged.h"
#include "tests/lib/test_node.h"
#include "tests/lib/test_rpc.h"

#include <stdatomic.h>

enum { DAEMON_STREAMS_MAX = 4, DAEMON_DAY_S = 86400 };

struct daemon_coordinator {
    struct rpc_server *server;
    struct rpc_credentials *credentials;
    struct test_gate beats;

    /* For and from the heartbeats, which come one at a time. */
    pthread_mutex_t mutex;
    struct shard_id trash; /* named when has_trash, until a result was reported */
    bool has_trash;
    uint64_t epoch; /* recovery epoch */
    size_t results; /* reported in all */
    uint64_t start_count;
    uint64_t shards;
};

struct daemon_world {
    char folder[64];
    struct arena arena;
    struct rpc_runtime *runtime; /* of coordinator and client */
    struct test_ca ca;
    struct daemon_coordinator coordinator;
    struct rpc_credentials *session;
    struct settings settings;
    struct pki_key *key; /* the node's */
    struct storaged *node;
    struct rpc_channel *channel; /* as a session */
    struct hearth_err err;
};

/* The node runs and has heard from its coordinator. */
void daemon_world_init(struct daemon_world *world);
void daemon_world_fini(struct daemon_world *world);

/*
 * All but the node itself, which the test runs as a process: its settings and identity are in
 * files, the coordinator answers.
 */
void daemon_world_init_files(struct daemon_world *world);

/* Until orders can be judged by the node that runs now. */
void daemon_world_wait_until_ready(struct daemon_world *world);

/* As after storaged_stop(): starts it again and waits until orders can be judged. */
void daemon_world_start(struct daemon_world *world);

/* A path in the world's folder; lives as long as the world. */
const char *daemon_world_path(struct daemon_world *world, const char *name);

/* The files of a node with this key. */
void daemon_world_write_identity(
    struct daemon_world *world, struct pki_key *key, uint64_t lifetime_s);

/* Another connection to the node. */
struct rpc_channel *daemon_world_channel(
    struct daemon_world *world, struct rpc_credentials *credentials);

/* 127.0.0.1 and this port. */
struct config_addresses daemon_world_local(unsigned port);

/* ---- a client's stream ---- */

struct remote {
    struct rpc_stream *stream;
    struct test_gate events; /* messages, sends, the end */
    struct test_gate closed;
    struct buf *messages[TEST_PEER_MESSAGES_MAX];
    unsigned count;
    atomic_bool is_over;
    enum hearth_code code; /* of the end */
};

/* Nothing is read before rpc_stream_read(remote->stream); then everything is. */
void remote_open(
    struct remote *remote, struct rpc_channel *channel, unsigned method, const void *message);

/* Waits until it was sent; does nothing when the node has ended the stream. */
void remote_send(struct remote *remote, struct buf *message TAKES);

/* Until the end. */
enum hearth_code remote_wait(struct remote *remote);
void remote_fini(struct remote *remote);

/* Opens a put that the node accepts. */
void daemon_world_begin_put(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, uint8_t number);

/* Opens a get of the whole shard; nothing is read yet. */
void daemon_world_begin_get(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, uint8_t number);

/* What every put and get here is about. */
extern const struct test_shard daemon_shard;

/* From the first message to the end; a get compares what comes. */
enum hearth_code daemon_world_put(
    struct daemon_world *world, struct rpc_channel *channel, uint8_t number);
enum hearth_code daemon_world_get(
    struct daemon_world *world, struct rpc_channel *channel, uint8_t number);

#endif /* HEARTH_TESTS_LIB_DAEMON_WORLD_H */
