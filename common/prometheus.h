/*
 * prometheus.h - lines of a page for Prometheus, whoever's numbers they are.
 *
 * Names follow its rules: hearth_ first, base units, _total for what only grows.  No label is a
 * name that a customer or an owner chose: their number has no limit.
 */
#ifndef HEARTH_COMMON_PROMETHEUS_H
#define HEARTH_COMMON_PROMETHEUS_H

#include <stdint.h>
#include <stdio.h>

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4"

/* What comes before the lines of a name, once. type: "gauge", "counter", "histogram". */
void prometheus_head(FILE *out, const char *name, const char *type, const char *help);

/* A name that has one line. */
void prometheus_one(
    FILE *out, const char *name, const char *type, const char *help, uint64_t value);

/* Of milliseconds, in seconds; of so many in a thousand, as a ratio. */
void prometheus_one_thousandths(
    FILE *out, const char *name, const char *type, const char *help, uint64_t value);

/* Which version this is; memory and CPU of this process, named as Prometheus' own libraries do. */
void prometheus_build(FILE *out);
void prometheus_process(FILE *out);

#endif /* HEARTH_COMMON_PROMETHEUS_H */
