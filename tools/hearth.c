/*
 * hearth: objects, as a person or a script handles them.  Each verb is in the file named for it.
 */
#include "client/client_config.h"
#include "tools/hearth_verbs.h"

int main(int argc, char **argv)
{
    const struct program_verb verbs[] = {
        hearth_verb_init,
        hearth_verb_key_export,
        hearth_verb_mb,
        hearth_verb_rb,
        hearth_verb_ls,
        hearth_verb_du,
        hearth_verb_presign,
        hearth_verb_cp,
        hearth_verb_mv,
        hearth_verb_sync,
        hearth_verb_cat,
        hearth_verb_rm,
        hearth_verb_stat,
    };
    const struct program program = {
        .name = "hearth",
        .purpose = "store objects on the disks of many homes, and read them back exactly",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &client_config_table,
    };
    return program_main(&program, argc, argv);
}
