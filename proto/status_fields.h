/*
 * status_fields.h - what of a cluster's status is a number: one table, by which hearth-admin prints
 * JSON and the coordinator its page of metrics.  So they cannot differ.
 *
 *   struct wire_status_reply --row by row--> {"segments_below_n": 3, ...}
 *                                      \---> hearth_segments_below_n 3
 *
 * A duty that has something to say has a message of its own in StatusReply, a part here.
 */
#ifndef HEARTH_PROTO_STATUS_FIELDS_H
#define HEARTH_PROTO_STATUS_FIELDS_H

#include "proto/wire_fleet.h"

enum status_unit {
    STATUS_COUNT, /* bytes, too */
    STATUS_MS,    /* a length of time */
    STATUS_UNIX_MS,
    STATUS_PERMILLE,
    STATUS_FLAG,
};

struct status_field {
    const char *part;   /* whose; "": of the whole */
    const char *name;   /* in its JSON object */
    const char *metric; /* in base units */
    bool only_grows;
    enum status_unit unit;
    const char *help;
    size_t part_offset; /* of the pointer to its part */
    size_t offset;      /* in the part, or in the whole */
    size_t size;
};

extern const struct status_field status_fields[];
extern const unsigned status_field_count;

/* False: that part is not there. */
bool status_field_value(
    const struct status_field *field, const struct wire_status_reply *status, uint64_t *out);

#endif /* HEARTH_PROTO_STATUS_FIELDS_H */
