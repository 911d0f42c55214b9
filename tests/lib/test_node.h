/*
 * test_node.h - a storage node without network or time: a volume on a simulated disk, order keys
 * of a coordinator the test plays, and peers whose every message the test gives and takes.
 *
 * One thread: test_node_run() turns the loop and the disk until neither has anything left to do.
 */
#ifndef HEARTH_TESTS_LIB_TEST_NODE_H
#define HEARTH_TESTS_LIB_TEST_NODE_H

#include "proto/wire_shard.h"
#include "storaged/shard_context.h"
#include "storaged/shard_stream.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

struct test_node {
    struct test_env env;
    struct loop *loop;
    struct sim_disk *sim;
    struct volume *volume;
    struct order_check orders;
    struct rate_gate download; /* no limit, until the test sets one */
    struct rate_gate upload;
    struct shard_context context;
    uint8_t node_id[PKI_ID_SIZE];
    struct hearth_err err;
};

/* An open, empty volume; the first heartbeat was answered. */
void test_node_init(struct test_node *node);

/* Closes the volume and frees all. */
void test_node_fini(struct test_node *node);

/* Until nothing is left to do now; the clock moves only for the volume's own short timers. */
void test_node_run(struct test_node *node);

/* Loses power, or is killed, and opens again. Nothing may refer to the volume any more. */
void test_node_crash(struct test_node *node, enum sim_policy policy);

/* The heartbeat's time and keys, as at test_node_init(). */
void test_node_learn(struct test_node *node);

/* ---- orders ---- */

enum { TEST_ORDER_MS = 600000 };

/* For shard `number`, valid for TEST_ORDER_MS from now; to be changed before it is signed. */
struct order test_node_order(
    const struct test_node *node, enum order_action action, uint8_t number, uint64_t size_max);

void test_node_sign(const struct order *order, uint8_t bytes[ORDER_SIZE]);

/* What the orders are signed and the receipts are verified with. */
void test_node_keys(struct order_keys *out);

struct shard_id test_shard_id(uint8_t number);

/* ---- shards ---- */

/* Every byte follows from `seed`. */
struct test_shard {
    uint32_t cells;
    uint32_t cell_size; /* without tag */
    uint32_t last_cell_size;
    uint8_t seed;
};

uint64_t test_shard_size(const struct test_shard *shard);
uint32_t test_shard_cell_size(const struct test_shard *shard, uint32_t stripe); /* with tag */
void test_shard_cell(const struct test_shard *shard, uint32_t stripe, uint8_t *bytes);
void test_shard_digest(const struct test_shard *shard, uint8_t digest[ORDER_DIGEST_SIZE]);

/* ---- a peer ---- */

enum { TEST_PEER_MESSAGES_MAX = 64 };

/* One stream as seen from the other end. */
struct test_peer {
    struct shard_stream stream; /* to be given to shard_put_start() or shard_get_start() */
    bool read_is_out;           /* the node waits for a message */
    bool send_is_out;           /* the node waits for its last message to be taken */
    unsigned received;
    struct buf *messages[TEST_PEER_MESSAGES_MAX];
    bool is_finished;
    enum hearth_code code; /* what it was finished with */
    char text[HEARTH_ERR_MESSAGE_SIZE];
    bool is_closed;
};

/* The session whose id the orders of test_node_order() name. */
void test_peer_init(struct test_peer *peer);

/* Closes the stream if that has not been done, and forgets what came. */
void test_peer_fini(struct test_peer *peer, struct test_node *node);

/* The node gets this message, which it must be waiting for, and does what it does about it. */
void test_peer_give(struct test_peer *peer, struct test_node *node, struct buf *message TAKES);

/* The transport takes the node's last message. */
void test_peer_take(struct test_peer *peer, struct test_node *node);

/* The stream ends: after finish, or because the client left. */
void test_peer_close(struct test_peer *peer, struct test_node *node);

/* ---- messages of a put ---- */

struct buf *test_put_open(const struct order *order, uint64_t size_expected);
struct buf *test_put_cell(const struct test_shard *shard, uint32_t stripe);
struct buf *test_put_footer(const struct test_shard *shard);

/* A whole put, to its end; the peer then holds the reply or the refusal. */
void test_peer_put(struct test_peer *peer, struct test_node *node, const struct order *order,
    const struct test_shard *shard);

#endif /* HEARTH_TESTS_LIB_TEST_NODE_H */
