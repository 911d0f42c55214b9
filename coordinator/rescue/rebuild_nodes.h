/*
 * rebuild_nodes.h - the nodes a coordinator is rebuilt from: whom the kit and the operator name,
 * and who calls.
 *
 *   kit, --nodes --------------------------------------\
 *   heartbeats at the old coordinator's address --------> id, addresses
 *
 * A node behind a changing address goes on calling the coordinator it knows, so listening there for
 * a while finds every one that is on; and the answer gives it order keys and the time, without
 * which one that was restarted meanwhile serves nobody.
 *
 * Thread-safety: the server's workers add while the caller waits; the rest is the caller's.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_NODES_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_NODES_H

#include "coordinator/order.h"
#include "coordinator/rescue/kit.h"
#include "proto/rpc_server.h"
#include "proto/wire_messages.h"

enum { REBUILD_NODES_MAX = 100000 };

struct rebuild_nodes;

/* Everything is borrowed.  NULL: out of memory. */
struct rebuild_nodes *rebuild_nodes_create(
    struct env *env, const struct cluster *cluster, const struct order_issuer *issuer);
void rebuild_nodes_destroy(struct rebuild_nodes *nodes); /* accepts NULL */

enum hearth_code rebuild_nodes_add_kit(
    struct rebuild_nodes *nodes, const struct kit *kit, struct hearth_err *err);

/* "HOST:PORT,HOST:PORT ...": each is dialled to learn who it is.  One that does not answer is said
 * to `out`, and passed over.  HEARTH_INVALID: not an address. */
enum hearth_code rebuild_nodes_add_addresses(
    struct rebuild_nodes *nodes, const char *list, FILE *out, struct hearth_err *err);

/* Answers heartbeats for so long. */
enum hearth_code rebuild_nodes_listen_blocking(struct rebuild_nodes *nodes,
    struct rpc_runtime *runtime, struct rpc_credentials *credentials, const char *address,
    uint64_t wait_ms, struct hearth_err *err);

/* By number, from 0; borrowed until the next is added. */
const struct wire_node_address *rebuild_nodes_all(const struct rebuild_nodes *nodes, size_t *count);

/* For tests: the handler of listen, its service the struct rebuild_nodes. */
extern const struct rpc_handler rebuild_nodes_handlers[1];

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_NODES_H */
