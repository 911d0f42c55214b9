/*
 * admin_wait.h - waiting for what takes long: a line of a terminal that is drawn over and over, and
 * half a moment before the coordinator is asked again.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_ADMIN_WAIT_H
#define HEARTH_TOOLS_ADMIN_WAIT_H

#include "tools/admin.h"

/* How far it is. Nothing where standard error is no terminal. */
__attribute__((format(printf, 1, 2))) void admin_wait_show(const char *fmt, ...);

/* Erases the line. */
void admin_wait_end(void);

/*
 * Before the next question: a while passes, and the answers so far are forgotten. HEARTH_CANCELLED:
 * Ctrl-C came; `goes_on` says what does not end by that, "the pass goes on".
 */
enum hearth_code admin_wait(struct admin *admin, const char *goes_on, struct hearth_err *err);

#endif /* HEARTH_TOOLS_ADMIN_WAIT_H */
