/*
 * get_reports.h - what a get found wrong with nodes: said to the application at once, to the
 * coordinator when the reading is over, so that no reader waits for it.
 *
 * Thread-safety: one transfer's.
 */
#ifndef HEARTH_CLIENT_GET_REPORTS_H
#define HEARTH_CLIENT_GET_REPORTS_H

#include "client/session.h"

enum { GET_REPORTS_MAX = 32 }; /* of one get; more say nothing new */

struct get_reports {
    struct session *session;
    unsigned count;
    struct get_report {
        uint8_t segment_id[SEGMENT_ID_SIZE];
        uint8_t node_id[NODE_HEALTH_ID_SIZE];
        unsigned slot;
        unsigned number;
        enum hearth_code code;
        char detail[128];
    } reports[GET_REPORTS_MAX];
};

/* `placement` is who failed, `why` how. */
void get_reports_add(struct get_reports *reports, struct view segment_id,
    const struct wire_placement *placement, const struct hearth_err *why);

/* Tells the coordinator; when it does not answer, the rest is forgotten. */
void get_reports_send(struct get_reports *reports);

#endif /* HEARTH_CLIENT_GET_REPORTS_H */
