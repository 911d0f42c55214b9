/*
 * meta_node.h - owners, nodes, their endpoints, and the invitations that bring them in.
 *
 * Durable facts only.  What changes by the minute (reachable, suspect, offline) is worked out in
 * memory from last_seen_ms by whoever handles heartbeats, and flushed here in batches.
 */
#ifndef HEARTH_COORDINATOR_META_META_NODE_H
#define HEARTH_COORDINATOR_META_META_NODE_H

#include "common/arena.h"
#include "coordinator/meta/meta_tenant.h"

/* X(name, value, text).  Only ACTIVE nodes are offered shards. Values are in the database. */
#define META_NODE_STATE_TABLE(X)                                                                   \
    X(ACTIVE, 1, "active")       /* takes shards and serves them */                                \
    X(DRAINING, 2, "draining")   /* serves, takes none */                                          \
    X(SUSPENDED, 3, "suspended") /* serves, takes none: failed audits */                           \
    X(LOST, 4, "lost")           /* its slots count as missing; if it returns they count again */  \
    X(GONE, 5, "gone")           /* for ever; its certificate is not renewed */

enum meta_node_state {
#define X(name, value, text) META_NODE_##name = (value),
    META_NODE_STATE_TABLE(X)
#undef X
};

enum { META_NETWORK_SIZE = 8 };

/* The failure domain seen from outside: 4 or 6, then the IPv4 /24 or IPv6 /48; or an operator's. */
struct meta_network {
    uint8_t bytes[META_NETWORK_SIZE];
};

enum meta_endpoint_kind { META_ENDPOINT_DIRECT = 1, META_ENDPOINT_RELAY = 2 };

struct meta_endpoint {
    enum meta_endpoint_kind kind;
    struct view host;
    uint16_t port;
    uint64_t verified_ms; /* when the coordinator last dialled it and met the node; 0: never */
};

/* What a heartbeat says, kept as said last. */
struct meta_node_report {
    struct meta_id volume; /* uuid */
    uint64_t start_count;
    uint64_t sequence;                    /* highest written: going back means an older disk */
    uint64_t capacity, used, trash, free; /* bytes */
    uint64_t shards;
    bool read_only;
    struct view software;
    struct meta_id instance; /* drawn when the daemon started; not kept in the database */
};

struct meta_node {
    uint32_t number; /* from 1, never used again */
    struct meta_principal id;
    uint32_t owner; /* number */
    struct view owner_name;
    struct meta_network network;
    struct view place;
    enum meta_node_state state;
    uint64_t enrolled_ms;
    uint64_t last_seen_ms; /* 0: never */
    struct meta_node_report report;
    struct meta_endpoint endpoints[META_ENDPOINTS_MAX];
    size_t endpoint_count;
    uint64_t uplink_bits; /* of its line, a second, as an operator said; 0: not known */
};

/* No line has more: 1 Tbit/s. */
#define META_UPLINK_MAX UINT64_C(1000000000000)

/* ---- invitations ---- */

enum { META_INVITE_HASH_SIZE = 32 };

struct meta_invite {
    uint8_t token_hash[META_INVITE_HASH_SIZE]; /* SHA-256 of the token: the token is not kept */
    enum meta_class class;
    struct view owner;   /* name; nodes only */
    struct view network; /* META_NETWORK_SIZE bytes, or empty: the observed one */
    struct view place;
    struct meta_id tenant; /* clients and gateways */
    uint64_t rights;
    uint64_t expires_ms;
    uint64_t uplink_bits; /* nodes: of the line, a second; 0: not known */
};

/* HEARTH_INVALID: a name too long, a node without owner, an uplink that no line has. */
enum hearth_code meta_invite_put(
    struct meta_store *store, const struct meta_invite *invite, struct hearth_err *err);

struct meta_enrol {
    uint8_t token_hash[META_INVITE_HASH_SIZE];
    struct meta_principal principal;
    struct meta_network observed;
};

/* What the invitation made of the caller. */
struct meta_enrolled {
    enum meta_class class;
    struct meta_id tenant;
    uint64_t rights;
    uint32_t node; /* number; 0: not a node */
};

/*
 * Uses the invitation up: makes the node (and its owner), or the grant.  The same principal again
 * gets the same answer.  HEARTH_NOT_FOUND: no such invitation.  HEARTH_EXPIRED.
 * HEARTH_DENIED: another principal has used it.
 */
enum hearth_code meta_enrol(struct meta_store *store, const struct meta_enrol *request,
    struct meta_enrolled *out, struct hearth_err *err);

/*
 * For renewal: who it is.  HEARTH_NOT_FOUND: never enrolled, or the grant was taken back.
 * HEARTH_DENIED: a node that is gone.
 */
enum hearth_code meta_enrolled_get(struct meta_store *store, struct meta_principal principal,
    struct meta_enrolled *out, struct hearth_err *err);

/* ---- nodes ---- */

enum { META_NODES_MAX = 100000 };

struct meta_node_list {
    const struct meta_node *nodes; /* by number */
    size_t count;
};

/* All of them, gone ones too. Memory from the arena. */
enum hearth_code meta_node_list(struct meta_store *store, struct arena *arena,
    struct meta_node_list *out, struct hearth_err *err);

/* The same of the database in a directory, beside a coordinator that may have it open. */
enum hearth_code meta_node_peek(const char *directory, struct env *env, struct arena *arena,
    struct meta_node_list *out, struct hearth_err *err);

enum hearth_code meta_node_get(struct meta_store *store, struct meta_principal id,
    struct arena *arena, struct meta_node *out, struct hearth_err *err);

struct meta_node_seen {
    uint32_t number;
    uint64_t last_seen_ms;
    struct meta_node_report report;
};

enum { META_SEEN_MAX = 256 };

/* A batch of heartbeats, at most META_SEEN_MAX. Unknown numbers are passed over. */
enum hearth_code meta_node_seen(struct meta_store *store, const struct meta_node_seen *seen,
    size_t count, struct hearth_err *err);

/* HEARTH_NOT_FOUND; HEARTH_DENIED: it is gone, which is for ever. */
enum hearth_code meta_node_set_state(
    struct meta_store *store, uint32_t number, enum meta_node_state state, struct hearth_err *err);

/* 0: not known. HEARTH_NOT_FOUND; HEARTH_INVALID: above META_UPLINK_MAX. */
enum hearth_code meta_node_set_uplink(
    struct meta_store *store, uint32_t number, uint64_t uplink_bits, struct hearth_err *err);

/* Replaces all of them. */
enum hearth_code meta_node_set_endpoints(struct meta_store *store, uint32_t number,
    const struct meta_endpoint *endpoints, size_t count, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_NODE_H */
