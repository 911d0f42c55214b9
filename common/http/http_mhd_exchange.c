#include "common/http/http_listen.h"
#include "common/http/http_mhd.h"
#include "common/moment.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

enum { HEAD_MEMORY_MAX = 1 << 20 };

/* ---- life ---- */

static void link_to_server(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    exchange->cut = server->cutting;
    atomic_store(&exchange->cancelled, exchange->cut);
    exchange->next = server->exchanges;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    server->exchanges = exchange;
}

static void unlink_from_server(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    *(exchange->previous == NULL ? &server->exchanges : &exchange->previous->next) = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    if (server->exchanges == NULL) {
        pthread_cond_broadcast(&server->emptied);
    }
}

static void init_waiting(struct http_exchange *exchange)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&exchange->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&exchange->moved, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct http_exchange *http_exchange_create(
    struct http_server *server, struct MHD_Connection *connection, const char *target)
{
    struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        return NULL;
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->references = 1;
    arena_init(&exchange->arena, HEAD_MEMORY_MAX);
    init_waiting(exchange);
    link_to_server(exchange);
    exchange->head.target = arena_text(&exchange->arena, view_text(target));
    exchange->head.tls = server->tls;
    return exchange;
}

static void destroy(struct http_exchange *exchange)
{
    assert(exchange->response == NULL);
    unlink_from_server(exchange);
    http_ring_fini(&exchange->in);
    http_ring_fini(&exchange->out);
    free(exchange->whole);
    arena_fini(&exchange->arena);
    pthread_cond_destroy(&exchange->moved);
    pthread_mutex_destroy(&exchange->mutex);
    free(exchange);
}

void http_exchange_release(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->mutex);
    bool was_last = --exchange->references == 0;
    pthread_mutex_unlock(&exchange->mutex);
    if (was_last) {
        destroy(exchange);
    }
}

/* ---- head ---- */

struct gathering {
    struct arena *arena;
    struct http_header *headers;
    unsigned count;
    unsigned max;
    bool failed;
};

static enum MHD_Result gather_header(void *context, enum MHD_ValueKind kind, const char *key,
    size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    struct gathering *gathering = context;
    char *name = arena_text(gathering->arena, view_of(key, key_size));
    char *text = arena_text(gathering->arena, view_of(value, value_size));
    if (name == NULL || text == NULL || gathering->count == gathering->max) {
        gathering->failed = true;
        return MHD_NO;
    }
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    gathering->headers[gathering->count++] = (struct http_header){name, text};
    return MHD_YES;
}

static const char *peer_text(struct http_exchange *exchange)
{
    char text[INET6_ADDRSTRLEN];
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    http_address_text(info->client_addr, text);
    return arena_text(&exchange->arena, view_text(text));
}

bool http_exchange_take_head(struct http_exchange *exchange, const char *method)
{
    int count = MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, NULL, NULL);
    struct gathering gathering = {.arena = &exchange->arena, .max = (unsigned)count};
    gathering.headers =
        arena_take_array(&exchange->arena, (size_t)count + 1, sizeof(*gathering.headers));
    exchange->head.method = arena_text(&exchange->arena, view_text(method));
    exchange->head.peer = peer_text(exchange);
    if (gathering.headers == NULL || exchange->head.method == NULL || exchange->head.peer == NULL ||
        exchange->head.target == NULL) {
        return false;
    }
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, gather_header, &gathering);
    exchange->head.header_count = gathering.count;
    exchange->head.headers = gathering.headers;
    exchange->framing = http_framing_of(&exchange->head, &exchange->server->limits);
    exchange->is_head = strcmp(method, "HEAD") == 0;
    return !gathering.failed;
}

const struct http_head *http_exchange_head(const struct http_exchange *exchange)
{
    return &exchange->head;
}

uint64_t http_exchange_body_size(const struct http_exchange *exchange)
{
    return exchange->framing.body_size;
}

const atomic_bool *http_exchange_cancelled(const struct http_exchange *exchange)
{
    return &exchange->cancelled;
}

/* ---- whose turn it is ---- */

void http_exchange_suspend(struct http_exchange *exchange)
{
    assert(!exchange->suspended && !exchange->gone);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
}

void http_exchange_resume(struct http_exchange *exchange)
{
    if (exchange->suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->connection);
    }
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t ms_between(const struct timespec *start, const struct timespec *end)
{
    return (
        uint64_t)((end->tv_sec - start->tv_sec) * 1000 + (end->tv_nsec - start->tv_nsec) / 1000000);
}

/*
 * The other side may keep us waiting for stall_ms at once, and altogether for that and the time
 * that what has moved takes at rate_min: one byte every now and then is not enough.
 */
bool http_exchange_wait(struct http_exchange *exchange, struct http_patience *patience,
    uint64_t moved_bytes, unsigned wait_ms)
{
    const struct http_limits *limits = &exchange->server->limits;
    uint64_t allowed = limits->stall_ms + moved_bytes / limits->rate_min * 1000;
    if (patience->waited_ms >= allowed || patience->still_ms >= limits->stall_ms) {
        return false;
    }
    uint64_t left = smaller(allowed - patience->waited_ms, limits->stall_ms - patience->still_ms);
    left = smaller(left, wait_ms);
    struct timespec start = moment_after_ms(0);
    struct timespec until = moment_after_ms(left);
    bool is_over = pthread_cond_timedwait(&exchange->moved, &exchange->mutex, &until) != 0;
    struct timespec end = moment_after_ms(0);
    uint64_t waited = is_over ? left : ms_between(&start, &end);
    patience->waited_ms += waited;
    patience->still_ms += waited;
    return true;
}

/* ---- the body ---- */

static enum hearth_code fail_gone(const struct http_exchange *exchange, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_CANCELLED, "%s",
        exchange->cut ? "the gateway is being stopped" : "the client has gone");
}

/* Under the mutex: whether a read would not wait. */
static bool has_news(const struct http_exchange *exchange)
{
    return exchange->in.used > 0 || exchange->body_ended || exchange->gone || exchange->cut;
}

/* Under the mutex. */
static enum hearth_code wait_for_bytes(struct http_exchange *exchange, struct hearth_err *err)
{
    while (!has_news(exchange)) {
        http_exchange_resume(exchange);
        if (!http_exchange_wait(exchange, &exchange->in_patience, exchange->received, UINT_MAX)) {
            return hearth_fail(err, HEARTH_DEADLINE, "the client sends too slowly");
        }
    }
    exchange->in_patience.still_ms = 0;
    return exchange->in.used > 0 || exchange->body_ended ? HEARTH_OK : fail_gone(exchange, err);
}

/* Under the mutex.  The first read lets the body come. */
static enum hearth_code want_body(struct http_exchange *exchange, struct hearth_err *err)
{
    if (exchange->body_wanted || exchange->framing.body_size == 0) {
        return HEARTH_OK;
    }
    uint64_t size = exchange->framing.body_size;
    if (!http_ring_create(&exchange->in, size < HTTP_RING_SIZE ? (size_t)size : HTTP_RING_SIZE)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "out of memory for the body");
    }
    exchange->body_wanted = true;
    return HEARTH_OK;
}

static enum hearth_code read_body(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct http_exchange *exchange = context;
    assert(size > 0);
    if (exchange->framing.body_size == 0) {
        *out_got = 0;
        return HEARTH_OK;
    }
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    if (want_body(exchange, err) != HEARTH_OK || wait_for_bytes(exchange, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "read the body");
    }
    *out_got = http_ring_take(&exchange->in, bytes, size);
    if (http_ring_room(&exchange->in) >= exchange->in.capacity / 2 && !exchange->body_ended) {
        http_exchange_resume(exchange);
    }
    return HEARTH_OK;
}

/* A read says what is wrong, so when something is, it is waited for no longer. */
static bool wait_body(void *context, unsigned wait_ms)
{
    struct http_exchange *exchange = context;
    struct hearth_err err;
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    if (exchange->framing.body_size == 0 || want_body(exchange, &err) != HEARTH_OK ||
        has_news(exchange)) {
        return true;
    }
    http_exchange_resume(exchange);
    return !http_exchange_wait(exchange, &exchange->in_patience, exchange->received, wait_ms) ||
        has_news(exchange);
}

struct hearth_source http_exchange_body(struct http_exchange *exchange)
{
    return (struct hearth_source){.read = read_body, .wait = wait_body, .context = exchange};
}
