/*
 * shard_net.h - the seam between transfers and nodes: shards go out, cells come in.
 *
 *   put_open -> put_cells, put_cells ... -> put_footer      get_open -> get_read(n) ...
 *                  |                            |                          |
 *              SHARD_SENT ...               SHARD_DONE(receipt)     SHARD_CELL ... SHARD_DONE
 *              (or SHARD_FAILED at any time)                        (or SHARD_FAILED)
 *                  \--------------- drop, after the last event or at any time ---------------/
 *
 * Nothing here waits but shard_net_wait(), and nothing fails where it is called: what goes wrong
 * arrives as SHARD_FAILED in the inbox.  Nodes are not believed: a cell that arrives is whatever
 * the node sent, to be checked against its tag by the transfer.
 *
 * shard_net_rpc.c speaks to real nodes; tests/lib/fake_net.c invents them, and their time.
 *
 * Thread-safety: a net may be used from many threads, a call by the one transfer that opened it.
 */
#ifndef HEARTH_CLIENT_SHARD_NET_H
#define HEARTH_CLIENT_SHARD_NET_H

#include "client/shard_inbox.h"

struct pki_key;
struct wire_node_address;

/* Whom to ask and what opens the door; borrowed for the opening call. */
struct shard_door {
    const struct wire_node_address *node;
    struct view order; /* exact signed bytes */
};

/* What closes a shard. */
struct shard_footer {
    uint32_t cells;
    uint64_t size;          /* cells and tags together */
    uint8_t tag_digest[32]; /* SHA-256 over all tags in stripe order */
};

struct shard_net {
    const struct shard_net_ops *ops;
};

/* One shard on its way. */
struct shard_call {
    struct shard_net *net;
};

struct shard_net_ops {
    enum hearth_code (*identify)(struct shard_net *net, const struct pki_key *key,
        struct view certificate, struct hearth_err *err);
    struct shard_call *(*put_open)(struct shard_net *net, const struct shard_door *door,
        uint64_t size_expected, struct shard_inbox *inbox, void *context);
    void (*put_cells)(struct shard_call *call, const struct slice *cells TAKES, unsigned count);
    void (*put_footer)(struct shard_call *call, const struct shard_footer *footer);
    struct shard_call *(*get_open)(struct shard_net *net, const struct shard_door *door,
        uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context);
    void (*get_read)(struct shard_call *call, unsigned cells);
    void (*drop)(struct shard_call *call TAKES);
    void (*wait)(struct shard_net *net, struct shard_inbox *inbox, uint64_t until_ns);
};

/*
 * Who we are towards nodes from now on: the key, and a session certificate (PEM) for it.  Both are
 * borrowed for the call.  HEARTH_INVALID: they do not belong together.
 */
static inline enum hearth_code shard_net_identify(struct shard_net *net, const struct pki_key *key,
    struct view certificate, struct hearth_err *err)
{
    return net->ops->identify(net, key, certificate, err);
}

/*
 * Begins to store a shard; size_expected 0: not known yet.  The events of the call carry
 * `context`.  The call is the caller's, to be given to shard_call_drop().
 */
static inline struct shard_call *shard_put_open(struct shard_net *net,
    const struct shard_door *door, uint64_t size_expected, struct shard_inbox *inbox, void *context)
{
    return net->ops->put_open(net, door, size_expected, inbox, context);
}

/*
 * Queues the next cells, each with its tag, in stripe order; no byte of them is copied.  SHARD_SENT
 * answers for each when the transport took it.  The caller bounds what is queued by counting.
 * Several at once travel at once: the node is woken for all of them together.
 */
static inline void shard_put_cells(
    struct shard_call *call, const struct slice *cells TAKES, unsigned count)
{
    call->net->ops->put_cells(call, cells, count);
}

/* After the last cell.  SHARD_DONE with the receipt answers when the node has synced (D3). */
static inline void shard_put_footer(struct shard_call *call, const struct shard_footer *footer)
{
    call->net->ops->put_footer(call, footer);
}

/* Asks for cells [first_stripe, first_stripe + stripes); none comes before shard_get_read(). */
static inline struct shard_call *shard_get_open(struct shard_net *net,
    const struct shard_door *door, uint32_t first_stripe, uint32_t stripes,
    struct shard_inbox *inbox, void *context)
{
    return net->ops->get_open(net, door, first_stripe, stripes, inbox, context);
}

/* Lets `cells` more events SHARD_CELL come. */
static inline void shard_get_read(struct shard_call *call, unsigned cells)
{
    call->net->ops->get_read(call, cells);
}

/* Ends the call, at once if it still runs; no event of it is in the inbox afterwards. Accepts
 * NULL. */
static inline void shard_call_drop(struct shard_call *call TAKES)
{
    if (call != NULL) {
        call->net->ops->drop(call);
    }
}

/* Until the inbox has an event or the clock says until_ns. */
static inline void shard_net_wait(
    struct shard_net *net, struct shard_inbox *inbox, uint64_t until_ns)
{
    net->ops->wait(net, inbox, until_ns);
}

#endif /* HEARTH_CLIENT_SHARD_NET_H */
