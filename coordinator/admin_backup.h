/*
 * admin_backup.h - a consistent copy of the metadata, streamed to an admin.
 *
 *   Backup --> thread: meta_backup into a file without a name --> chunks, one at a time --> finish
 *
 * One at a time: until its end is told the next is answered HEARTH_BUSY.  A reader that is slow
 * holds up nobody else.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_ADMIN_BACKUP_H
#define HEARTH_COORDINATOR_ADMIN_BACKUP_H

#include "proto/rpc_server.h"

struct admin_backups;

/* NULL: out of memory. */
struct admin_backups *admin_backups_create(void);

/* Waits for the one that runs: its stream must have been ended (the server stopped). Accepts NULL.
 */
void admin_backups_destroy(struct admin_backups *backups);

/* An rpc_opened_fn; service is the struct coordinator. */
rpc_opened_fn admin_backup_opened;

#endif /* HEARTH_COORDINATOR_ADMIN_BACKUP_H */
