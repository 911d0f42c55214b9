/*
 * admin_backup.h - a consistent copy of the metadata, streamed to an admin.
 *
 *   Backup --> meta_backup into a file without a name --> chunks
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ADMIN_BACKUP_H
#define HEARTH_COORDINATOR_SERVICE_ADMIN_BACKUP_H

#include "coordinator/service/admin_job.h"

admin_job_fn admin_backup_run; /* of coordinator->backups */

/* An rpc_opened_fn; service is the struct coordinator. */
rpc_opened_fn admin_backup_opened;

#endif /* HEARTH_COORDINATOR_SERVICE_ADMIN_BACKUP_H */
