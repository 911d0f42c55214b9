/*
 * hearth_admin_verbs.h - the verbs of `hearth-admin`, each from the file that is named for it.
 */
#ifndef HEARTH_TOOLS_HEARTH_ADMIN_VERBS_H
#define HEARTH_TOOLS_HEARTH_ADMIN_VERBS_H

#include "common/program.h"

extern const struct program_verb hearth_admin_verb_init;
extern const struct program_verb hearth_admin_verb_status;
extern const struct program_verb hearth_admin_verb_node_list;
extern const struct program_verb hearth_admin_verb_node_show;
extern const struct program_verb hearth_admin_verb_node_invite;
extern const struct program_verb hearth_admin_verb_sweep_run;
extern const struct program_verb hearth_admin_verb_repair_status;
extern const struct program_verb hearth_admin_verb_repair_run;
extern const struct program_verb hearth_admin_verb_simulate;
extern const struct program_verb hearth_admin_verb_node_drain;
extern const struct program_verb hearth_admin_verb_node_undrain;
extern const struct program_verb hearth_admin_verb_node_remove;
extern const struct program_verb hearth_admin_verb_rebalance_plan;
extern const struct program_verb hearth_admin_verb_rebalance_apply;
extern const struct program_verb hearth_admin_verb_rebalance_status;
extern const struct program_verb hearth_admin_verb_rebalance_pause;
extern const struct program_verb hearth_admin_verb_rebalance_resume;
extern const struct program_verb hearth_admin_verb_rebalance_cancel;
extern const struct program_verb hearth_admin_verb_audit_status;
extern const struct program_verb hearth_admin_verb_audit_run;
extern const struct program_verb hearth_admin_verb_audit_evidence;
extern const struct program_verb hearth_admin_verb_audit_verify;
extern const struct program_verb hearth_admin_verb_gc_status;
extern const struct program_verb hearth_admin_verb_gc_run;
extern const struct program_verb hearth_admin_verb_gc_release;
extern const struct program_verb hearth_admin_verb_undelete;
extern const struct program_verb hearth_admin_verb_node_set;
extern const struct program_verb hearth_admin_verb_node_lost;
extern const struct program_verb hearth_admin_verb_tenant_create;
extern const struct program_verb hearth_admin_verb_tenant_list;
extern const struct program_verb hearth_admin_verb_tenant_invite;
extern const struct program_verb hearth_admin_verb_key_create;
extern const struct program_verb hearth_admin_verb_key_list;
extern const struct program_verb hearth_admin_verb_key_revoke;
extern const struct program_verb hearth_admin_verb_bucket_create;
extern const struct program_verb hearth_admin_verb_bucket_list;
extern const struct program_verb hearth_admin_verb_bucket_set;
extern const struct program_verb hearth_admin_verb_backup;
extern const struct program_verb hearth_admin_verb_restore;
extern const struct program_verb hearth_admin_verb_fsck;

#endif /* HEARTH_TOOLS_HEARTH_ADMIN_VERBS_H */
