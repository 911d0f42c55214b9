#include "tests/lib/http_world.h"

#include "common/cleanup.h"
#include "common/moment.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 60 * 1000, PIECE = 60000, ECHO_MAX = 4 << 20 };

uint8_t http_world_byte(uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251);
}

/* ---- what handlers do ---- */

static void note(
    struct http_world *world, struct http_exchange *exchange, enum hearth_code code, uint64_t moved)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    world->code = code;
    world->moved = moved;
    world->cancelled = atomic_load(http_exchange_cancelled(exchange));
}

static void answer_text(struct http_exchange *exchange, unsigned status, const char *text)
{
    static const struct http_header headers[] = {{"x-test", "yes"}};
    http_answer(exchange, status, 1, headers, view_text(text));
}

static void answer_seen(struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    char text[32 << 10];
    int used = snprintf(text, sizeof(text), "%s %s %s %s\n", head->method, head->target, head->peer,
        head->tls ? "tls" : "clear");
    for (unsigned i = 0; i < head->header_count; i++) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%s=%s\n", head->headers[i].name,
            head->headers[i].value);
    }
    answer_text(exchange, 200, text);
}

/* Until the end or a failure; what does not fit is counted only. */
static uint64_t read_all(
    struct http_world *world, struct http_exchange *exchange, uint8_t *bytes, size_t bytes_max)
{
    struct hearth_err err;
    struct hearth_source body = http_exchange_body(exchange);
    uint8_t piece[PIECE];
    uint64_t total = 0;
    size_t got;
    enum hearth_code code;
    while ((code = body.read(body.context, piece, sizeof(piece), &got, &err)) == HEARTH_OK &&
        got > 0) {
        if (total + got <= bytes_max) {
            memcpy(bytes + total, piece, got);
        }
        total += got;
    }
    note(world, exchange, code, total);
    return code == HEARTH_OK ? total : UINT64_MAX;
}

static void answer_echo(struct http_world *world, struct http_exchange *exchange)
{
    uint8_t *bytes = malloc(ECHO_MAX);
    uint64_t size = read_all(world, exchange, bytes, ECHO_MAX);
    if (size <= ECHO_MAX) {
        http_answer(exchange, 200, 0, NULL, view_of(bytes, (size_t)size));
    } else {
        answer_text(exchange, 400, "the body failed");
    }
    free(bytes);
}

/* As who has other things to do meanwhile. */
static void answer_patient(struct http_world *world, struct http_exchange *exchange)
{
    const struct hearth_source body = http_exchange_body(exchange);
    while (!body.wait(body.context, 1)) {
    }
    answer_echo(world, exchange);
}

static void answer_half(struct http_exchange *exchange)
{
    struct hearth_err err;
    struct hearth_source body = http_exchange_body(exchange);
    uint8_t piece[100];
    size_t got = 0;
    body.read(body.context, piece, sizeof(piece), &got, &err);
    answer_text(exchange, 400, "no more");
}

static void pass_gate(struct http_world *world)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    world->entered++;
    pthread_cond_broadcast(&world->changed);
    while (!world->gate_open) {
        pthread_cond_wait(&world->changed, held);
    }
}

static void answer_count(struct http_world *world, struct http_exchange *exchange)
{
    struct hearth_err err;
    struct hearth_source body = http_exchange_body(exchange);
    uint8_t byte;
    size_t got = 0;
    char text[32];
    body.read(body.context, &byte, 1, &got, &err);
    pass_gate(world);
    uint64_t count = got + read_all(world, exchange, NULL, 0);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
    answer_text(exchange, 200, text);
}

static enum hearth_code pour(struct http_exchange *exchange, uint64_t total, uint64_t *out_moved)
{
    struct hearth_err err;
    uint8_t piece[PIECE];
    for (uint64_t at = 0; at < total;) {
        size_t size = total - at < PIECE ? (size_t)(total - at) : PIECE;
        for (size_t i = 0; i < size; i++) {
            piece[i] = http_world_byte(at + i);
        }
        enum hearth_code code = http_answer_write(exchange, view_of(piece, size), &err);
        if (code != HEARTH_OK) {
            return code;
        }
        at += size;
        *out_moved = at;
    }
    return HEARTH_OK;
}

static void answer_pour(
    struct http_world *world, struct http_exchange *exchange, uint64_t total, uint64_t size)
{
    uint64_t moved = 0;
    enum hearth_code code = HEARTH_OK;
    http_answer_start(exchange, 200, 0, NULL, size);
    if (strcmp(http_exchange_head(exchange)->method, "HEAD") != 0) {
        code = pour(exchange, total, &moved);
    }
    note(world, exchange, code, moved);
    if (code == HEARTH_OK && (size == total || size == HEARTH_SIZE_UNKNOWN)) {
        http_answer_end(exchange);
    } else {
        http_answer_abort(exchange);
    }
}

static void act(struct http_world *world, struct http_exchange *exchange)
{
    const char *target = http_exchange_head(exchange)->target;
    const char *query = strchr(target, '?');
    uint64_t number = query == NULL ? 0 : strtoull(query + 1, NULL, 10);
    if (strncmp(target, "/seen", 5) == 0) {
        answer_seen(exchange);
    } else if (strcmp(target, "/echo") == 0) {
        answer_echo(world, exchange);
    } else if (strcmp(target, "/patient") == 0) {
        answer_patient(world, exchange);
    } else if (strcmp(target, "/refuse") == 0) {
        answer_text(exchange, 403, "refused");
    } else if (strcmp(target, "/half") == 0) {
        answer_half(exchange);
    } else if (strcmp(target, "/gate") == 0) {
        pass_gate(world);
        answer_text(exchange, 200, "ok");
    } else if (strcmp(target, "/count") == 0) {
        answer_count(world, exchange);
    } else if (strncmp(target, "/pour", 5) == 0) {
        answer_pour(world, exchange, number, number);
    } else if (strncmp(target, "/chunks", 7) == 0) {
        answer_pour(world, exchange, number, HEARTH_SIZE_UNKNOWN);
    } else if (strncmp(target, "/cut", 4) == 0) {
        answer_pour(world, exchange, number, 1000 * 1000);
    } else if (strncmp(target, "/status", 7) == 0) {
        answer_text(exchange, (unsigned)number, "");
    }
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct http_world *world = context;
    act(world, exchange);
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    world->done++;
    pthread_cond_broadcast(&world->changed);
}

static void refuse(void *context, struct http_exchange *exchange, unsigned status, const char *why)
{
    (void)context;
    answer_text(exchange, status, why);
}

/* ---- the server ---- */

struct http_options http_world_options(struct http_world *world)
{
    return (struct http_options){
        .listen = {.host = "127.0.0.1"},
        .threads = 2,
        .limits = {.connections_max = 64,
            .connections_per_address_max = 64,
            .workers = 8,
            .waiting_max = 32,
            .headers_max = 100,
            .head_size_max = 32 << 10,
            .idle_ms = WAIT_MS,
            .stall_ms = WAIT_MS,
            .rate_min = 1000},
        .handle = handle,
        .refuse = refuse,
        .context = world,
    };
}

void http_world_start(struct http_world *world, const struct http_options *options)
{
    struct hearth_err err;
    pthread_condattr_t attributes;
    memset(world, 0, sizeof(*world));
    pthread_mutex_init(&world->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&world->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    assert_ok(http_server_start(options, &world->server, &err), &err);
}

void http_world_open_gate(struct http_world *world)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    world->gate_open = true;
    pthread_cond_broadcast(&world->changed);
}

void http_world_stop(struct http_world *world)
{
    http_world_open_gate(world);
    http_server_stop_blocking(world->server, WAIT_MS);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->mutex);
}

unsigned http_world_port(const struct http_world *world)
{
    return http_server_port(world->server);
}

static void await(struct http_world *world, const unsigned *number, unsigned count)
{
    const struct timespec until = moment_after_ms(WAIT_MS);
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    while (*number < count) {
        assert_int_equal(pthread_cond_timedwait(&world->changed, held, &until), 0);
    }
}

void http_world_await_entered(struct http_world *world, unsigned count)
{
    await(world, &world->entered, count);
}

void http_world_await_done(struct http_world *world, unsigned count)
{
    await(world, &world->done, count);
}
