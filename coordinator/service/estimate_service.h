/*
 * estimate_service.h - estimates of durability as the wire has them: of the segments of an object,
 * and of all together.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ESTIMATE_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_ESTIMATE_SERVICE_H

#include "coordinator/service/service.h"
#include "proto/wire_fleet.h"

/* -log10 in millionths, as the wire has chances. */
uint64_t estimate_service_digits(double chance);

/* Adds an estimate to each of the segments in *out, which are those of the object, in its order. */
enum hearth_code estimate_service_segments(struct coordinator *coordinator,
    const struct meta_object *object, struct arena *arena, struct wire_lookup_reply *out,
    struct hearth_err *err);

/* What Status says of durability: of all together, of each profile that has segments,
 * and of the buckets in most danger. */
enum hearth_code estimate_service_durability(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ESTIMATE_SERVICE_H */
