/*
 * http_mhd.h - inside the HTTP server: who owns what, between libmicrohttpd's threads and workers.
 *
 *   libmicrohttpd's threads (epoll)                      a worker
 *     head --------------------> exchange ------------->   handler
 *     body callback --put--> in ring  --take-->              reads
 *     suspended while it is full                             waits while it is empty
 *     answer callback <-take-- out ring <--put--             writes
 *     suspended while it is empty                            waits while it is full
 *
 * A connection is suspended whenever it is the handler's turn; who makes it the connection's turn
 * resumes it.  Both happen under the exchange's mutex, so that neither is missed nor done twice.
 *
 * An exchange has two references, the connection's and the worker's; each side may be the last.
 *
 * Locks: server->mutex, then exchange->mutex, then what libmicrohttpd takes in resume and suspend.
 */
#ifndef HEARTH_COMMON_HTTP_HTTP_MHD_H
#define HEARTH_COMMON_HTTP_HTTP_MHD_H

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/http/http.h"
#include "common/http/http_framing.h"
#include "common/http/http_ring.h"
#include "proto/rpc_workers.h"

#include <microhttpd.h>

enum {
    /* Half of it is what a body callback can get at once; all of it is zeroed after each request.
     */
    HTTP_CONNECTION_MEMORY = 128 << 10,
    HTTP_RING_SIZE = 256 << 10,  /* each way; small bodies and answers take less */
    HTTP_BLOCK_SIZE = 128 << 10, /* of an answer, asked for at once */
    HTTP_FLUSH_SIZE = 128 << 10, /* less than this in the out ring wakes nobody yet */
    HTTP_DISCARD_MAX = 16 << 20, /* of a body nobody wants, so that its answer is read */
};

/* A connection, for the watch: whether it is late. */
struct http_link {
    int fd;
    atomic_uint_least64_t deadline_ms; /* 0: not its turn */
    struct http_link *next;
    struct http_link *previous;
};

/* How long the other side has kept us waiting, in one direction. */
struct http_patience {
    uint64_t waited_ms; /* in all */
    uint64_t still_ms;  /* since something moved last */
};

enum http_answer_state {
    HTTP_ANSWER_NONE,
    HTTP_ANSWER_READY, /* response is there, to be queued */
    HTTP_ANSWER_QUEUED,
    HTTP_ANSWER_ABORTED,
};

struct http_exchange {
    struct rpc_job job;

    /* Set once. */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_link *link; /* until `gone` */
    struct arena arena;
    struct http_head head;
    struct http_framing framing;
    bool is_head; /* the method */

    /* Connection's thread only. */
    bool head_taken;
    bool dispatched;
    bool body_begun; /* libmicrohttpd was let go on to the body */
    bool closes;     /* the connection, after the answer */

    /* The worker's only. */
    struct http_patience in_patience;
    struct http_patience out_patience;
    uint64_t out_size; /* of the answer that is being written */
    uint64_t out_written;
    unsigned status; /* of the answer that was begun; 0: none */
    unsigned header_count;
    const struct http_header *headers;
    uint8_t *whole; /* an answer small enough to be sent at once */

    pthread_mutex_t mutex;
    pthread_cond_t moved;
    /* Under the mutex. */
    unsigned references;
    bool suspended;
    bool gone; /* the connection's side has ended */
    bool cut;  /* the server ends, and does not wait any longer */
    bool body_wanted;
    bool body_ended;
    struct http_ring in;
    uint64_t received;
    uint64_t discarded;
    enum http_answer_state answer;
    struct MHD_Response *response; /* READY */
    unsigned response_status;
    struct http_ring out;
    bool out_ended;
    bool out_aborted;

    atomic_bool cancelled;
    struct http_exchange *next; /* server's list */
    struct http_exchange *previous;
};

enum { HTTP_RETIRED_MAX = 4 };

struct http_server {
    /* Set once. */
    struct http_limits limits;
    void (*handle)(void *context, struct http_exchange *exchange);
    void (*refuse)(void *context, struct http_exchange *exchange, unsigned status, const char *why);
    void *context;
    bool tls;
    unsigned port;
    unsigned threads;
    struct rpc_workers *workers;
    pthread_t watch;

    /* The caller's thread only: who accepts; and those before a new certificate, as long as they
     * have connections. */
    struct MHD_Daemon *daemon;
    unsigned retired_count;
    struct MHD_Daemon *retired[HTTP_RETIRED_MAX];

    atomic_bool draining;
    atomic_uint connections;
    atomic_uint running;
    atomic_uint waiting;
    atomic_uint_least64_t received_bytes;
    atomic_uint_least64_t sent_bytes;

    pthread_mutex_t mutex;
    pthread_cond_t emptied; /* no exchange is left, or the watch must end */
    struct http_exchange *exchanges;
    struct http_link *links;
    bool cutting;
    bool watch_ends;
};

/* ---- http_mhd_exchange.c: its life, and the handler's side ---- */

/* NULL: out of memory. */
struct http_exchange *http_exchange_create(
    struct http_server *server, struct MHD_Connection *connection, const char *target);

/* One reference less. */
void http_exchange_release(struct http_exchange *exchange);

/* Fills head and framing.  False: out of memory. */
bool http_exchange_take_head(struct http_exchange *exchange, const char *method);

/* Under the mutex: whose turn it is changes. */
void http_exchange_suspend(struct http_exchange *exchange);
void http_exchange_resume(struct http_exchange *exchange);

/* Waits for `moved`, up to wait_ms and at most as long as the other side may still let us wait.
 * False: no longer.  When something has moved, still_ms begins anew. */
bool http_exchange_wait(struct http_exchange *exchange, struct http_patience *patience,
    uint64_t moved_bytes, unsigned wait_ms);

/* ---- http_mhd_answer.c ---- */

/* On the connection's thread, without the mutex: hands a READY answer to libmicrohttpd. */
enum MHD_Result http_exchange_queue(struct http_exchange *exchange);

/* ---- http_mhd_watch.c: connections that are late are shut down ---- */

struct http_link *http_link_create(struct http_server *server, int fd);
void http_link_destroy(struct http_server *server, struct http_link *link);

/* From now on it is the client's turn, for so long; 0: it is ours. */
void http_link_expect(struct http_link *link, uint64_t within_ms);

enum hearth_code http_watch_start(struct http_server *server, struct hearth_err *err);
void http_watch_stop(struct http_server *server);

#endif /* HEARTH_COMMON_HTTP_HTTP_MHD_H */
