/*
 * shard_inbox: nothing posted is lost, nothing of a closed port is seen, and a burst is one event.
 */
#include "client/shard_inbox.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

struct fixture {
    struct test_env env;
    struct shard_inbox *inbox;
    struct shard_port ports[2];
};

static void fixture_init(struct fixture *fixture)
{
    test_env_init(&fixture->env, 1);
    fixture->inbox = shard_inbox_create(&fixture->env.env);
    assert_non_null(fixture->inbox);
    shard_port_open(&fixture->ports[0], fixture->inbox, "first");
    shard_port_open(&fixture->ports[1], fixture->inbox, "second");
}

static void port_end(struct shard_port *port)
{
    shard_port_close(port);
    shard_port_fini(port);
}

static void fixture_fini(struct fixture *fixture)
{
    port_end(&fixture->ports[0]);
    port_end(&fixture->ports[1]);
    shard_inbox_unref(fixture->inbox);
}

static struct slice some_bytes(const char *text)
{
    struct buf *buf = buf_copy(view_text(text));
    assert_non_null(buf);
    return (struct slice){buf, buf_view(buf)};
}

static struct shard_event take(struct shard_inbox *inbox)
{
    struct shard_event event;
    assert_true(shard_inbox_take(inbox, &event));
    return event;
}

static void assert_nothing_left(struct shard_inbox *inbox)
{
    struct shard_event event;
    assert_false(shard_inbox_take(inbox, &event));
}

static void events_come_in_the_order_they_were_posted(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    shard_port_post_cell(&fixture.ports[0], some_bytes("a"));
    test_env_step_ms(&fixture.env, 7);
    shard_port_post_done(&fixture.ports[1], some_bytes("b"));
    struct hearth_err err;
    hearth_fail(&err, HEARTH_IO, "disk on fire");
    shard_port_post_failed(&fixture.ports[0], &err);

    struct shard_event cell = take(fixture.inbox);
    assert_int_equal(cell.kind, SHARD_CELL);
    assert_string_equal(cell.context, "first");
    assert_true(view_equal(cell.bytes.view, view_text("a")));
    buf_unref(cell.bytes.owner);
    struct shard_event done = take(fixture.inbox);
    assert_int_equal(done.kind, SHARD_DONE);
    assert_string_equal(done.context, "second");
    assert_int_equal(done.at_ns - cell.at_ns, 7000000);
    buf_unref(done.bytes.owner);
    struct shard_event failed = take(fixture.inbox);
    assert_int_equal(failed.kind, SHARD_FAILED);
    assert_string_equal(failed.err.message, "disk on fire");
    assert_nothing_left(fixture.inbox);
    fixture_fini(&fixture);
}

static void cells_sent_meanwhile_are_one_event(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    shard_port_post_sent(&fixture.ports[0], 0);
    shard_port_post_sent(&fixture.ports[1], 0);
    shard_port_post_sent(&fixture.ports[0], 0);
    assert_int_equal(take(fixture.inbox).count, 2);
    shard_port_post_sent(&fixture.ports[0], 0); /* while the event of the other waits its turn */
    assert_int_equal(take(fixture.inbox).count, 1);
    assert_int_equal(take(fixture.inbox).count, 1);
    assert_nothing_left(fixture.inbox);
    fixture_fini(&fixture);
}

static void nothing_of_a_closed_port_is_seen(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    shard_port_post_cell(&fixture.ports[1], some_bytes("taken along"));
    shard_port_post_cell(&fixture.ports[0], some_bytes("taken along too"));
    shard_port_post_sent(&fixture.ports[0], 0);
    buf_unref(take(fixture.inbox).bytes.owner);
    shard_port_post_cell(&fixture.ports[0], some_bytes("posted"));

    shard_port_close(&fixture.ports[0]);
    shard_port_post_cell(&fixture.ports[0], some_bytes("too late"));
    shard_port_post_sent(&fixture.ports[0], 0);
    shard_port_post_done(&fixture.ports[1], some_bytes("kept"));
    struct shard_event kept = take(fixture.inbox);
    assert_true(view_equal(kept.bytes.view, view_text("kept")));
    buf_unref(kept.bytes.owner);
    assert_nothing_left(fixture.inbox);
    fixture_fini(&fixture);
}

static void a_port_outlives_the_transfer_and_drops_what_comes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    shard_port_close(&fixture.ports[0]);
    shard_inbox_unref(fixture.inbox);
    shard_port_post_cell(&fixture.ports[0], some_bytes("nobody reads this"));
    shard_port_fini(&fixture.ports[0]);
    port_end(&fixture.ports[1]);
}

static void nobody_is_woken_before_half_a_queue_is_gone(void **state)
{
    (void)state;
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    struct shard_port port;
    shard_port_open(&port, inbox, NULL);
    for (unsigned left = 8; left > 4; left--) {
        shard_port_post_sent(&port, left);
        uint64_t soon_ns = env_now_ns(env_system()) + 1000;
        shard_inbox_wait_blocking(inbox, soon_ns);
        assert_true(env_now_ns(env_system()) >= soon_ns);
    }
    shard_port_post_sent(&port, 4);
    shard_inbox_wait_blocking(inbox, UINT64_MAX);
    assert_int_equal(take(inbox).count, 5);
    port_end(&port);
    shard_inbox_unref(inbox);
}

static void cells_sent_after_the_last_was_given_wake_nobody(void **state)
{
    (void)state;
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    struct shard_port port;
    shard_port_open(&port, inbox, NULL);
    for (unsigned i = 0; i < 3; i++) {
        shard_port_post_sent(&port, SHARD_SENT_LAST);
        uint64_t soon_ns = env_now_ns(env_system()) + 1000;
        shard_inbox_wait_blocking(inbox, soon_ns);
        assert_true(env_now_ns(env_system()) >= soon_ns);
    }
    shard_port_post_done(&port, (struct slice){0});
    shard_inbox_wait_blocking(inbox, UINT64_MAX);
    assert_int_equal(take(inbox).count, 3); /* they are heard of all the same */
    assert_int_equal(take(inbox).kind, SHARD_DONE);
    port_end(&port);
    shard_inbox_unref(inbox);
}

static void fewer_cells_than_were_wanted_wake_nobody(void **state)
{
    (void)state;
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    struct shard_port port;
    shard_port_open(&port, inbox, NULL);
    for (unsigned i = 0; i < 2; i++) {
        shard_port_post_cell(&port, (struct slice){0});
        shard_inbox_want_cells(inbox, 3);
        uint64_t soon_ns = env_now_ns(env_system()) + 1000;
        shard_inbox_wait_blocking(inbox, soon_ns);
        assert_true(env_now_ns(env_system()) >= soon_ns);
    }
    shard_port_post_cell(&port, (struct slice){0});
    shard_inbox_wait_blocking(inbox, UINT64_MAX);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(take(inbox).kind, SHARD_CELL);
    }
    assert_nothing_left(inbox);
    shard_port_post_cell(&port, (struct slice){0});
    shard_inbox_wait_blocking(inbox, UINT64_MAX); /* they were wanted for one wait */
    assert_int_equal(take(inbox).kind, SHARD_CELL);
    port_end(&port);
    shard_inbox_unref(inbox);
}

static void the_end_of_a_call_wakes_who_wants_more_cells(void **state)
{
    (void)state;
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    struct shard_port port;
    struct hearth_err err;
    shard_port_open(&port, inbox, NULL);
    hearth_fail(&err, HEARTH_IO, "disk on fire");
    shard_inbox_want_cells(inbox, 3);
    shard_port_post_failed(&port, &err);
    shard_inbox_wait_blocking(inbox, UINT64_MAX);
    assert_int_equal(take(inbox).kind, SHARD_FAILED);
    port_end(&port);
    shard_inbox_unref(inbox);
}

enum { POSTED = 1000 }; /* by each of two threads */

static void *post_cells(void *context)
{
    for (unsigned i = 0; i < POSTED; i++) {
        shard_port_post_cell(context, (struct slice){0});
    }
    return NULL;
}

static void *post_sent(void *context)
{
    for (unsigned i = 0; i < POSTED; i++) {
        shard_port_post_sent(context, 0);
    }
    return NULL;
}

/* Waits for `at_once` cells at a time (0: for anything), until all that was posted is heard of. */
static void hear_all(void *(*post)(void *context), unsigned at_once)
{
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    struct shard_port ports[2];
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        shard_port_open(&ports[i], inbox, NULL);
        assert_int_equal(pthread_create(&threads[i], NULL, post, &ports[i]), 0);
    }
    for (unsigned heard = 0; heard < 2 * POSTED;) {
        struct shard_event event;
        if (shard_inbox_take(inbox, &event)) {
            heard += event.count;
        } else {
            shard_inbox_want_cells(inbox, at_once > 0 ? at_once - heard % at_once : 0);
            shard_inbox_wait_blocking(inbox, UINT64_MAX);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        port_end(&ports[i]);
    }
    shard_inbox_unref(inbox);
}

/* However waiting and posting meet: four at a time, which all that is posted comes to. */
static void who_waits_for_some_cells_at_once_is_always_woken(void **state)
{
    (void)state;
    hear_all(post_cells, 4);
}

static void a_waiting_transfer_hears_everything_other_threads_post(void **state)
{
    (void)state;
    hear_all(post_sent, 0);
}

static void waiting_ends_when_the_time_has_come(void **state)
{
    (void)state;
    struct shard_inbox *inbox = shard_inbox_create(env_system());
    shard_inbox_wait_blocking(inbox, env_now_ns(env_system()) + 1);
    assert_nothing_left(inbox);
    shard_inbox_unref(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_the_order_they_were_posted),
        cmocka_unit_test(cells_sent_meanwhile_are_one_event),
        cmocka_unit_test(nothing_of_a_closed_port_is_seen),
        cmocka_unit_test(a_port_outlives_the_transfer_and_drops_what_comes),
        cmocka_unit_test(a_waiting_transfer_hears_everything_other_threads_post),
        cmocka_unit_test(nobody_is_woken_before_half_a_queue_is_gone),
        cmocka_unit_test(cells_sent_after_the_last_was_given_wake_nobody),
        cmocka_unit_test(fewer_cells_than_were_wanted_wake_nobody),
        cmocka_unit_test(the_end_of_a_call_wakes_who_wants_more_cells),
        cmocka_unit_test(who_waits_for_some_cells_at_once_is_always_woken),
        cmocka_unit_test(waiting_ends_when_the_time_has_come),
    };
    return cmocka_run_group_tests_name("shard_inbox", tests, NULL, NULL);
}
