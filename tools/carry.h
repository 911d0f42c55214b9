/*
 * carry.h - what cp and mv have in common: from here to there, one object or a whole tree.
 *
 *              to a file       to -            to an object
 *   file       (cp does it)    (cat does it)   put
 *   -                                          put, of unknown length
 *   object     get             get             copy within the cluster, no data moves
 */
#ifndef HEARTH_TOOLS_CARRY_H
#define HEARTH_TOOLS_CARRY_H

#include "tools/copy.h"

struct carry {
    const char *what; /* "cp -r": before the name of what failed */
    const char *source;
    const char *destination;
    bool recursive;
    const struct program_list *filter; /* with recursive only */
    unsigned transfers;                /* likewise */
    bool json;
    struct copy_rules rules;
};

/*
 * --transfers and --bwlimit, as typed or NULL, into `carry` and `errand`; the rest of `carry` is
 * set.  Wrong usage of any of it is found here.
 */
enum program_exit carry_read(struct carry *carry, const char *transfers, const char *bwlimit,
    struct errand_options *errand, struct hearth_err *err);

/* A tree in which something failed was carried as far as possible, and is HEARTH_IO. */
enum hearth_code carry_run(
    struct errand *errand, const struct carry *carry, struct hearth_err *err);

#endif /* HEARTH_TOOLS_CARRY_H */
