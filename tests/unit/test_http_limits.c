/*
 * http_mhd: who sends too much, too slowly or in doubtful framing is told so or cut off, and takes
 * nothing from the others.  Time limits here are short, and what is awaited is the end itself.
 */
#include "common/pki.h"
#include "tests/lib/http_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SHORT_MS = 100 };

static void start(struct http_world *world, unsigned idle_ms, unsigned stall_ms)
{
    struct http_options options = http_world_options(world);
    options.limits.idle_ms = idle_ms == 0 ? options.limits.idle_ms : idle_ms;
    options.limits.stall_ms = stall_ms == 0 ? options.limits.stall_ms : stall_ms;
    http_world_start(world, &options);
}

/* ---- time ---- */

static void a_connection_that_asks_nothing_is_ended(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    struct test_http_answer answer;
    start(&world, SHORT_MS, 0);
    test_http_open(&http, http_world_port(&world));
    assert_true(test_http_has_ended(&http));
    test_http_close(&http);
    test_http_open(&http, http_world_port(&world));
    if (test_http_say(&http, "GET /pour?3 HTTP/1.1\r\nHost: h\r\n\r\n") &&
        test_http_answer(&http, false, &answer)) {
        test_http_answer_fini(&answer);
    }
    assert_true(test_http_has_ended(&http));
    test_http_close(&http);
    http_world_stop(&world);
}

/* A header every now and then does not keep it alive. */
static void a_head_that_does_not_end_is_ended(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    start(&world, SHORT_MS, 0);
    test_http_open(&http, http_world_port(&world));
    test_http_say(&http, "GET /pour?3 HTTP/1.1\r\nHost: h\r\n");
    while (test_http_say(&http, "X: y\r\n")) {
    }
    test_http_close(&http);
    assert_int_equal(world.done, 0);
    http_world_stop(&world);
}

static void a_body_that_stops_coming_ends_the_read(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    struct test_http_answer answer;
    start(&world, 0, SHORT_MS);
    test_http_open(&http, http_world_port(&world));
    test_http_say(&http, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nbegin");
    http_world_await_done(&world, 1);
    assert_int_equal(world.code, HEARTH_DEADLINE);
    if (test_http_say(&http, " end.") && test_http_answer(&http, false, &answer)) {
        assert_int_equal(answer.status, 400); /* it may still come, and then be told */
        test_http_answer_fini(&answer);
    }
    test_http_close(&http);
    http_world_stop(&world);
}

/* However it is waited for: the time of all waits together counts. */
static void a_body_that_does_not_come_is_waited_for_no_longer_a_little_at_a_time(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    start(&world, 0, SHORT_MS);
    test_http_open(&http, http_world_port(&world));
    test_http_say(&http, "PUT /patient HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    http_world_await_done(&world, 1);
    assert_int_equal(world.code, HEARTH_DEADLINE);
    test_http_close(&http);
    http_world_stop(&world);
}

static void a_body_that_was_waited_for_is_read(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    struct test_http_answer answer;
    start(&world, 0, 0);
    test_http_open(&http, http_world_port(&world));
    test_http_say(&http, "PUT /patient HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    assert_true(test_http_answer(&http, false, &answer));
    assert_int_equal(answer.status, 200);
    test_http_answer_fini(&answer);
    test_http_close(&http);
    http_world_stop(&world);
}

/* And so does not pile up here. */
static void an_answer_that_is_not_read_ends_the_write(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    start(&world, 0, SHORT_MS);
    test_http_open(&http, http_world_port(&world));
    test_http_say(&http, "GET /pour?1000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    http_world_await_done(&world, 1);
    assert_int_equal(world.code, HEARTH_DEADLINE);
    assert_true(world.moved < 64 << 20);
    test_http_close(&http);
    http_world_stop(&world);
}

/* The handler is done with it long before. */
static void a_small_answer_that_is_not_read_ends_the_connection(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    struct http_counts counts;
    struct http_options options = http_world_options(&world);
    options.limits.stall_ms = SHORT_MS;
    options.limits.rate_min = 1000 * 1000 * 1000;
    http_world_start(&world, &options);
    test_http_open(&http, http_world_port(&world));
    for (unsigned i = 0; i < 10000; i++) {
        if (!test_http_say(&http, "GET /pour?200000 HTTP/1.1\r\nHost: h\r\n\r\n")) {
            break;
        }
    }
    do {
        http_server_count(world.server, &counts);
    } while (counts.connections > 0);
    test_http_close(&http);
    http_world_stop(&world);
}

/* ---- amounts ---- */

static void more_requests_than_may_wait_are_refused(void **state)
{
    (void)state;
    struct http_world world;
    struct http_options options = http_world_options(&world);
    struct test_http http[3];
    struct test_http_answer answer;
    struct http_counts counts;
    options.limits.workers = 1;
    options.limits.waiting_max = 1;
    http_world_start(&world, &options);
    for (unsigned i = 0; i < 3; i++) {
        test_http_open(&http[i], http_world_port(&world));
    }
    test_http_say(&http[0], "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    http_world_await_entered(&world, 1);
    test_http_say(&http[1], "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
    do {
        http_server_count(world.server, &counts);
    } while (counts.waiting == 0);
    test_http_ask(
        &http[2], "PUT /gate HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", &answer);
    assert_int_equal(answer.status, 503);
    test_http_answer_fini(&answer);
    http_world_open_gate(&world);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 2) { /* its connection lives on */
            test_http_say(&http[i], "GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        assert_true(test_http_answer(&http[i], false, &answer));
        assert_int_equal(answer.status, 200);
        test_http_answer_fini(&answer);
        test_http_close(&http[i]);
    }
    http_world_stop(&world);
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
    (void)state;
    struct http_world world;
    struct http_options options = http_world_options(&world);
    struct test_http http[3];
    struct test_http_answer answer;
    options.limits.connections_per_address_max = 2;
    http_world_start(&world, &options);
    for (unsigned i = 0; i < 2; i++) {
        test_http_open(&http[i], http_world_port(&world));
        test_http_ask(&http[i], "GET /pour?3 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
        test_http_answer_fini(&answer);
    }
    test_http_open(&http[2], http_world_port(&world));
    assert_true(test_http_has_ended(&http[2]));
    for (unsigned i = 0; i < 3; i++) {
        test_http_close(&http[i]);
    }
    http_world_stop(&world);
}

static void heads_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct http_world world;
    struct test_http http;
    struct test_http_answer answer;
    static char request[600 << 10];
    start(&world, 0, 0);
    for (unsigned round = 0; round < 2; round++) {
        int used = snprintf(request, sizeof(request), "GET /seen HTTP/1.1\r\nHost: h\r\n");
        for (unsigned i = 0; i < 100; i++) {
            used += snprintf(request + used, sizeof(request) - (size_t)used, "X-%u: %0*d\r\n", i,
                round == 0 ? 1 : 5000, 7);
        }
        snprintf(request + used, sizeof(request) - (size_t)used, "\r\n");
        test_http_open(&http, http_world_port(&world));
        test_http_say(&http, request);
        assert_true(test_http_answer(&http, false, &answer));
        assert_int_equal(answer.status, 431);
        test_http_answer_fini(&answer);
        test_http_close(&http);
    }
    http_world_stop(&world);
}

/* ---- framing ---- */

static void doubtful_framing_ends_the_connection(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdeG",
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\nabc",
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nabcde",
        "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nabcde",
        "GET /echo HTTP/1.1\r\n\r\n",
        "GET http://h/echo HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /ec ho HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\x01"
        "b\r\n\r\n",
        "GET /echo HTTP/9.9\r\nHost: h\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
    };
    struct http_world world;
    struct test_http http;
    struct test_http_answer answer;
    start(&world, 0, 0);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        test_http_open(&http, http_world_port(&world));
        test_http_say(&http, requests[i]);
        shutdown(http.fd, SHUT_WR);
        if (test_http_answer(&http, false, &answer)) {
            if (answer.status < 400) {
                fail_msg("answered %u: %s", answer.status, requests[i]);
            }
            test_http_answer_fini(&answer);
        }
        while (!test_http_has_ended(&http)) {
            /* What libmicrohttpd itself refuses has its head sent twice: no answer follows it. */
        }
        test_http_close(&http);
    }
    assert_int_equal(world.done, 0);
    http_world_stop(&world);
}

/* ---- TLS ---- */

/* A key, and a certificate for it that clients do not look at. */
static void make_certificate(char **key_pem, char **certificate)
{
    struct hearth_err err;
    struct pki_key *key;
    const uint8_t cluster[PKI_CLUSTER_SIZE] = {1};
    const struct pki_subject subject = {.class = PEER_COORDINATOR, .lifetime_s = 3600};
    assert_ok(pki_key_create(&key, &err), &err);
    struct pki_subject own = subject;
    own.key = key;
    char *ca = pki_ca_certificate(env_system(), key, cluster, 3600);
    assert_ok(pki_issue(env_system(), key, ca, &own, certificate, &err), &err);
    *key_pem = pki_key_pem(key);
    free(ca);
    pki_key_destroy(key);
}

static void tls_is_spoken_and_ended_cleanly(void **state)
{
    (void)state;
    struct http_world world;
    struct http_options options = http_world_options(&world);
    struct test_http http;
    struct test_http_answer answer;
    char *key;
    char *certificate;
    make_certificate(&key, &certificate);
    options.certificate = certificate;
    options.key = key;
    http_world_start(&world, &options);
    test_http_open_tls(&http, http_world_port(&world));
    test_http_ask(&http, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", &answer);
    assert_int_equal(answer.body_size, 3);
    test_http_answer_fini(&answer);
    test_http_ask(&http, "GET /chunks?3000000 HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.body_size, 3000000);
    test_http_answer_fini(&answer);
    test_http_ask(&http, "GET /seen HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &answer);
    assert_non_null(strstr((char *)answer.body, " tls\n"));
    test_http_answer_fini(&answer);
    assert_true(test_http_has_ended_cleanly(&http));
    test_http_close(&http);
    http_world_stop(&world);
    pki_pem_destroy(key);
    free(certificate);
}

static void a_key_that_is_none_is_refused_at_the_start(void **state)
{
    (void)state;
    struct http_world world;
    struct http_options options = http_world_options(&world);
    struct hearth_err err;
    char *key;
    make_certificate(&key, (char **)&options.certificate);
    options.key = "not a key";
    assert_int_equal(http_server_start(&options, &world.server, &err), HEARTH_INVALID);
    pki_pem_destroy(key);
    free((char *)(uintptr_t)options.certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_asks_nothing_is_ended),
        cmocka_unit_test(a_head_that_does_not_end_is_ended),
        cmocka_unit_test(a_body_that_stops_coming_ends_the_read),
        cmocka_unit_test(a_body_that_does_not_come_is_waited_for_no_longer_a_little_at_a_time),
        cmocka_unit_test(a_body_that_was_waited_for_is_read),
        cmocka_unit_test(an_answer_that_is_not_read_ends_the_write),
        cmocka_unit_test(a_small_answer_that_is_not_read_ends_the_connection),
        cmocka_unit_test(more_requests_than_may_wait_are_refused),
        cmocka_unit_test(an_address_has_so_many_connections_and_no_more),
        cmocka_unit_test(heads_beyond_the_limits_are_refused),
        cmocka_unit_test(doubtful_framing_ends_the_connection),
        cmocka_unit_test(tls_is_spoken_and_ended_cleanly),
        cmocka_unit_test(a_key_that_is_none_is_refused_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
