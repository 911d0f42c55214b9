/*
 * admin_backup: one at a time, and the next as soon as the end of the last was told.
 *
 * The stream is invented: it says what was asked of it, and the test is its pump, so that the end
 * of one can be held back while the next begins.
 */
#include "coordinator/service/admin_backup.h"

#include "proto/rpc_transport.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

struct invented {
    struct rpc_stream base; /* first */
    const struct rpc_stream_handlers *handlers;
    void *context;
    struct test_gate asked; /* of send and finish */
    struct test_gate released;
    size_t size;      /* of what was sent */
    bool is_finished; /* as of the last that was asked */
    enum hearth_code code;
};

struct fixture {
    struct test_coordinator world;
    struct rpc_context caller;
    struct invented streams[2];
};

static void on_send(struct rpc_stream *base, const struct slice *slices TAKES, size_t count)
{
    struct invented *stream = (struct invented *)base;
    for (size_t i = 0; i < count; i++) {
        stream->size += slices[i].view.size;
        buf_unref(slices[i].owner);
    }
    test_gate_pass(&stream->asked);
}

static void on_finish(struct rpc_stream *base, enum hearth_code code, const char *text)
{
    struct invented *stream = (struct invented *)base;
    (void)text;
    stream->is_finished = true;
    stream->code = code;
    test_gate_pass(&stream->asked);
}

static void on_release(struct rpc_stream *base)
{
    test_gate_pass(&((struct invented *)base)->released);
}

static const struct rpc_stream_ops ops = {
    .send = on_send, .finish = on_finish, .release = on_release};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    const struct test_member *admin = test_coordinator_member(&at->world, PEER_ADMIN);
    at->caller.peer.class = PEER_ADMIN;
    memcpy(at->caller.peer.id, admin->id, sizeof(admin->id));
    for (unsigned i = 0; i < 2; i++) {
        at->streams[i].base =
            (struct rpc_stream){.ops = &ops, .row = &rpc_methods.rows[RPC_BACKUP]};
        test_gate_init(&at->streams[i].asked);
        test_gate_init(&at->streams[i].released);
    }
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    for (unsigned i = 0; i < 2; i++) {
        test_gate_fini(&at->streams[i].asked);
        test_gate_fini(&at->streams[i].released);
    }
    free(at);
    return 0;
}

/* ---- what the transport does ---- */

static enum hearth_code open_stream(struct fixture *at, struct invented *stream)
{
    return admin_backup_opened(at->world.coordinator, &stream->base, &at->caller, &stream->handlers,
        &stream->context, &at->world.err);
}

/* Takes what is sent until there is no more. */
static void take_all(struct invented *stream)
{
    for (unsigned asked = 1;; asked++) {
        test_gate_wait(&stream->asked, asked);
        if (stream->is_finished) {
            return;
        }
        stream->handlers->sent(stream->context);
    }
}

static void close_stream(struct invented *stream, enum hearth_code code)
{
    const struct hearth_err err = {.code = code, .message = "as the test says"};
    stream->handlers->closed(stream->context, code, &err);
    test_gate_wait(&stream->released, 1);
}

/* ---- claims ---- */

static void whoever_was_told_the_end_may_have_the_next(void **state)
{
    struct fixture *at = *state;
    struct invented *first = &at->streams[0];
    struct invented *second = &at->streams[1];
    assert_ok(open_stream(at, first), &at->world.err);
    take_all(first);
    assert_int_equal(first->code, HEARTH_OK);
    assert_ok(open_stream(at, second), &at->world.err); /* the first is not closed yet */
    close_stream(first, HEARTH_OK);
    take_all(second); /* which was not disturbed by that */
    assert_int_equal(second->code, HEARTH_OK);
    assert_int_equal(second->size, first->size);
    close_stream(second, HEARTH_OK);
}

static void meanwhile_there_is_no_other(void **state)
{
    struct fixture *at = *state;
    struct invented *first = &at->streams[0];
    assert_ok(open_stream(at, first), &at->world.err);
    test_gate_wait(&first->asked, 1);
    assert_int_equal(open_stream(at, &at->streams[1]), HEARTH_BUSY);
    take_all(first);
    assert_int_equal(first->code, HEARTH_OK);
    close_stream(first, HEARTH_OK);
    assert_int_equal(test_gate_count(&at->streams[1].asked), 0);
}

static void a_reader_that_leaves_makes_room(void **state)
{
    struct fixture *at = *state;
    struct invented *first = &at->streams[0];
    struct invented *second = &at->streams[1];
    assert_ok(open_stream(at, first), &at->world.err);
    test_gate_wait(&first->asked, 1);
    close_stream(first, HEARTH_CANCELLED);
    assert_ok(open_stream(at, second), &at->world.err);
    take_all(second);
    assert_int_equal(second->code, HEARTH_OK);
    close_stream(second, HEARTH_OK);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(whoever_was_told_the_end_may_have_the_next),
        claim(meanwhile_there_is_no_other),
        claim(a_reader_that_leaves_makes_room),
    };
    return cmocka_run_group_tests_name("admin_backup", tests, NULL, NULL);
}
