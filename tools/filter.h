/*
 * filter.h - which names of a tree are meant: --include and --exclude.
 *
 *   --exclude '*' --include '*.jpg' --exclude 'private/'*
 *
 * Rules are read in the order of the command line and the last one that matches a name decides; a
 * name that none matches is meant.  A pattern is for the whole name beneath the tree's root
 * ("2026/garden.jpg"):
 *
 *   *       any characters, slashes too, or none        [a-z]   one of these
 *   ?       one character                               [!a-z]  one that is none of these
 *   \x      x itself
 *
 * A character is one of UTF-8, or one byte where a name is no UTF-8.
 *
 * Pure computation, in time at most pattern times name.  Thread-safety: no state.
 */
#ifndef HEARTH_TOOLS_FILTER_H
#define HEARTH_TOOLS_FILTER_H

#include "common/program.h"
#include "common/view.h"

/* `rules` is what the options "include" and "exclude" of a verb left in their list. Wrong usage: a
 * pattern whose [ is not closed, or that ends in a backslash. */
enum program_exit filter_check(const struct program_list *rules, struct hearth_err *err);

/* Rules that were checked. */
bool filter_includes(const struct program_list *rules, struct view name);

#endif /* HEARTH_TOOLS_FILTER_H */
