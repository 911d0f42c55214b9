/*
 * hearth_verbs.h - the verbs of `hearth`, each from the file that is named for it.
 */
#ifndef HEARTH_TOOLS_HEARTH_VERBS_H
#define HEARTH_TOOLS_HEARTH_VERBS_H

#include "common/program.h"

extern const struct program_verb hearth_verb_init;
extern const struct program_verb hearth_verb_key_export;
extern const struct program_verb hearth_verb_mb;
extern const struct program_verb hearth_verb_rb;
extern const struct program_verb hearth_verb_ls;
extern const struct program_verb hearth_verb_du;
extern const struct program_verb hearth_verb_presign;
extern const struct program_verb hearth_verb_cp;
extern const struct program_verb hearth_verb_mv;
extern const struct program_verb hearth_verb_sync;
extern const struct program_verb hearth_verb_cat;
extern const struct program_verb hearth_verb_rm;
extern const struct program_verb hearth_verb_stat;

#endif /* HEARTH_TOOLS_HEARTH_VERBS_H */
