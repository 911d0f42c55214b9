/*
 * http.h - HTTP/1.1 as a handler sees it: a head, bytes in, bytes out.
 *
 *   connection --> struct http_exchange --> handler on a worker thread --> answer
 *                     head    decoded by nobody: method, raw target, headers
 *                     body    a blocking read; bounded ahead of the reader, then the client waits
 *                     answer  whole, or streamed; bounded ahead of the client, then we wait
 *
 * A handler is plain blocking code.  It is called once for each request whose framing is beyond
 * doubt, on one of a bounded number of workers; a request for which none is free is answered by the
 * server itself, through `refuse`.  It gives exactly one answer before it returns.  "100 Continue"
 * goes out when it first reads the body, so that whatever it refuses before that is never sent.
 *
 * The only implementation is http_mhd.c, on libmicrohttpd, whose types stop there.
 *
 * Threads: an exchange belongs to the worker that runs its handler, and ends when that returns.
 */
#ifndef HEARTH_COMMON_HTTP_HTTP_H
#define HEARTH_COMMON_HTTP_HTTP_H

#include "client/hearth.h"
#include "common/config.h"

/* ---- what came ---- */

struct http_header {
    const char *name; /* lower case */
    const char *value;
};

struct http_head {
    const char *method;
    const char *target; /* raw path?query, as received */
    unsigned header_count;
    const struct http_header *headers; /* in the order received; a name may be there twice */
    bool tls;
    const char *peer; /* address as text, without port */
};

/* The value of the first header of that name (lower case); NULL: there is none. */
const char *http_head_find(const struct http_head *head, const char *name);

/* How many headers have that name. */
unsigned http_head_count(const struct http_head *head, const char *name);

/* Whether it can be the name of a header, or a method: RFC 9110's token. */
bool http_is_token(const char *text);

/* ---- an exchange ---- */

struct http_exchange;

/* Lives as long as the exchange. */
const struct http_head *http_exchange_head(const struct http_exchange *exchange);

/* As announced, before any decoding: 0 without a body, HEARTH_SIZE_UNKNOWN when it is chunked. */
uint64_t http_exchange_body_size(const struct http_exchange *exchange);

/*
 * The bytes as they come.  Reading fails when the client has gone (CANCELLED) or sends too slowly
 * (DEADLINE).
 */
struct hearth_source http_exchange_body(struct http_exchange *exchange);

/* Becomes true when the client has gone or the server must end: for struct hearth_control. */
const atomic_bool *http_exchange_cancelled(const struct http_exchange *exchange);

/* ---- the answer ---- */

/*
 * The whole answer; headers and body are copied.  Names as they shall appear; no value may hold
 * control bytes.  With HEAD and with status 204 and 304 the body is left out.
 */
void http_answer(struct http_exchange *exchange, unsigned status, unsigned header_count,
    const struct http_header *headers, struct view body);

/*
 * An answer that is made while it is sent.  `size` is what will be written in all, or
 * HEARTH_SIZE_UNKNOWN: then it goes out in chunks.  With HEAD nothing may be written after it.
 */
void http_answer_start(struct http_exchange *exchange, unsigned status, unsigned header_count,
    const struct http_header *headers, uint64_t size);

/* Waits while the client is behind.  CANCELLED: it has gone; DEADLINE: it reads too slowly. */
enum hearth_code http_answer_write(
    struct http_exchange *exchange, struct view bytes, struct hearth_err *err);

/* All of it was written. */
void http_answer_end(struct http_exchange *exchange);

/* The connection is cut, so that nobody takes the part that was sent for the whole. */
void http_answer_abort(struct http_exchange *exchange);

/* ---- a server ---- */

struct http_limits {
    unsigned connections_max;
    unsigned connections_per_address_max;
    unsigned workers;       /* handlers at once */
    unsigned waiting_max;   /* requests that wait for one; beyond: refused */
    unsigned headers_max;   /* of a request */
    unsigned head_size_max; /* bytes of target, names and values together */
    unsigned idle_ms;       /* a connection without a request, and a head that does not end */
    unsigned stall_ms;      /* nothing moves of a body or an answer, though we are ready */
    unsigned rate_min;      /* bytes a second that a body or an answer must move in the long run */
};

struct http_options {
    struct config_address listen;
    unsigned threads;        /* that move bytes */
    const char *certificate; /* PEM text, with its chain; NULL: in clear */
    const char *key;         /* PEM text */
    struct http_limits limits;
    void (*handle)(void *context, struct http_exchange *exchange);
    /* Answers at once, without reading the body: 400 the framing, 431 the head is too large, 503
     * too many requests.  Runs on a thread that must not wait. */
    void (*refuse)(void *context, struct http_exchange *exchange, unsigned status, const char *why);
    void *context;
};

struct http_server;

enum hearth_code http_server_start(
    const struct http_options *options, struct http_server **out, struct hearth_err *err);

unsigned http_server_port(const struct http_server *server);

/* What its limits are about, now. */
struct http_counts {
    unsigned connections;
    unsigned running;        /* handlers */
    unsigned waiting;        /* for a worker */
    uint64_t received_bytes; /* of bodies, since the start */
    uint64_t sent_bytes;
};

void http_server_count(struct http_server *server, struct http_counts *out);

/*
 * From now on new connections see this certificate; who is connected goes on with the one of
 * before. PEM text each, borrowed for the call.  On failure nothing has changed.  HEARTH_INVALID:
 * they do not belong together, or the server speaks no TLS; HEARTH_BUSY: connections of several
 * certificates before are still open.  Not while it is stopped.
 */
enum hearth_code http_server_renew(
    struct http_server *server, const char *certificate, const char *key, struct hearth_err *err);

/* Takes no connection any more, lets what runs end for up to drain_ms, cuts the rest. NULL: ok. */
void http_server_stop_blocking(struct http_server *server, unsigned drain_ms);

#endif /* HEARTH_COMMON_HTTP_HTTP_H */
