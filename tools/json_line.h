/*
 * json_line.h - one JSON object per line on standard output: what --json prints.
 *
 * Building cannot fail but for lack of memory, which aborts: a tool has nothing to do then.
 */
#ifndef HEARTH_TOOLS_JSON_LINE_H
#define HEARTH_TOOLS_JSON_LINE_H

#include "common/view.h"

#include <jansson.h>

/* json_object(), json_array() that abort instead of returning NULL. */
json_t *json_line_object(void);
json_t *json_line_array(void);

void json_line_text(json_t *object, const char *name, const char *value);
void json_line_number(json_t *object, const char *name, uint64_t value); /* up to 2^63 - 1 */
void json_line_flag(json_t *object, const char *name, bool value);
/* "2026-11-23T19:06:23Z"; 0, which is never: null. */
void json_line_time(json_t *object, const char *name, uint64_t unix_ms);
/* A member `name`, or `name`_hex when the bytes are not UTF-8. */
void json_line_bytes(json_t *object, const char *name, struct view value);
/* Takes the value. */
void json_line_set(json_t *object, const char *name, json_t *value);
void json_line_append(json_t *array, json_t *value);

/* Prints and releases. */
void json_line_print(json_t *object);

#endif /* HEARTH_TOOLS_JSON_LINE_H */
