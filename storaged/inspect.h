/*
 * inspect.h - `hearth-storaged inspect DIR`: a volume that no daemon has open, on standard output.
 */
#ifndef HEARTH_STORAGED_INSPECT_H
#define HEARTH_STORAGED_INSPECT_H

#include "common/program.h"

extern const struct program_verb inspect_verb;

#endif /* HEARTH_STORAGED_INSPECT_H */
