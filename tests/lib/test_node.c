#include "tests/lib/test_node.h"

#include "storaged/shard_put.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_ID = 3, SOON_MS = 50 };

static const uint8_t order_master[CRYPTO_KEY_SIZE] = {17};
static const uint8_t session[PKI_ID_SIZE] = {5, 5, 5};
static const uint8_t node_id[PKI_ID_SIZE] = {1, 2, 3, 4};

/* ---- the node ---- */

static void open_volume(struct test_node *node)
{
    struct volume_options options = {
        .disk = sim_disk_seam(node->sim),
        .loop = node->loop,
        .purge_until_unix_ms = UINT64_MAX,
        .log_size_max = 4 << 20,
        .allocate_bytes = 64 << 10,
    };
    memcpy(options.node_id, node_id, sizeof(node_id));
    assert_ok(volume_open_blocking(&options, &node->volume, &node->err), &node->err);
    volume_learn_time(node->volume, env_unix_ms(&node->env.env));
    node->context = (struct shard_context){
        .loop = node->loop,
        .volume = node->volume,
        .orders = &node->orders,
        .download = &node->download,
        .upload = &node->upload,
    };
}

void test_node_init(struct test_node *node)
{
    *node = (struct test_node){.volume = NULL};
    test_env_init(&node->env, 1);
    memcpy(node->node_id, node_id, sizeof(node_id));
    assert_ok(loop_create(&node->env.env, &node->loop, &node->err), &node->err);
    rate_gate_init(&node->download, node->loop, 0);
    rate_gate_init(&node->upload, node->loop, 0);
    node->sim = sim_disk_create(node->loop, 7);
    open_volume(node);
    order_check_init(&node->orders, &node->env.env, node_id);
    test_node_learn(node);
}

static bool timer_is_near(struct test_node *node)
{
    uint64_t near_ns = env_now_ns(&node->env.env) + SOON_MS * UINT64_C(1000000);
    return loop_next_deadline_ns(node->loop) <= near_ns;
}

void test_node_run(struct test_node *node)
{
    for (;;) {
        bool ran = loop_run_once(node->loop);
        if (ran || sim_disk_step(node->sim)) {
            continue;
        }
        if (!timer_is_near(node)) {
            return;
        }
        test_env_step_ms(&node->env, 1);
    }
}

static void note_done(struct volume_wait *wait)
{
    (void)wait;
}

void test_node_fini(struct test_node *node)
{
    struct volume_wait wait = {.done = note_done};
    volume_close(node->volume, &wait);
    test_node_run(node);
    assert_ok(wait.err.code, &wait.err);
    volume_destroy(node->volume);
    disk_destroy(sim_disk_seam(node->sim));
    loop_destroy(node->loop);
    order_check_fini(&node->orders);
}

void test_node_crash(struct test_node *node, enum sim_policy policy)
{
    struct loop *loop;
    assert_ok(loop_create(&node->env.env, &loop, &node->err), &node->err);
    struct sim_disk *left = sim_disk_crash(node->sim, loop, policy, 1);
    volume_destroy(node->volume);
    disk_destroy(sim_disk_seam(node->sim));
    loop_destroy(node->loop);
    node->sim = left;
    node->loop = loop;
    open_volume(node);
}

/* ---- orders ---- */

struct shard_id test_shard_id(uint8_t number)
{
    struct shard_id id = {{0xAA, number}};
    return id;
}

struct order test_node_order(
    const struct test_node *node, enum order_action action, uint8_t number, uint64_t size_max)
{
    struct order order = {
        .action = action,
        .key_id = KEY_ID,
        .slot = number,
        .p = 1,
        .size_max = size_max,
        .serial = {number},
        .created_unix_ms = atomic_load(&node->env.unix_ms),
        .expires_unix_ms = atomic_load(&node->env.unix_ms) + TEST_ORDER_MS,
    };
    struct shard_id id = test_shard_id(number);
    memcpy(order.node_id, node_id, sizeof(node_id));
    memcpy(order.shard_id, id.bytes, sizeof(id.bytes));
    memcpy(order.session, session, sizeof(session));
    return order;
}

void test_node_keys(struct order_keys *out)
{
    order_keys_derive(order_master, node_id, out);
}

void test_node_sign(const struct order *order, uint8_t bytes[ORDER_SIZE])
{
    struct order_keys keys;
    test_node_keys(&keys);
    order_encode(order, keys.order_key, bytes);
}

void test_node_learn(struct test_node *node)
{
    struct order_period period = {.key_id = KEY_ID};
    test_node_keys(&period.keys);
    order_check_learn(&node->orders, env_unix_ms(&node->env.env), &period, 1);
}

/* ---- shards ---- */

uint32_t test_shard_cell_size(const struct test_shard *shard, uint32_t stripe)
{
    bool is_last = stripe == shard->cells - 1;
    return (is_last ? shard->last_cell_size : shard->cell_size) + VOLUME_TAG_SIZE;
}

uint64_t test_shard_size(const struct test_shard *shard)
{
    uint64_t size = 0;
    for (uint32_t stripe = 0; stripe < shard->cells; stripe++) {
        size += test_shard_cell_size(shard, stripe);
    }
    return size;
}

void test_shard_cell(const struct test_shard *shard, uint32_t stripe, uint8_t *bytes)
{
    uint32_t size = test_shard_cell_size(shard, stripe);
    for (uint32_t at = 0; at < size; at++) {
        bytes[at] = (uint8_t)(shard->seed + stripe * 7 + at * 13 + at / 251);
    }
}

void test_shard_digest(const struct test_shard *shard, uint8_t digest[ORDER_DIGEST_SIZE])
{
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    uint8_t *cell = malloc(shard->cell_size + VOLUME_TAG_SIZE);
    assert_non_null(cell);
    for (uint32_t stripe = 0; stripe < shard->cells; stripe++) {
        uint32_t size = test_shard_cell_size(shard, stripe);
        test_shard_cell(shard, stripe, cell);
        crypto_hash_update(hash, view_of(cell + size - VOLUME_TAG_SIZE, VOLUME_TAG_SIZE));
    }
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    free(cell);
}

/* ---- a peer ---- */

static struct test_peer *of_stream(struct shard_stream *stream)
{
    return (struct test_peer *)((char *)stream - offsetof(struct test_peer, stream));
}

static void peer_read(struct shard_stream *stream)
{
    struct test_peer *peer = of_stream(stream);
    assert_false(peer->read_is_out || peer->is_finished || peer->is_closed);
    peer->read_is_out = true;
}

static void peer_send(struct shard_stream *stream, const struct slice *slices TAKES, size_t count)
{
    struct test_peer *peer = of_stream(stream);
    size_t size = 0;
    assert_false(peer->send_is_out || peer->is_finished || peer->is_closed);
    for (size_t i = 0; i < count; i++) {
        size += slices[i].view.size;
    }
    struct buf *message = buf_create(size);
    assert_non_null(message);
    for (size_t i = 0; i < count; i++) {
        memcpy(message->bytes + message->size, slices[i].view.bytes, slices[i].view.size);
        message->size += slices[i].view.size;
        buf_unref(slices[i].owner);
    }
    assert_true(peer->received < TEST_PEER_MESSAGES_MAX);
    peer->messages[peer->received++] = message;
    peer->send_is_out = true;
}

static void peer_finish(struct shard_stream *stream, enum hearth_code code, const char *text)
{
    struct test_peer *peer = of_stream(stream);
    assert_false(peer->is_finished || peer->is_closed);
    peer->is_finished = true;
    peer->code = code;
    snprintf(peer->text, sizeof(peer->text), "%s", text == NULL ? "" : text);
}

void test_peer_init(struct test_peer *peer)
{
    static const struct shard_stream_ops ops = {
        .read = peer_read, .send = peer_send, .finish = peer_finish};
    *peer = (struct test_peer){.stream = {.ops = &ops, .request = "test"}};
    memcpy(peer->stream.peer_id, session, sizeof(session));
}

void test_peer_give(struct test_peer *peer, struct test_node *node, struct buf *message TAKES)
{
    assert_true(peer->read_is_out && !peer->is_finished);
    peer->read_is_out = false;
    peer->stream.user->message(&peer->stream, message);
    test_node_run(node);
}

void test_peer_take(struct test_peer *peer, struct test_node *node)
{
    assert_true(peer->send_is_out && !peer->is_finished);
    peer->send_is_out = false;
    peer->stream.user->sent(&peer->stream);
    test_node_run(node);
}

void test_peer_close(struct test_peer *peer, struct test_node *node)
{
    assert_false(peer->is_closed);
    peer->is_closed = true;
    peer->stream.user->closed(&peer->stream);
    test_node_run(node);
}

void test_peer_fini(struct test_peer *peer, struct test_node *node)
{
    if (!peer->is_closed) {
        test_peer_close(peer, node);
    }
    for (unsigned i = 0; i < peer->received; i++) {
        buf_unref(peer->messages[i]);
    }
}

/* ---- messages of a put ---- */

static struct buf *encode_put(const struct wire_shard_put_message *message)
{
    struct hearth_err err;
    struct buf *out;
    assert_ok(wire_encode(&wire_shard_put_message_message, message, &out, &err), &err);
    return out;
}

struct buf *test_put_open(const struct order *order, uint64_t size_expected)
{
    uint8_t bytes[ORDER_SIZE];
    test_node_sign(order, bytes);
    const struct wire_shard_put_open open = {
        .order = view_of(bytes, sizeof(bytes)), .size_expected = size_expected};
    return encode_put(&(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_OPEN, .open = &open});
}

struct buf *test_put_cell(const struct test_shard *shard, uint32_t stripe)
{
    uint32_t size = test_shard_cell_size(shard, stripe);
    uint8_t *cell = malloc(size);
    assert_non_null(cell);
    test_shard_cell(shard, stripe, cell);
    struct buf *message = encode_put(
        &(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_CELL, .cell = view_of(cell, size)});
    free(cell);
    return message;
}

struct buf *test_put_footer(const struct test_shard *shard)
{
    uint8_t digest[ORDER_DIGEST_SIZE];
    test_shard_digest(shard, digest);
    const struct wire_shard_put_footer footer = {
        .cells = shard->cells,
        .size = test_shard_size(shard),
        .tag_digest = view_of(digest, sizeof(digest)),
    };
    return encode_put(
        &(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_FOOTER, .footer = &footer});
}

void test_peer_put(struct test_peer *peer, struct test_node *node, const struct order *order,
    const struct test_shard *shard)
{
    test_peer_init(peer);
    assert_ok(shard_put_start(&node->context, &peer->stream, &node->err), &node->err);
    test_peer_give(peer, node, test_put_open(order, test_shard_size(shard)));
    for (uint32_t stripe = 0; stripe < shard->cells && !peer->is_finished; stripe++) {
        test_peer_give(peer, node, test_put_cell(shard, stripe));
    }
    if (!peer->is_finished) {
        test_peer_give(peer, node, test_put_footer(shard));
    }
}
