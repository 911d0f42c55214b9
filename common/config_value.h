/*
 * config_value.h - one value of a configuration: its text becomes a field, and a field its text.
 *
 * Private to config.c; what others may parse by itself is in config.h.
 */
#ifndef HEARTH_COMMON_CONFIG_VALUE_H
#define HEARTH_COMMON_CONFIG_VALUE_H

#include "common/config.h"

/* "folder" is what relative paths start from; NULL: leave them. Errors do not name the parameter.
 */
enum hearth_code config_value_parse(const struct config_param *param, const char *text,
    const char *folder, struct arena *arena, void *field, struct hearth_err *err);

void config_value_print(const struct config_param *param, const void *field, FILE *out);

/* What may stand there: "SIZE", "HOST:PORT,...". */
void config_value_print_form(const struct config_param *param, FILE *out);

#endif /* HEARTH_COMMON_CONFIG_VALUE_H */
