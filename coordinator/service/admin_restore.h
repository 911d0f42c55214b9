/*
 * admin_restore.h - a backup that an admin sends becomes the metadata of the coordinator that runs.
 *
 *   chunks --> restore_place: staged, checked --> answer --> restore_order, which main carries out
 *
 * What is refused changes nothing and leaves nothing behind.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ADMIN_RESTORE_H
#define HEARTH_COORDINATOR_SERVICE_ADMIN_RESTORE_H

#include "coordinator/service/admin_job.h"

admin_job_fn admin_restore_run; /* of coordinator->restores */

/* An rpc_opened_fn; service is the struct coordinator. */
rpc_opened_fn admin_restore_opened;

#endif /* HEARTH_COORDINATOR_SERVICE_ADMIN_RESTORE_H */
