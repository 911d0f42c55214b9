/*
 * interrupt.h - Ctrl-C asks for an orderly end: what was half done is undone, then exit 130.
 *
 * The first SIGINT, SIGTERM or SIGHUP sets the flag; the second one ends the process at once.
 */
#ifndef HEARTH_TOOLS_INTERRUPT_H
#define HEARTH_TOOLS_INTERRUPT_H

#include <stdatomic.h>

/* Installs the handlers, once, before threads. The flag lives as long as the process. */
const atomic_bool *interrupt_watch(void);

#endif /* HEARTH_TOOLS_INTERRUPT_H */
