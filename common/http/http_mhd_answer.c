/*
 * The answer, from both sides: the handler makes it, libmicrohttpd's threads take it.
 *
 * What is small is gathered and sent at once, in one system call with its head; what is larger goes
 * through the out ring.
 */
#include "common/http/http_mhd.h"

#include <limits.h>
#include <stdlib.h>

/* ---- handing it over ---- */

static void add_headers(struct http_exchange *exchange, struct MHD_Response *response)
{
    for (unsigned i = 0; i < exchange->header_count; i++) {
        const struct http_header *header = &exchange->headers[i];
        /* libmicrohttpd takes no empty value; a space around a value is no part of it. */
        const char *value = header->value[0] != '\0' ? header->value : " ";
        enum MHD_Result added = MHD_add_response_header(response, header->name, value);
        assert(added == MHD_YES); /* the caller let no byte through that may not stand there */
    }
}

/* How long a client that reads as slowly as it may takes for what is not sent yet. */
static uint64_t patience_ms(const struct http_exchange *exchange, uint64_t size)
{
    const struct http_limits *limits = &exchange->server->limits;
    return limits->stall_ms + size / limits->rate_min * 1000;
}

/* Under the mutex. NULL: there was no memory for it, and the connection is cut. */
static void publish(struct http_exchange *exchange, struct MHD_Response *response)
{
    if (exchange->gone || response == NULL) {
        exchange->answer = HTTP_ANSWER_ABORTED;
        if (response != NULL) {
            MHD_destroy_response(response);
        }
    } else {
        exchange->answer = HTTP_ANSWER_READY;
        exchange->response = response;
        exchange->response_status = exchange->status;
    }
    http_exchange_resume(exchange);
}

static void publish_whole(
    struct http_exchange *exchange, struct MHD_Response *response, size_t size)
{
    if (response != NULL) {
        add_headers(exchange, response);
    }
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    exchange->out_ended = true;
    if (!exchange->gone) {
        http_link_expect(exchange->link, patience_ms(exchange, size + HTTP_DISCARD_MAX));
    }
    publish(exchange, response);
}

static struct MHD_Response *take_ready(struct http_exchange *exchange, unsigned *out_status)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    struct MHD_Response *response = exchange->response;
    assert(exchange->answer == HTTP_ANSWER_READY && response != NULL);
    exchange->answer = HTTP_ANSWER_QUEUED;
    exchange->response = NULL;
    *out_status = exchange->response_status;
    return response;
}

/* Libmicrohttpd locks the response for this, and while it calls take_out(), which takes our mutex:
 * so that is not held here. */
enum MHD_Result http_exchange_queue(struct http_exchange *exchange)
{
    unsigned status;
    struct MHD_Response *response = take_ready(exchange, &status);
    if (exchange->closes || atomic_load(&exchange->server->draining)) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result result = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- whole ---- */

void http_answer(struct http_exchange *exchange, unsigned status, unsigned header_count,
    const struct http_header *headers, struct view body)
{
    assert(exchange->status == 0);
    exchange->status = status;
    exchange->header_count = header_count;
    exchange->headers = headers;
    void *bytes = (void *)(uintptr_t)body.bytes; /* copied, not changed */
    publish_whole(exchange,
        MHD_create_response_from_buffer(body.size, bytes, MHD_RESPMEM_MUST_COPY), body.size);
}

/* ---- streamed ---- */

/* *has_room: whoever waits for room has some. */
static ssize_t take_some(struct http_exchange *exchange, char *bytes, size_t size, bool *has_room)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    if (exchange->out_aborted || exchange->cut) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t taken = http_ring_take(&exchange->out, bytes, size);
    if (taken > 0) {
        atomic_fetch_add(&exchange->server->sent_bytes, taken);
        *has_room = http_ring_room(&exchange->out) >= exchange->out.capacity / 2;
        return (ssize_t)taken;
    }
    if (exchange->out_ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    http_exchange_suspend(exchange);
    return 0;
}

/* Libmicrohttpd asks for more.  The worker is woken without the mutex, which it wants at once. */
static ssize_t take_out(void *context, uint64_t position, char *bytes, size_t size)
{
    struct http_exchange *exchange = context;
    bool has_room = false;
    (void)position;
    ssize_t taken = take_some(exchange, bytes, size, &has_room);
    if (has_room) {
        pthread_cond_signal(&exchange->moved);
    }
    return taken;
}

static void copy_headers(
    struct http_exchange *exchange, unsigned header_count, const struct http_header *headers)
{
    struct http_header *copies =
        arena_take_array(&exchange->arena, header_count + 1, sizeof(*copies));
    exchange->headers = copies;
    exchange->header_count = copies == NULL ? 0 : header_count;
    for (unsigned i = 0; i < exchange->header_count; i++) {
        copies[i].name = arena_text(&exchange->arena, view_text(headers[i].name));
        copies[i].value = arena_text(&exchange->arena, view_text(headers[i].value));
        if (copies[i].name == NULL || copies[i].value == NULL) {
            exchange->headers = NULL;
            return;
        }
    }
}

static bool is_whole(const struct http_exchange *exchange)
{
    return exchange->out_size <= HTTP_RING_SIZE || exchange->is_head;
}

void http_answer_start(struct http_exchange *exchange, unsigned status, unsigned header_count,
    const struct http_header *headers, uint64_t size)
{
    assert(exchange->status == 0);
    exchange->status = status;
    exchange->out_size = size;
    copy_headers(exchange, header_count, headers);
    if (exchange->headers == NULL) {
        atomic_store(&exchange->cancelled, true);
    } else if (is_whole(exchange)) {
        exchange->whole = exchange->is_head ? NULL : malloc((size_t)size + 1);
        atomic_store(&exchange->cancelled, exchange->whole == NULL && !exchange->is_head);
    } else if (!http_ring_create(&exchange->out, HTTP_RING_SIZE)) {
        atomic_store(&exchange->cancelled, true);
    }
}

static struct MHD_Response *make_stream(struct http_exchange *exchange)
{
    uint64_t size =
        exchange->out_size == HEARTH_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN : exchange->out_size;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, HTTP_BLOCK_SIZE, take_out, exchange, NULL);
    if (response != NULL) {
        add_headers(exchange, response);
    }
    return response;
}

/* Under the mutex: whether it is worth waking the connection. */
static bool should_flush(const struct http_exchange *exchange)
{
    return exchange->out_size == HEARTH_SIZE_UNKNOWN || exchange->out.used >= HTTP_FLUSH_SIZE;
}

static enum hearth_code write_out(
    struct http_exchange *exchange, struct view bytes, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    for (;;) {
        if (exchange->gone || exchange->cut) {
            return hearth_fail(err, HEARTH_CANCELLED, "write the answer: the client has gone");
        }
        size_t put = http_ring_put(&exchange->out, bytes);
        bytes = view_of(bytes.bytes + put, bytes.size - put);
        if (should_flush(exchange) || bytes.size > 0) {
            if (exchange->answer == HTTP_ANSWER_NONE) {
                publish(exchange, make_stream(exchange));
            }
            http_exchange_resume(exchange);
        }
        if (bytes.size == 0) {
            return HEARTH_OK;
        }
        exchange->out_patience.still_ms = put > 0 ? 0 : exchange->out_patience.still_ms;
        if (!http_exchange_wait(
                exchange, &exchange->out_patience, exchange->out_written, UINT_MAX)) {
            return hearth_fail(
                err, HEARTH_DEADLINE, "write the answer: the client reads too slowly");
        }
    }
}

enum hearth_code http_answer_write(
    struct http_exchange *exchange, struct view bytes, struct hearth_err *err)
{
    assert(exchange->status != 0 && !exchange->is_head);
    assert(exchange->out_size == HEARTH_SIZE_UNKNOWN ||
        bytes.size <= exchange->out_size - exchange->out_written);
    if (atomic_load(&exchange->cancelled)) {
        return hearth_fail(err, HEARTH_CANCELLED, "write the answer: there is nobody to read it");
    }
    if (is_whole(exchange)) {
        memcpy(exchange->whole + exchange->out_written, bytes.bytes, bytes.size);
    } else if (bytes.size > 0 && write_out(exchange, bytes, err) != HEARTH_OK) {
        return err->code;
    }
    exchange->out_written += bytes.size;
    return HEARTH_OK;
}

/* What HEAD would have sent is told by its length alone; nothing ever asks for the bytes. */
static struct MHD_Response *make_whole(struct http_exchange *exchange)
{
    if (exchange->is_head) {
        return make_stream(exchange);
    }
    uint8_t *bytes = exchange->whole;
    exchange->whole = NULL;
    atomic_fetch_add(&exchange->server->sent_bytes, exchange->out_size);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)exchange->out_size, bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(bytes);
        return NULL;
    }
    add_headers(exchange, response);
    return response;
}

void http_answer_end(struct http_exchange *exchange)
{
    assert(exchange->status != 0);
    assert(exchange->is_head || exchange->out_size == HEARTH_SIZE_UNKNOWN ||
        exchange->out_written == exchange->out_size || atomic_load(&exchange->cancelled));
    if (atomic_load(&exchange->cancelled)) {
        http_answer_abort(exchange);
        return;
    }
    struct MHD_Response *whole = is_whole(exchange) ? make_whole(exchange) : NULL;
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    exchange->out_ended = true;
    if (!exchange->gone) {
        http_link_expect(exchange->link, patience_ms(exchange, HTTP_RING_SIZE + HTTP_DISCARD_MAX));
    }
    if (exchange->answer == HTTP_ANSWER_NONE) {
        publish(exchange, is_whole(exchange) ? whole : make_stream(exchange));
    }
    http_exchange_resume(exchange);
}

void http_answer_abort(struct http_exchange *exchange)
{
    UNLOCKS pthread_mutex_t *held = lock(&exchange->mutex);
    exchange->out_aborted = true;
    if (exchange->answer == HTTP_ANSWER_NONE) {
        exchange->answer = HTTP_ANSWER_ABORTED;
    }
    http_exchange_resume(exchange);
}
