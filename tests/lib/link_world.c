#include "tests/lib/link_world.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum { DAY_S = 86400, SMALL_BUFFER = 4096 };

/* ---- what is served ---- */

struct sender {
    struct rpc_stream *stream;
    struct buf *chunk;
};

static void send_more(void *context)
{
    struct sender *sender = context;
    struct slice slice = slice_of(sender->chunk, 0, sender->chunk->size);
    rpc_stream_send(sender->stream, &slice, 1);
}

static void end_sender(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct sender *sender = context;
    test_close_and_release(sender->stream, code, err);
    free(sender);
}

/* Sends as much as is taken. */
static enum hearth_code open_sending(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    static const struct rpc_stream_handlers sending = {
        .message = test_drop_message, .sent = send_more, .closed = end_sender};
    struct link_world *at = service;
    struct sender *sender = malloc(sizeof(*sender));
    (void)context;
    (void)err;
    *sender = (struct sender){stream, at->chunk};
    *handlers = &sending;
    *handler_context = sender;
    send_more(sender);
    return HEARTH_OK;
}

static const struct rpc_handler served[] = {
    {.method = TEST_UP, .opened = test_open_reading},
    {.method = TEST_BOTH, .opened = test_open_deaf},
    {.method = TEST_DOWN, .opened = open_sending},
    {.method = TEST_KNOCK, .opened = test_knocked},
};

static void serve(struct link_world *at, const struct rpc_server_options *options)
{
    test_rpc_serve(&at->rpc, served, sizeof(served) / sizeof(served[0]), at, options);
}

int link_world_set_up(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct link_world *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    at->rpc.transport = RPC_LINK;
    at->chunk = buf_create(TEST_UP_MAX);
    memset(at->chunk->bytes, 1, TEST_UP_MAX);
    at->chunk->size = TEST_UP_MAX;
    serve(at, NULL);
    struct pki_key *key;
    char *pem;
    test_issue(&at->rpc.ca, env_system(), PEER_CLIENT, DAY_S, &key, &pem);
    at->context = test_tls_context(&at->rpc.ca, key, pem, TEST_TLS_LINK);
    free(pem);
    pki_key_destroy(key);
    *state = at;
    return 0;
}

int link_world_tear_down(void **state)
{
    struct link_world *at = *state;
    SSL_CTX_free(at->context);
    test_rpc_fini(&at->rpc);
    buf_unref(at->chunk);
    free(at);
    return 0;
}

/* The server again, with other settings. */
void link_world_serve_with(struct link_world *at, const struct rpc_server_options *options)
{
    test_rpc_stop_server(&at->rpc);
    rpc_channel_destroy(at->rpc.channel);
    serve(at, options);
}

/* ---- the wrong client ---- */

uint16_t link_world_port(struct link_world *at)
{
    return (uint16_t)rpc_server_port(at->rpc.server);
}

void link_world_connect(struct link_world *at, struct test_tls *tls)
{
    assert_true(test_tls_open(tls, at->context, test_tcp_connect(link_world_port(at)), false));
}

void link_world_narrow(const struct test_tls *tls)
{
    int size = SMALL_BUFFER;
    assert_int_equal(setsockopt(tls->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
}

/* Until the server closes; true: it did, and not we ran out of patience. */
bool link_world_read_to_the_end(struct test_tls *tls)
{
    uint8_t bytes[4096];
    errno = 0;
    while (test_tls_read(tls, bytes, sizeof(bytes)) > 0) {
    }
    return errno != EAGAIN;
}

bool link_world_is_greeted(struct test_tls *tls)
{
    uint8_t hello[LINK_HEAD_SIZE];
    return test_tls_read(tls, hello, sizeof(hello)) == sizeof(hello) && hello[0] == LINK_HELLO;
}

void link_world_assert_well(struct link_world *at)
{
    assert_ok(test_rpc_knock(&at->rpc, at->rpc.channel), &at->rpc.err);
    struct rpc_channel *channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
    assert_ok(test_rpc_knock(&at->rpc, channel), &at->rpc.err); /* a new connection too */
    rpc_channel_destroy(channel);
}

/* Sends the script and nothing after it, and reads until the server closes. */
void link_world_play(struct link_world *at, struct test_script *script)
{
    struct test_tls tls;
    link_world_connect(at, &tls);
    test_tls_write(&tls, test_script_view(script)); /* the server may close in the middle */
    shutdown(tls.fd, SHUT_WR);
    assert_true(link_world_read_to_the_end(&tls));
    test_tls_close(&tls);
}

/* The server itself ends the connection because of the script. */
void link_world_assert_sent_away(struct link_world *at, struct test_script *script, unsigned which)
{
    struct test_tls tls;
    link_world_connect(at, &tls);
    test_tls_write(&tls, test_script_view(script));
    if (!link_world_read_to_the_end(&tls)) {
        fail_msg("script %u is borne", which);
    }
    test_tls_close(&tls);
    test_script_fini(script);
}
