/*
 * rpc_call: one request, one answer, and what it means when there is none.
 * Client and server are two ends in this process, over 127.0.0.1 and real TLS.
 */
#include "common/cleanup.h"
#include "proto/wire.h"
#include "proto/wire_messages.h"
#include "tests/lib/test.h"
#include "tests/lib/test_rpc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What the handlers of this file share. */
struct service {
    struct rpc_context seen; /* of the last call */
    struct test_gate entered;
    struct test_gate leave; /* blocking handlers wait for it */
};

static enum hearth_code remember(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct service *self = service;
    self->seen = *context;
    test_gate_pass(&self->entered);
    return test_echo(service, context, request, response, err);
}

static enum hearth_code complain(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)service;
    (void)context;
    (void)request;
    (void)response;
    char text[HEARTH_ERR_MESSAGE_SIZE];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "shard 9f\n\x1b[2J", 13);
    return hearth_fail(err, HEARTH_PRECONDITION, "%s", text);
}

static enum hearth_code block(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    struct service *self = service;
    test_gate_pass(&self->entered);
    test_gate_wait(&self->leave, 1);
    return test_echo(service, context, request, response, err);
}

static const struct rpc_handler remembering[] = {
    {.method = TEST_ECHO, .unary = remember},
    {.method = TEST_CHANGE, .unary = complain},
    {.method = TEST_ADMINS, .unary = test_echo},
};

static const struct rpc_handler blocking[] = {
    {.method = TEST_ECHO, .unary = block},
    {.method = TEST_CHANGE, .unary = block},
};

struct fixture {
    struct test_rpc rpc;
    struct service service;
    struct arena arena;
    struct view answer;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_rpc_init(&at->rpc);
    test_gate_init(&at->service.entered);
    test_gate_init(&at->service.leave);
    arena_init(&at->arena, 0);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_gate_pass(&at->service.leave);
    test_rpc_fini(&at->rpc);
    test_gate_fini(&at->service.entered);
    test_gate_fini(&at->service.leave);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

static void serve_remembering(struct fixture *at)
{
    test_rpc_serve(&at->rpc, remembering, 3, &at->service, NULL);
}

static void serve_blocking(struct fixture *at)
{
    test_rpc_serve(&at->rpc, blocking, 2, &at->service, NULL);
}

static enum hearth_code call(struct fixture *at, unsigned method, struct view bytes)
{
    return test_rpc_call(&at->rpc, at->rpc.channel, method, bytes, &at->arena, &at->answer);
}

static enum hearth_code call_within(struct fixture *at, unsigned method, uint32_t deadline_ms)
{
    struct wire_backup_chunk message = {.bytes = view_text("hello")};
    struct wire_backup_chunk response;
    struct rpc_request request = {
        .method = method, .message = &message, .deadline_ms = deadline_ms};
    return rpc_call_blocking(at->rpc.channel, &request, &at->arena, &response, &at->rpc.err);
}

static void an_answer_comes_back(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    assert_ok(call(at, TEST_ECHO, view_text("hello")), &at->rpc.err);
    assert_true(view_equal(at->answer, view_text("hello")));
    assert_ok(call(at, TEST_ECHO, view_of(NULL, 0)), &at->rpc.err);
    assert_int_equal(at->answer.size, 0);
}

static void the_handler_sees_who_calls_and_until_when(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    uint8_t id[RPC_REQUEST_ID_SIZE];
    memset(id, 0xA5, sizeof(id));
    id[3] = 0;
    struct wire_backup_chunk message = {0};
    struct wire_backup_chunk response;
    struct rpc_request request = {.method = TEST_ECHO,
        .message = &message,
        .deadline_ms = TEST_DEADLINE_MS,
        .request_id = id};
    uint64_t before_ns = env_now_ns(env_system());
    assert_ok(rpc_call_blocking(at->rpc.channel, &request, &at->arena, &response, &at->rpc.err),
        &at->rpc.err);

    test_gate_wait(&at->service.entered, 1);
    const struct rpc_context *seen = &at->service.seen;
    const struct peer_identity *own =
        &rpc_credentials_certificate(at->rpc.client_credentials)->identity;
    assert_memory_equal(&seen->peer, own, sizeof(*own));
    assert_memory_equal(seen->request_id, id, sizeof(id));
    assert_int_equal(seen->method, TEST_ECHO);
    assert_true(strncmp(seen->address, "ipv4:127.0.0.1:", 15) == 0);
    assert_true(seen->deadline_ns > before_ns);
    assert_true(seen->deadline_ns <= before_ns + (TEST_DEADLINE_MS + 1000) * UINT64_C(1000000));
}

static void an_error_travels_with_its_code_and_a_clean_bounded_text(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    assert_int_equal(call(at, TEST_CHANGE, view_text("")), HEARTH_PRECONDITION);
    const char *text = strstr(at->rpc.err.message, ": ");
    assert_non_null(text);
    assert_true(strncmp(text + 2, "shard 9f??[2J", 13) == 0);
    assert_int_equal(strlen(text + 2), RPC_MESSAGE_TEXT_MAX);
    assert_true(strncmp(at->rpc.err.message, at->rpc.address, strlen(at->rpc.address)) == 0);
}

static void a_class_that_is_not_in_the_row_is_denied(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    assert_int_equal(call(at, TEST_ADMINS, view_text("")), HEARTH_DENIED);

    struct rpc_credentials *admin = test_credentials(&at->rpc.ca, env_system(), PEER_ADMIN, 86400);
    struct rpc_channel *channel = test_rpc_channel(&at->rpc, admin);
    assert_ok(
        test_rpc_call(&at->rpc, channel, TEST_ADMINS, view_text("x"), &at->arena, &at->answer),
        &at->rpc.err);
    rpc_channel_destroy(channel);
    rpc_credentials_unref(admin);
}

static void a_method_nobody_serves_is_unimplemented(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    assert_int_equal(call(at, TEST_UNSERVED, view_text("")), HEARTH_UNIMPLEMENTED);
}

static void the_largest_message_passes_and_a_larger_one_is_not_sent(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    FREES uint8_t *bytes = calloc(1, TEST_MESSAGE_MAX + 1);
    struct view fits = view_of(bytes, TEST_MESSAGE_MAX - 8); /* its field's head takes 4 */
    assert_ok(call(at, TEST_ECHO, fits), &at->rpc.err);
    assert_int_equal(at->answer.size, fits.size);
    assert_int_equal(call(at, TEST_ECHO, view_of(bytes, TEST_MESSAGE_MAX)), HEARTH_INVALID);
}

static void a_deadline_ends_a_call_whose_handler_does_not(void **state)
{
    struct fixture *at = *state;
    serve_blocking(at);
    assert_int_equal(call_within(at, TEST_CHANGE, 300), HEARTH_DEADLINE);
    test_gate_wait(&at->service.entered, 1);
}

static void nobody_listening_is_unreachable_even_for_a_change(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    test_rpc_stop_server(&at->rpc);
    assert_int_equal(call(at, TEST_CHANGE, view_text("")), HEARTH_UNREACHABLE);
    assert_int_equal(call(at, TEST_ECHO, view_text("")), HEARTH_UNREACHABLE);
}

/* A port that accepts and says nothing: the handshake never ends. */
static int listen_silently(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_peer_that_never_speaks_is_unreachable_when_the_time_is_up(void **state)
{
    struct fixture *at = *state;
    uint16_t port;
    CLOSES_FD int fd = listen_silently(&port);
    snprintf(at->rpc.address, sizeof(at->rpc.address), "127.0.0.1:%u", port);
    at->rpc.channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
    assert_int_equal(call_within(at, TEST_CHANGE, 300), HEARTH_UNREACHABLE);
}

struct async {
    struct test_gate done;
    struct test_gate *all_done; /* of several; NULL: not counted */
    enum hearth_code code;
    struct wire_backup_chunk response;
};

static void on_done(void *context, enum hearth_code code, const struct hearth_err *err)
{
    (void)err;
    struct async *async = context;
    async->code = code;
    if (async->all_done != NULL) {
        test_gate_pass(async->all_done);
    }
    test_gate_pass(&async->done); /* last: who waits for it takes `async` away */
}

static void start(struct fixture *at, unsigned method, struct async *async, struct rpc_call **out)
{
    test_gate_init(&async->done);
    async->code = HEARTH_INTERNAL;
    struct wire_backup_chunk message = {.bytes = view_text("hello")};
    struct rpc_request request = {
        .method = method, .message = &message, .deadline_ms = TEST_DEADLINE_MS};
    assert_ok(rpc_call_start(at->rpc.channel, &request, &at->arena, &async->response, on_done,
                  async, out, &at->rpc.err),
        &at->rpc.err);
}

static void *stop_server(void *rpc)
{
    test_rpc_stop_server(rpc);
    return NULL;
}

static void a_lost_change_is_unknown_and_a_lost_reading_unreachable(void **state)
{
    struct fixture *at = *state;
    serve_blocking(at);
    struct async change = {0};
    struct async reading = {0};
    start(at, TEST_CHANGE, &change, NULL);
    start(at, TEST_ECHO, &reading, NULL);
    test_gate_wait(&at->service.entered, 2);

    pthread_t stopper; /* stop cancels the calls, then waits for their handlers */
    pthread_create(&stopper, NULL, stop_server, &at->rpc);
    test_gate_wait(&change.done, 1);
    test_gate_wait(&reading.done, 1);
    assert_int_equal(change.code, HEARTH_UNKNOWN);
    assert_int_equal(reading.code, HEARTH_UNREACHABLE);
    test_gate_pass(&at->service.leave);
    pthread_join(stopper, NULL);
    test_gate_fini(&change.done);
    test_gate_fini(&reading.done);
}

static void a_cancelled_call_completes_once_as_cancelled(void **state)
{
    struct fixture *at = *state;
    serve_blocking(at);
    struct async async = {0};
    struct rpc_call *started = NULL;
    start(at, TEST_CHANGE, &async, &started);
    test_gate_wait(&at->service.entered, 1);
    rpc_call_cancel(started);
    rpc_call_cancel(started);
    test_gate_wait(&async.done, 1);
    assert_int_equal(async.code, HEARTH_CANCELLED);
    rpc_call_release(started);
    test_gate_pass(&at->service.leave);
    test_rpc_stop_server(&at->rpc);
    assert_int_equal(test_gate_count(&async.done), 1);
    test_gate_fini(&async.done);
}

static void cancelling_after_the_answer_changes_nothing(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    struct async async = {0};
    struct rpc_call *started = NULL;
    start(at, TEST_ECHO, &async, &started);
    test_gate_wait(&async.done, 1);
    rpc_call_cancel(started);
    rpc_call_release(started);
    assert_int_equal(async.code, HEARTH_OK);
    assert_true(view_equal(async.response.bytes, view_text("hello")));
    assert_int_equal(test_gate_count(&async.done), 1);
    test_gate_fini(&async.done);
}

/* Two workers and a queue of 8: of 24 calls, at least 14 find no place. */
static void a_call_over_the_queue_is_told_busy(void **state)
{
    struct fixture *at = *state;
    serve_blocking(at);
    enum { CALLS = 24, QUEUE = 8, WORKERS = 2, PLACES = QUEUE + WORKERS };
    struct test_gate all_done;
    test_gate_init(&all_done);
    struct async asyncs[CALLS];
    for (unsigned i = 0; i < CALLS; i++) {
        asyncs[i].all_done = &all_done;
        start(at, TEST_ECHO, &asyncs[i], NULL);
    }
    test_gate_wait(&all_done, CALLS - PLACES);
    test_gate_pass(&at->service.leave);
    test_gate_wait(&all_done, CALLS);
    unsigned answered = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        test_gate_wait(&asyncs[i].done, 1);
        assert_true(asyncs[i].code == HEARTH_OK || asyncs[i].code == HEARTH_BUSY);
        answered += asyncs[i].code == HEARTH_OK;
        test_gate_fini(&asyncs[i].done);
    }
    assert_in_range(answered, QUEUE, PLACES); /* the queue may fill before a worker takes one */
    test_gate_fini(&all_done);
}

static void a_channel_finds_its_peer_again_after_a_restart(void **state)
{
    struct fixture *at = *state;
    serve_remembering(at);
    assert_ok(call(at, TEST_ECHO, view_text("before")), &at->rpc.err);
    test_rpc_stop_server(&at->rpc);
    assert_int_equal(call(at, TEST_ECHO, view_text("gone")), HEARTH_UNREACHABLE);

    struct rpc_channel *same = at->rpc.channel;
    struct rpc_server_options options = {.addresses = {at->rpc.address}};
    char address[sizeof(at->rpc.address)];
    memcpy(address, at->rpc.address, sizeof(address));
    options.addresses[0] = address;
    test_rpc_serve(&at->rpc, remembering, 3, &at->service, &options);
    enum hearth_code code = HEARTH_UNREACHABLE; /* until its back-off of 200 ms is over */
    uint64_t until_ns = env_now_ns(env_system()) + TEST_WAIT_S * UINT64_C(1000000000);
    while (code == HEARTH_UNREACHABLE && env_now_ns(env_system()) < until_ns) {
        code =
            test_rpc_call(&at->rpc, same, TEST_ECHO, view_text("again"), &at->arena, &at->answer);
    }
    assert_ok(code, &at->rpc.err);
    rpc_channel_destroy(same);
}

static void a_process_with_rpc_may_open_all_the_descriptors_it_is_allowed(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void an_endpoint_is_an_address_with_its_port(void **state)
{
    (void)state;
    char text[RPC_HOST_PORT_SIZE];
    rpc_host_port(view_text("node.example"), 7400, text);
    assert_string_equal(text, "node.example:7400");
    rpc_host_port(view_text("2001:db8::7"), 65535, text);
    assert_string_equal(text, "[2001:db8::7]:65535");
    char longest[WIRE_HOST_MAX];
    memset(longest, ':', sizeof(longest));
    rpc_host_port(view_of(longest, sizeof(longest)), 65535, text);
    assert_int_equal(strlen(text), RPC_HOST_PORT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(an_answer_comes_back),
        with_fixture(the_handler_sees_who_calls_and_until_when),
        with_fixture(an_error_travels_with_its_code_and_a_clean_bounded_text),
        with_fixture(a_class_that_is_not_in_the_row_is_denied),
        with_fixture(a_method_nobody_serves_is_unimplemented),
        with_fixture(the_largest_message_passes_and_a_larger_one_is_not_sent),
        with_fixture(a_deadline_ends_a_call_whose_handler_does_not),
        with_fixture(nobody_listening_is_unreachable_even_for_a_change),
        with_fixture(a_peer_that_never_speaks_is_unreachable_when_the_time_is_up),
        with_fixture(a_lost_change_is_unknown_and_a_lost_reading_unreachable),
        with_fixture(a_cancelled_call_completes_once_as_cancelled),
        with_fixture(cancelling_after_the_answer_changes_nothing),
        with_fixture(a_call_over_the_queue_is_told_busy),
        with_fixture(a_channel_finds_its_peer_again_after_a_restart),
        with_fixture(a_process_with_rpc_may_open_all_the_descriptors_it_is_allowed),
        cmocka_unit_test(an_endpoint_is_an_address_with_its_port),
    };
    return cmocka_run_group_tests_name("rpc_call", tests, NULL, NULL);
}
