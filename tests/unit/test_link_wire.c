/*
 * link_wire: what TLS writes reaches the socket in order, whatever part the socket takes; wires
 * that send in turn use the same memory; an emptied socket is not asked again in vain.
 */
#include "proto/link_wire.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WIRES = 2 };

struct fixture {
    BIO_METHOD *method;
    uint8_t *spare;
    struct link_wire wire[WIRES];
    BIO *bio[WIRES];
    int peer[WIRES];
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    at->method = link_wire_bio_method();
    for (unsigned i = 0; i < WIRES; i++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        at->wire[i].fd = ends[0];
        at->wire[i].spare = &at->spare;
        at->peer[i] = ends[1];
        at->bio[i] = BIO_new(at->method);
        BIO_set_data(at->bio[i], &at->wire[i]);
        BIO_set_init(at->bio[i], 1);
    }
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < WIRES; i++) {
        BIO_free(at->bio[i]);
        link_wire_clear(&at->wire[i]);
        close(at->wire[i].fd);
        close(at->peer[i]);
    }
    free(at->spare);
    BIO_meth_free(at->method);
    free(at);
    return 0;
}

/* ---- out ---- */

/* A record whose every byte is `value`. */
static void write_record(struct fixture *at, unsigned wire, uint8_t value)
{
    uint8_t record[LINK_RECORD_MAX];
    memset(record, value, sizeof(record));
    assert_true(link_wire_has_room(&at->wire[wire]));
    assert_int_equal(BIO_write(at->bio[wire], record, sizeof(record)), sizeof(record));
}

/* Records 1, 2, 3 ... until the socket is full; returns how many. */
static unsigned fill(struct fixture *at, unsigned wire)
{
    unsigned records = 0;
    int failure = 0;
    while (failure == 0) {
        for (unsigned i = 0; i < 4; i++) {
            write_record(at, wire, (uint8_t)++records);
        }
        failure = link_wire_send(&at->wire[wire]);
    }
    assert_int_equal(failure, EAGAIN);
    return records;
}

/* Takes what the peer was sent, and compares it with the records from `*taken` bytes on. */
static void take(struct fixture *at, unsigned wire, size_t *taken)
{
    uint8_t bytes[4096];
    ssize_t got;
    while ((got = recv(at->peer[wire], bytes, sizeof(bytes), 0)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            assert_int_equal(bytes[i], (uint8_t)(*taken / LINK_RECORD_MAX + 1));
            (*taken)++;
        }
    }
}

static void wires_that_send_in_turn_use_the_same_memory(void **state)
{
    struct fixture *at = *state;
    write_record(at, 0, 1);
    const uint8_t *memory = at->wire[0].outbox;
    assert_int_equal(link_wire_send(&at->wire[0]), 0);
    assert_ptr_equal(at->spare, memory);
    write_record(at, 1, 1);
    assert_ptr_equal(at->wire[1].outbox, memory);
    assert_null(at->spare);
    write_record(at, 0, 2); /* both at once: each has its own */
    assert_ptr_not_equal(at->wire[0].outbox, memory);
    assert_int_equal(link_wire_send(&at->wire[1]), 0);
    assert_int_equal(link_wire_send(&at->wire[0]), 0);
    assert_non_null(at->spare);
}

static void what_a_socket_does_not_take_waits_in_as_much_memory(void **state)
{
    struct fixture *at = *state;
    const unsigned records = fill(at, 0);
    const struct link_wire *wire = &at->wire[0];
    assert_non_null(at->spare);
    assert_true(link_wire_has_output(wire));
    assert_int_equal(wire->size, wire->end - wire->start + LINK_SMALL_ROOM);
    assert_false(link_wire_has_room(wire));

    size_t taken = 0;
    while (link_wire_has_output(wire)) {
        take(at, 0, &taken);
        int failure = link_wire_send(&at->wire[0]);
        assert_true(failure == 0 || failure == EAGAIN);
    }
    take(at, 0, &taken);
    assert_int_equal(taken, records * LINK_RECORD_MAX);
    assert_true(link_wire_has_room(wire));
}

static void tls_has_a_word_left_while_the_socket_is_full(void **state)
{
    struct fixture *at = *state;
    const uint8_t alert[LINK_SMALL_ROOM] = {0};
    fill(at, 0);
    assert_int_equal(BIO_write(at->bio[0], alert, sizeof(alert)), sizeof(alert));
    assert_int_equal(BIO_write(at->bio[0], alert, 1), -1);
    assert_false(BIO_should_retry(at->bio[0]));
}

static void a_socket_that_is_gone_says_why(void **state)
{
    struct fixture *at = *state;
    shutdown(at->peer[0], SHUT_RDWR);
    write_record(at, 0, 1);
    assert_int_equal(link_wire_send(&at->wire[0]), EPIPE);
}

/* ---- in ---- */

static void tell(struct fixture *at, const char *text)
{
    assert_int_equal(send(at->peer[0], text, strlen(text), 0), strlen(text));
}

static void expect_nothing_yet(struct fixture *at)
{
    char bytes[10];
    assert_int_equal(BIO_read(at->bio[0], bytes, sizeof(bytes)), -1);
    assert_true(BIO_should_read(at->bio[0]));
}

static void an_emptied_socket_is_asked_again_when_epoll_says_so(void **state)
{
    struct fixture *at = *state;
    char bytes[10];
    tell(at, "hello");
    assert_int_equal(BIO_read(at->bio[0], bytes, 2), 2);
    assert_int_equal(BIO_read(at->bio[0], bytes, sizeof(bytes)), 3);
    tell(at, "again");
    expect_nothing_yet(at);
    at->wire[0].is_drained = false;
    assert_int_equal(BIO_read(at->bio[0], bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "again", 5);
    at->wire[0].is_drained = false;
    expect_nothing_yet(at);
    assert_true(at->wire[0].is_drained);
}

static void the_end_is_told_from_a_pause(void **state)
{
    struct fixture *at = *state;
    char byte;
    shutdown(at->peer[0], SHUT_WR);
    assert_int_equal(BIO_read(at->bio[0], &byte, 1), 0);
    assert_false(BIO_should_retry(at->bio[0]));
    assert_true(BIO_eof(at->bio[0]));
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(wires_that_send_in_turn_use_the_same_memory),
        with_fixture(what_a_socket_does_not_take_waits_in_as_much_memory),
        with_fixture(tls_has_a_word_left_while_the_socket_is_full),
        with_fixture(a_socket_that_is_gone_says_why),
        with_fixture(an_emptied_socket_is_asked_again_when_epoll_says_so),
        with_fixture(the_end_is_told_from_a_pause),
    };
    return cmocka_run_group_tests_name("link_wire", tests, NULL, NULL);
}
