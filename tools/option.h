/*
 * option.h - values of options that several verbs have. What is no such value is wrong usage.
 */
#ifndef HEARTH_TOOLS_OPTION_H
#define HEARTH_TOOLS_OPTION_H

#include "common/program.h"

#include <stddef.h>

/* Decimal digits, from `least` to `most`; `name` is the option's, for the error. */
enum program_exit option_number(const char *name, const char *text, unsigned least, unsigned most,
    unsigned *out, struct hearth_err *err);

/* Of each verb that prints something: what programs read. `options` is its struct, with a bool
 * json. */
#define OPTION_JSON(options)                                                                       \
    {                                                                                              \
        .name = "json", .offset = offsetof(struct options, json),                                  \
        .help = "for programs: one JSON object per line"                                           \
    }

/* --transfers: 1 to 32. text NULL: the default, 4. */
enum program_exit option_transfers(const char *text, unsigned *out, struct hearth_err *err);

/* --bwlimit: bytes a second, "500K", "10M". text NULL: 0, no limit. */
enum program_exit option_bwlimit(const char *text, uint64_t *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_OPTION_H */
