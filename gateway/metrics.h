/*
 * metrics.h - what the gateway counts, and its page for Prometheus.
 *
 * No label is a name that a customer chose: their number has no limit, and they are nobody's
 * business who watches the machines.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_GATEWAY_METRICS_H
#define HEARTH_GATEWAY_METRICS_H

#include "common/http/http.h"
#include "gateway/route.h"
#include "gateway/s3_error.h"

struct metrics;

/* NULL: out of memory. */
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics); /* accepts NULL */

struct metrics_request {
    const struct route *route; /* NULL: no operation was found */
    unsigned status;
    enum s3_error error;
    uint64_t duration_us;
    uint64_t first_byte_us; /* until the answer began */
};

void metrics_count(struct metrics *metrics, const struct metrics_request *request);

/* The page, with what the HTTP servers count together; to be freed.  NULL: out of memory. */
char *metrics_page(const struct metrics *metrics, const struct http_counts *counts);

#endif /* HEARTH_GATEWAY_METRICS_H */
