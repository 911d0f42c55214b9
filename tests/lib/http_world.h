/*
 * http_world.h - an HTTP server of ours with handlers that do what the target says.
 *
 *   /seen          answers the head as the handler saw it, a line each
 *   /echo          answers the body
 *   /patient       likewise, but waits for it a little at a time first
 *   /refuse        403, without reading the body
 *   /half          400, after the first 100 bytes of the body
 *   /gate          waits until the gate is open, then "ok"
 *   /count         reads a byte, waits at the gate, reads the rest and answers how many there were
 *   /pour?N        N bytes, with a length       /chunks?N   without
 *   /cut?N         begins 1,000,000 bytes, writes N, aborts
 *   /status?N      that status, without a body
 *   /silent        no answer at all
 *
 * What a handler met last is in `code`, `moved` and `cancelled`.
 */
#ifndef HEARTH_TESTS_LIB_HTTP_WORLD_H
#define HEARTH_TESTS_LIB_HTTP_WORLD_H

#include "common/http/http.h"

#include <pthread.h>

struct http_world {
    struct http_server *server;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool gate_open;
    unsigned entered; /* handlers that were at the gate */
    unsigned done;    /* handlers that returned */
    enum hearth_code code;
    uint64_t moved; /* bytes read or written */
    bool cancelled;
};

/* Limits that no test meets by accident: change them, then start. */
struct http_options http_world_options(struct http_world *world);
void http_world_start(struct http_world *world, const struct http_options *options);

/* Opens the gate, drains for up to a minute. */
void http_world_stop(struct http_world *world);

unsigned http_world_port(const struct http_world *world);
void http_world_open_gate(struct http_world *world);

/* Waits until that many were at the gate, or have returned, in all. */
void http_world_await_entered(struct http_world *world, unsigned count);
void http_world_await_done(struct http_world *world, unsigned count);

/* The nth byte that /pour writes. */
uint8_t http_world_byte(uint64_t position);

#endif /* HEARTH_TESTS_LIB_HTTP_WORLD_H */
