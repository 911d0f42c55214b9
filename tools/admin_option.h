/*
 * admin_option.h - values of options of hearth-admin, as typed.
 *
 * What is no such value is wrong usage: the verb is over, and admin_run() exits with 2.
 */
#ifndef HEARTH_TOOLS_ADMIN_OPTION_H
#define HEARTH_TOOLS_ADMIN_OPTION_H

#include "tools/admin.h"

/* text NULL: not given, and *out stays as it is. */
enum hearth_code admin_option_bytes(
    struct admin *admin, const char *name, const char *text, uint64_t *out, struct hearth_err *err);

/* In ms, 1 or more. */
enum hearth_code admin_option_duration(
    struct admin *admin, const char *name, const char *text, uint64_t *out, struct hearth_err *err);

/* Decimal digits, from `least` to `most`. */
enum hearth_code admin_option_number(struct admin *admin, const char *name, const char *text,
    unsigned least, unsigned most, unsigned *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_ADMIN_OPTION_H */
