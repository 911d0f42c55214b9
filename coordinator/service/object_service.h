/*
 * object_service.h - what questions for one object, and for many together, have in common.
 *
 * Thread-safety: any worker.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_OBJECT_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_OBJECT_SERVICE_H

#include "coordinator/meta/meta_object.h"
#include "coordinator/service/service.h"

/* Whether who asks may put this there, and it makes sense. *out borrows of `in`. */
enum hearth_code object_put_prepare(struct coordinator *coordinator,
    const struct rpc_context *context, const struct wire_put_inline_request *in,
    struct meta_put *out, struct hearth_err *err);

/* Returns when all are durable, or have failed, each for itself. */
void object_put_run(struct coordinator *coordinator, struct meta_put_item *items, size_t count);

void object_commit_to_wire(
    const struct meta_object_info *info, struct arena *arena, struct wire_commit_reply *out);

/* ---- lookup_service.c: the handler of Lookup ---- */

enum hearth_code object_lookup(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err);

/* ---- object_many.c: the handlers of LookupMany and PutInlineMany ---- */

enum hearth_code object_lookup_many(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err);
enum hearth_code object_put_many(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_OBJECT_SERVICE_H */
