/*
 * link_pump.h - the one thread that owns every connection of the link: epoll, timers, mailbox.
 *
 *   mailbox's tasks --> timers --> turns --> epoll: sockets that are ready --> again
 *
 * A turn is what a connection does besides reading: make records, write, end itself.  It is done
 * after the sockets, so nothing is freed while an event of it may still come.
 *
 * Thread-safety: create, destroy and the mailbox: any thread; all else the pump's alone.
 */
#ifndef HEARTH_PROTO_LINK_PUMP_H
#define HEARTH_PROTO_LINK_PUMP_H

#include "proto/link_stream.h"

#include <openssl/bio.h>

/* A descriptor in the epoll set. */
struct link_watch {
    void (*ready)(struct link_watch *watch, uint32_t events);
};

/* Embedded in what has it; its node is not alone while it waits. */
struct link_turn {
    void (*take)(struct link_turn *turn);
    struct link_node node;
};

struct link_pump {
    struct link_base base; /* first */

    /* Set once. */
    int epoll_fd;
    struct link_watch wake;
    pthread_t thread;
    BIO_METHOD *bio; /* link_wire.h, as the spare outbox */

    /* Channels, servers and connections: the thread ends with the last of them. */
    atomic_uint users;
    atomic_bool is_ending;
    struct link_task end_task;

    struct link_node turns;
    uint8_t record[LINK_RECORD_MAX];
    uint8_t *spare_outbox;
};

enum hearth_code link_pump_create(struct env *env, struct link_pump **out, struct hearth_err *err);

/* Waits for its users. Accepts NULL. */
void link_pump_destroy(struct link_pump *pump);

void link_pump_add_user(struct link_pump *pump);    /* any thread */
void link_pump_remove_user(struct link_pump *pump); /* on the pump */

/* `events` of epoll; 0: only errors. */
void link_pump_watch(struct link_pump *pump, int fd, struct link_watch *watch, uint32_t events);
void link_pump_change(struct link_pump *pump, int fd, struct link_watch *watch, uint32_t events);
void link_pump_forget(struct link_pump *pump, int fd);

/* It gets a turn, if it has none already. */
void link_pump_want_turn(struct link_pump *pump, struct link_turn *turn);

#endif /* HEARTH_PROTO_LINK_PUMP_H */
