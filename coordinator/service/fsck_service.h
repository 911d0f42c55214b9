/*
 * fsck_service.h - a check of metadata and nodes (fsck.h), told to an admin finding by finding.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_FSCK_SERVICE_H
#define HEARTH_COORDINATOR_SERVICE_FSCK_SERVICE_H

#include "coordinator/service/admin_job.h"

admin_job_fn fsck_service_run; /* of coordinator->checks */

/* An rpc_opened_fn; service is the struct coordinator. */
rpc_opened_fn fsck_service_opened;

#endif /* HEARTH_COORDINATOR_SERVICE_FSCK_SERVICE_H */
