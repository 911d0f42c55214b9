/*
 * link_frame.h - the frames of the link, as bytes: a head of 16, and what follows it.
 *
 *   | type u8 | zero u8 x 3 | stream u32 | size u32 | value u32 |  size bytes ...
 *
 *   frame     from    stream  size            value
 *   HELLO     server  0       0               streams at once, 1 .. 32   its first frame
 *   OPEN      client  new     17 .. 116       deadline, ms from now      request id, method's path
 *   MESSAGE   both    yes     <= 16,368       bytes of the whole message its first bytes
 *   MORE      both    yes     1 .. 16,368     0                          the next ones
 *   CREDIT    both    yes     0               bytes that may follow
 *   CLOSE     client  yes     0               0                          no more messages
 *   FINISH    server  yes     <= 400          code                       text
 *   RESET     both    yes     0               0                          the stream is over
 *   PING      both    0       0               any                        to be answered by ...
 *   PONG      both    0       0               the ping's
 *   GOAWAY    server  0       0               0                          open no more streams
 *
 * Integers are little-endian.  The client opens nothing before HELLO, which says that the server
 * takes it; its streams count up from 1.  A frame fits in one TLS record,
 * so a sender is never in the middle of one, and what is said by one peer to another never waits
 * behind a long message of a third.  What breaks this table ends the connection.
 *
 * Flow control: for each stream and direction the sender begins with a credit of LINK_WINDOW;
 * each MESSAGE takes its size and LINK_MESSAGE_COST of it, each MORE its size; CREDIT gives back
 * what the receiver has done with.  More than the credit ends the connection.
 *
 * Functions of their arguments alone.  Private to proto/.
 */
#ifndef HEARTH_PROTO_LINK_FRAME_H
#define HEARTH_PROTO_LINK_FRAME_H

#include "common/err.h"
#include "proto/rpc_transport.h"

#define LINK_PROTOCOL "hearth/1" /* in TLS's ALPN */

enum link_type {
    LINK_HELLO = 1,
    LINK_OPEN,
    LINK_MESSAGE,
    LINK_MORE,
    LINK_CREDIT,
    LINK_CLOSE,
    LINK_FINISH,
    LINK_RESET,
    LINK_PING,
    LINK_PONG,
    LINK_GOAWAY,
    LINK_TYPES,
};

enum link_side { LINK_CLIENT, LINK_SERVER };

enum {
    LINK_HEAD_SIZE = 16,
    LINK_RECORD_MAX = 16 * 1024, /* TLS's */
    LINK_PART_MAX = LINK_RECORD_MAX - LINK_HEAD_SIZE,
    LINK_PATH_MAX = 100,
    LINK_OPEN_MAX = RPC_REQUEST_ID_SIZE + LINK_PATH_MAX,
    LINK_SMALL_MAX = RPC_MESSAGE_TEXT_MAX, /* payload of a frame that is no part of a message */
    LINK_WINDOW = 512 * 1024,
    LINK_MESSAGE_COST = 256, /* or empty messages without end would fit into a window */
};

struct link_head {
    enum link_type type;
    uint32_t stream;
    uint32_t size;
    uint32_t value;
};

void link_head_encode(const struct link_head *head, uint8_t bytes[LINK_HEAD_SIZE]);

/* HEARTH_INVALID: no frame that `from` may send. */
enum hearth_code link_head_decode(const uint8_t bytes[LINK_HEAD_SIZE], enum link_side from,
    struct link_head *out, struct hearth_err *err);

/* Of the sender's credit. */
static inline uint32_t link_head_cost(const struct link_head *head)
{
    return head->size + (head->type == LINK_MESSAGE ? LINK_MESSAGE_COST : 0);
}

#endif /* HEARTH_PROTO_LINK_FRAME_H */
