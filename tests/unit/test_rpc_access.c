/*
 * rpc_access: every call of the protocol, made by every class of peer there is.
 *
 * The real table, a real server; handlers only say that they were reached.  A call that is added to
 * the protocol is in this test by itself.
 */
#include "proto/rpc_server.h"
#include "tests/lib/test.h"
#include "tests/lib/test_rpc.h"
#include "tests/lib/test_wire_fill.h"

#include <stdio.h>
#include <stdlib.h>

/* What no refusal says: the call got as far as its handler. */
static const enum hearth_code reached_code = HEARTH_NOT_READY;
enum { DAY_S = 86400 };

struct fixture {
    struct test_rpc rpc;
    struct rpc_handler handlers[RPC_METHODS];
    struct rpc_channel *channels[PEER_CLASSES];
    struct test_wire_filler filler;
};

static enum hearth_code reach_unary(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)request;
    (void)response;
    return hearth_fail(err, reached_code, "reached");
}

static enum hearth_code reach_stream(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    (void)service;
    (void)stream;
    (void)context;
    (void)handlers;
    (void)handler_context;
    return hearth_fail(err, reached_code, "reached");
}

static void start_server(struct fixture *at)
{
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        const bool is_unary = rpc_methods.rows[method].kind == RPC_UNARY;
        at->handlers[method] = (struct rpc_handler){.method = method,
            .unary = is_unary ? reach_unary : NULL,
            .opened = is_unary ? NULL : reach_stream};
    }
    const struct rpc_server_options options = {.runtime = at->rpc.runtime,
        .credentials = at->rpc.server_credentials,
        .addresses = {"127.0.0.1:0"},
        .handlers = at->handlers,
        .handler_count = RPC_METHODS};
    assert_ok(rpc_server_start(&options, &at->rpc.server, &at->rpc.err), &at->rpc.err);
    snprintf(
        at->rpc.address, sizeof(at->rpc.address), "127.0.0.1:%u", rpc_server_port(at->rpc.server));
}

/* One connection for each class. */
static void connect_as(struct fixture *at, enum peer_class class)
{
    struct rpc_credentials *credentials = test_credentials(&at->rpc.ca, env_system(), class, DAY_S);
    const struct rpc_channel_options options = {.runtime = at->rpc.runtime,
        .credentials = credentials,
        .address = at->rpc.address,
        .peer_class = PEER_NODE,
        .peer_id = rpc_credentials_certificate(at->rpc.server_credentials)->identity.id};
    assert_ok(rpc_channel_create(&options, &at->channels[class], &at->rpc.err), &at->rpc.err);
    rpc_credentials_unref(credentials);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    test_wire_filler_init(&at->filler, 1);
    start_server(at);
    for (unsigned class = 0; class < PEER_CLASSES; class ++) {
        connect_as(at, (enum peer_class) class);
    }
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    for (unsigned class = 0; class < PEER_CLASSES; class ++) {
        rpc_channel_destroy(at->channels[class]);
    }
    test_wire_filler_fini(&at->filler);
    test_rpc_fini(&at->rpc);
    free(at);
    return 0;
}

/* ---- one call ---- */

struct ending {
    struct test_gate closed;
    enum hearth_code code;
};

static void on_message(void *context, struct buf *message TAKES)
{
    (void)context;
    buf_unref(message);
}

static void on_sent(void *context)
{
    (void)context;
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    (void)err;
    struct ending *ending = context;
    ending->code = code;
    test_gate_pass(&ending->closed);
}

static enum hearth_code stream(
    struct fixture *at, enum peer_class class, const struct rpc_request *request)
{
    static const struct rpc_stream_handlers handlers = {on_message, on_sent, on_closed};
    struct ending ending;
    struct rpc_stream *opened;
    test_gate_init(&ending.closed);
    assert_ok(
        rpc_stream_open(at->channels[class], request, &handlers, &ending, &opened, &at->rpc.err),
        &at->rpc.err);
    rpc_stream_read(opened);
    test_gate_wait(&ending.closed, 1);
    rpc_stream_release(opened);
    test_gate_fini(&ending.closed);
    return ending.code;
}

static enum hearth_code call(struct fixture *at, enum peer_class class, unsigned method)
{
    const struct rpc_method_row *row = &rpc_methods.rows[method];
    const struct rpc_request request = {.method = method,
        .message = test_wire_fill(&at->filler, row->request),
        .deadline_ms = TEST_DEADLINE_MS};
    if (row->kind != RPC_UNARY) {
        return stream(at, class, &request);
    }
    void *response = arena_take(&at->filler.arena, wire_message_size(row->response));
    return rpc_call_blocking(
        at->channels[class], &request, &at->filler.arena, response, &at->rpc.err);
}

static void every_call_is_for_the_classes_of_its_row_and_nobody_else(void **state)
{
    struct fixture *at = *state;
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        for (unsigned class = 0; class < PEER_CLASSES; class ++) {
            const bool may = (rpc_methods.rows[method].classes >> class & 1) != 0;
            const enum hearth_code code = call(at, (enum peer_class) class, method);
            if (code != (may ? reached_code : HEARTH_DENIED)) {
                fail_msg("%s by a %s: %s", rpc_methods.rows[method].path,
                    peer_class_text((enum peer_class) class), hearth_code_name(code));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_call_is_for_the_classes_of_its_row_and_nobody_else, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("rpc_access", tests, NULL, NULL);
}
