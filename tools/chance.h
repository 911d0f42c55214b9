/*
 * chance.h - chances as people and programs want them, from the wire's digits.
 */
#ifndef HEARTH_TOOLS_CHANCE_H
#define HEARTH_TOOLS_CHANCE_H

#include "tools/json_line.h"

enum { CHANCE_SIZE = 16 };

/* "1", "3e-05", "2.1e-12", "never". */
char *chance_text(uint64_t digits_micro, char text[CHANCE_SIZE]);

void chance_json(json_t *object, const char *name, uint64_t digits_micro);

/* "always up", "mostly up", "daily", "seldom": what to expect of a node, from its uptime. */
const char *chance_uptime_class(uint64_t uptime_ppm);

#endif /* HEARTH_TOOLS_CHANCE_H */
