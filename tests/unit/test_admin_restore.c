/*
 * admin_restore: what an admin sends is staged, checked whole, answered and ordered; whatever is
 * refused leaves nothing behind and makes room for the next.
 *
 * The stream is invented: the test is its pump, and hands over one message whenever one is asked
 * for.  Backups are real ones of the coordinator's metadata.
 */
#include "coordinator/service/admin_restore.h"

#include "common/cleanup.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/rescue/restore.h"
#include "proto/rpc_transport.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILE_MAX = 8 << 20, PIECE = 100000 };

struct invented {
    struct rpc_stream base; /* first */
    const struct rpc_stream_handlers *handlers;
    void *context;
    struct test_gate asked; /* for a message, to send, to finish */
    struct test_gate released;
    bool wants; /* a message; set before asked is passed, as the rest */
    bool has_answer;
    bool is_finished;
    enum hearth_code code;
    char text[HEARTH_ERR_MESSAGE_SIZE];
    unsigned seen; /* of asked */
};

struct fixture {
    struct test_coordinator world;
    struct rpc_context caller;
    struct restore_order order;
    struct invented streams[2];
    char backup[200];
    uint8_t *bytes; /* of what is sent */
    size_t size;
};

static void on_read(struct rpc_stream *base)
{
    struct invented *stream = (struct invented *)base;
    stream->wants = true;
    test_gate_pass(&stream->asked);
}

static void on_send(struct rpc_stream *base, const struct slice *slices TAKES, size_t count)
{
    struct invented *stream = (struct invented *)base;
    for (size_t i = 0; i < count; i++) {
        buf_unref(slices[i].owner);
    }
    stream->has_answer = true;
    test_gate_pass(&stream->asked);
}

static void on_finish(struct rpc_stream *base, enum hearth_code code, const char *text)
{
    struct invented *stream = (struct invented *)base;
    stream->is_finished = true;
    stream->code = code;
    snprintf(stream->text, sizeof(stream->text), "%s", text);
    test_gate_pass(&stream->asked);
}

static void on_release(struct rpc_stream *base)
{
    test_gate_pass(&((struct invented *)base)->released);
}

static const struct rpc_stream_ops ops = {
    .read = on_read, .send = on_send, .finish = on_finish, .release = on_release};

/* ---- files ---- */

static void load(struct fixture *at, const char *path)
{
    CLOSES_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, at->bytes, FILE_MAX);
    assert_true(got > 0 && got < FILE_MAX);
    at->size = (size_t)got;
}

static void make_backup(struct fixture *at)
{
    snprintf(at->backup, sizeof(at->backup), "%s/made", at->world.directory);
    assert_ok(
        meta_backup(at->world.coordinator->store, at->backup, &at->world.err), &at->world.err);
    load(at, at->backup);
}

/* The backup, otherwise than it was. */
static void change_backup(struct fixture *at, const char *statement)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(at->backup, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    load(at, at->backup);
}

static bool is_staged(const struct fixture *at, struct stat *status)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/restored.db", at->world.directory);
    return stat(path, status) == 0;
}

/* ---- a fixture ---- */

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    const struct test_member *admin = test_coordinator_member(&at->world, PEER_ADMIN);
    at->caller.peer.class = PEER_ADMIN;
    memcpy(at->caller.peer.id, admin->id, sizeof(admin->id));
    assert_ok(restore_order_open(&at->order, &at->world.err), &at->world.err);
    at->world.coordinator->restore_order = &at->order;
    at->bytes = malloc(FILE_MAX);
    for (unsigned i = 0; i < 2; i++) {
        at->streams[i].base =
            (struct rpc_stream){.ops = &ops, .row = &rpc_methods.rows[RPC_RESTORE]};
        test_gate_init(&at->streams[i].asked);
        test_gate_init(&at->streams[i].released);
    }
    make_backup(at);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    restore_order_close(&at->order);
    for (unsigned i = 0; i < 2; i++) {
        test_gate_fini(&at->streams[i].asked);
        test_gate_fini(&at->streams[i].released);
    }
    free(at->bytes);
    free(at);
    return 0;
}

/* ---- what the transport does ---- */

static enum hearth_code open_stream(struct fixture *at, struct invented *stream)
{
    return admin_restore_opened(at->world.coordinator, &stream->base, &at->caller,
        &stream->handlers, &stream->context, &at->world.err);
}

/* true: it wants a message; false: it sends or has ended. */
static bool wait_asked(struct invented *stream)
{
    test_gate_wait(&stream->asked, ++stream->seen);
    const bool wants = stream->wants;
    stream->wants = false;
    return wants;
}

static void hand_over(struct fixture *at, struct invented *stream, size_t from, uint64_t says)
{
    struct buf *message;
    const size_t left = at->size - from;
    const struct wire_restore_chunk chunk = {
        .size = says, .bytes = view_of(at->bytes + from, left < PIECE ? left : PIECE)};
    assert_ok(
        wire_encode(&wire_restore_chunk_message, &chunk, &message, &at->world.err), &at->world.err);
    stream->handlers->message(stream->context, message);
}

/* All of the file, which is said to have so many bytes, until the end is told. */
static void send_saying(struct fixture *at, struct invented *stream, uint64_t says)
{
    assert_ok(open_stream(at, stream), &at->world.err);
    for (size_t from = 0;;) {
        if (wait_asked(stream)) {
            if (from >= at->size) {
                stream->handlers->message(stream->context, NULL);
                continue;
            }
            hand_over(at, stream, from, says);
            from += PIECE;
        } else if (stream->is_finished) {
            return;
        } else {
            stream->handlers->sent(stream->context);
        }
    }
}

static void close_stream(struct invented *stream, enum hearth_code code)
{
    const struct hearth_err err = {.code = code, .message = "as the test says"};
    stream->handlers->closed(stream->context, code, &err);
    test_gate_wait(&stream->released, 1);
}

static void send_file(struct fixture *at, struct invented *stream)
{
    send_saying(at, stream, at->size);
    close_stream(stream, stream->code);
}

static void expect_refused(struct fixture *at, enum hearth_code code, const char *why)
{
    struct invented *stream = &at->streams[0];
    struct stat status;
    send_file(at, stream);
    assert_int_equal(stream->code, code);
    assert_non_null(strstr(stream->text, why));
    assert_false(stream->has_answer);
    assert_false(at->order.is_given);
    assert_false(is_staged(at, &status));
}

/* ---- claims ---- */

static void a_whole_backup_is_staged_answered_and_ordered(void **state)
{
    struct fixture *at = *state;
    struct stat status;
    struct pollfd order = {.fd = at->order.fd, .events = POLLIN};
    send_file(at, &at->streams[0]);
    assert_int_equal(at->streams[0].code, HEARTH_OK);
    assert_true(at->streams[0].has_answer);
    assert_true(at->order.is_given);
    assert_int_equal(poll(&order, 1, 0), 1);
    assert_true(is_staged(at, &status));
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void an_order_that_was_given_leaves_room_for_no_other(void **state)
{
    struct fixture *at = *state;
    send_file(at, &at->streams[0]);
    send_file(at, &at->streams[1]);
    assert_int_equal(at->streams[1].code, HEARTH_BUSY);
    assert_false(at->streams[1].has_answer);
}

static void while_one_is_sent_there_is_no_other(void **state)
{
    struct fixture *at = *state;
    struct invented *first = &at->streams[0];
    assert_ok(open_stream(at, first), &at->world.err);
    assert_true(wait_asked(first));
    assert_int_equal(open_stream(at, &at->streams[1]), HEARTH_BUSY);
    close_stream(first, HEARTH_CANCELLED);
}

static void a_sender_that_leaves_leaves_nothing_and_makes_room(void **state)
{
    struct fixture *at = *state;
    struct invented *first = &at->streams[0];
    struct stat status;
    assert_ok(open_stream(at, first), &at->world.err);
    assert_true(wait_asked(first));
    hand_over(at, first, 0, at->size);
    assert_true(wait_asked(first));
    close_stream(first, HEARTH_CANCELLED);
    assert_false(is_staged(at, &status));
    send_file(at, &at->streams[1]);
    assert_int_equal(at->streams[1].code, HEARTH_OK);
}

static void a_file_that_ends_early_or_late_is_refused(void **state)
{
    struct fixture *at = *state;
    struct stat status;
    send_saying(at, &at->streams[0], at->size + 1);
    close_stream(&at->streams[0], HEARTH_OK);
    assert_int_equal(at->streams[0].code, HEARTH_CANCELLED);
    send_saying(at, &at->streams[1], at->size - 1);
    close_stream(&at->streams[1], HEARTH_OK);
    assert_int_equal(at->streams[1].code, HEARTH_INVALID);
    assert_false(is_staged(at, &status));
    assert_false(at->order.is_given);
}

static void half_a_backup_is_refused(void **state)
{
    struct fixture *at = *state;
    at->size /= 2;
    expect_refused(at, HEARTH_CHECKSUM, "was cut short or is damaged");
}

static void the_backup_of_another_cluster_is_refused(void **state)
{
    struct fixture *at = *state;
    change_backup(at, "UPDATE cluster_state SET cluster = zeroblob(16)");
    expect_refused(at, HEARTH_CONFLICT, "is of cluster 0000");
}

static void metadata_that_no_backup_made_is_refused(void **state)
{
    struct fixture *at = *state;
    change_backup(at, "UPDATE cluster_state SET is_backup = 0");
    expect_refused(at, HEARTH_INVALID, "not made by a backup");
}

static void a_schema_from_the_future_is_refused(void **state)
{
    struct fixture *at = *state;
    change_backup(at, "INSERT INTO schema_version (version) VALUES (4000000)");
    expect_refused(at, HEARTH_UNKNOWN_FORMAT, "schema version 4000000");
}

/* Nodes listen only to the highest epoch that they have heard. */
static void the_epoch_rises_above_that_of_now_however_old_the_backup_is(void **state)
{
    struct fixture *at = *state;
    struct meta_backup_facts facts;
    assert_ok(meta_backup_adopt(
                  at->backup, at->world.coordinator->cluster->id, 41, &facts, &at->world.err),
        &at->world.err);
    assert_int_equal(facts.recovery_epoch, 42);
    assert_int_equal(meta_backup_epoch(at->backup), 41); /* the first start raises it */
}

static void who_is_no_admin_any_more_is_refused_before_anything_is_read(void **state)
{
    struct fixture *at = *state;
    at->caller.peer.id[0] ^= 1;
    assert_ok(open_stream(at, &at->streams[0]), &at->world.err);
    assert_false(wait_asked(&at->streams[0]));
    assert_int_equal(at->streams[0].code, HEARTH_DENIED);
    close_stream(&at->streams[0], HEARTH_DENIED);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_whole_backup_is_staged_answered_and_ordered),
        claim(an_order_that_was_given_leaves_room_for_no_other),
        claim(while_one_is_sent_there_is_no_other),
        claim(a_sender_that_leaves_leaves_nothing_and_makes_room),
        claim(a_file_that_ends_early_or_late_is_refused),
        claim(half_a_backup_is_refused),
        claim(the_backup_of_another_cluster_is_refused),
        claim(metadata_that_no_backup_made_is_refused),
        claim(a_schema_from_the_future_is_refused),
        claim(the_epoch_rises_above_that_of_now_however_old_the_backup_is),
        claim(who_is_no_admin_any_more_is_refused_before_anything_is_read),
    };
    return cmocka_run_group_tests_name("admin_restore", tests, NULL, NULL);
}
