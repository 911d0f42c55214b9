/*
 * metrics_page.h - the cluster's status as a page for Prometheus: the numbers of hearth-admin
 * status, row by row of the same table.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_METRICS_PAGE_H
#define HEARTH_COORDINATOR_SERVICE_METRICS_PAGE_H

#include "proto/wire_fleet.h"

/* To be freed.  NULL: out of memory. */
char *metrics_page(const struct wire_status_reply *status);

#endif /* HEARTH_COORDINATOR_SERVICE_METRICS_PAGE_H */
