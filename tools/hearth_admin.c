/*
 * hearth-admin: the operator's hand.  Each verb is in the file named for it.
 */
#include "client/client_config.h"
#include "tools/hearth_admin_verbs.h"

int main(int argc, char **argv)
{
    const struct program_verb verbs[] = {
        hearth_admin_verb_init,
        hearth_admin_verb_status,
        hearth_admin_verb_node_list,
        hearth_admin_verb_node_show,
        hearth_admin_verb_node_invite,
        hearth_admin_verb_node_set,
        hearth_admin_verb_node_lost,
        hearth_admin_verb_sweep_run,
        hearth_admin_verb_repair_status,
        hearth_admin_verb_repair_run,
        hearth_admin_verb_simulate,
        hearth_admin_verb_node_drain,
        hearth_admin_verb_node_undrain,
        hearth_admin_verb_node_remove,
        hearth_admin_verb_rebalance_plan,
        hearth_admin_verb_rebalance_apply,
        hearth_admin_verb_rebalance_status,
        hearth_admin_verb_rebalance_pause,
        hearth_admin_verb_rebalance_resume,
        hearth_admin_verb_rebalance_cancel,
        hearth_admin_verb_audit_status,
        hearth_admin_verb_audit_run,
        hearth_admin_verb_audit_evidence,
        hearth_admin_verb_audit_verify,
        hearth_admin_verb_gc_status,
        hearth_admin_verb_gc_run,
        hearth_admin_verb_gc_release,
        hearth_admin_verb_undelete,
        hearth_admin_verb_tenant_create,
        hearth_admin_verb_tenant_list,
        hearth_admin_verb_tenant_invite,
        hearth_admin_verb_key_create,
        hearth_admin_verb_key_list,
        hearth_admin_verb_key_revoke,
        hearth_admin_verb_bucket_create,
        hearth_admin_verb_bucket_list,
        hearth_admin_verb_bucket_set,
        hearth_admin_verb_backup,
        hearth_admin_verb_restore,
        hearth_admin_verb_fsck,
    };
    const struct program program = {
        .name = "hearth-admin",
        .purpose = "look after a Hearth cluster: its nodes, its health, its customers",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &client_config_table,
    };
    return program_main(&program, argc, argv);
}
