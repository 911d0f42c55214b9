/*
 * reload.h - an owner's limits change while the node runs: the file is read again on SIGHUP.
 *
 *   file --> settings --> compared with those in force --> each change logged, old -> new
 *                                   \-- live: applied      \-- not live: waits for the next start
 *
 * A file with a mistake changes nothing, and one line of the log names the mistake.
 */
#ifndef HEARTH_STORAGED_RELOAD_H
#define HEARTH_STORAGED_RELOAD_H

#include "storaged/storaged.h"

/* `in_force` is what the daemon was started with, and follows what is applied. */
void reload_settings(struct storaged *storaged, const char *path, struct settings *in_force);

#endif /* HEARTH_STORAGED_RELOAD_H */
