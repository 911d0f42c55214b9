/*
 * shard_service.h - takes requests for shards off the wire, or refuses them for want of room.
 *
 *   pump thread                          loop
 *   opened()  -- room? --> task ------>  shard_put_start, shard_get_start
 *   message() --- up to 4 tasks ------>  user->message, when it has asked
 *   sent()    ------------ task ------>  user->sent
 *   closed()  ------------ task ------>  user->closed, then the stream is gone
 *             <------------------------  read, send, finish: straight to the stream
 *
 * Nothing of a request is decided on a pump thread but whether there is room: HEARTH_BUSY.
 */
#ifndef HEARTH_STORAGED_SHARD_SERVICE_H
#define HEARTH_STORAGED_SHARD_SERVICE_H

#include "proto/rpc_server.h"
#include "storaged/shard_context.h"

enum {
    /*
     * Puts and gets at once.  Each may hold 1.3 MiB here and in the network's buffers; a node has
     * 64 MiB. Fewer, and clients behind slow lines keep the others out.
     */
    SHARD_SERVICE_STREAMS_MAX = VOLUME_PUTS_MAX,
    SHARD_SERVICE_METHODS = 6,
};

struct shard_service;

/* `context` is borrowed and outlives the service.  1 <= streams_max <= SHARD_SERVICE_STREAMS_MAX.
 */
enum hearth_code shard_service_create(const struct shard_context *context, unsigned streams_max,
    struct shard_service **out, struct hearth_err *err);

/* After the server that used it was stopped and the loop ran what that left. Accepts NULL. */
void shard_service_destroy(struct shard_service *service);

/* For rpc_server_start(), whose `service` is the shard_service. */
extern const struct rpc_handler shard_service_handlers[SHARD_SERVICE_METHODS];

#endif /* HEARTH_STORAGED_SHARD_SERVICE_H */
