/*
 * get_holders.h - who holds the slots of a segment, as far as a get knows, and who is found when
 * these fail: first by Lookup, then by MoreOrders and Whereis.
 *
 * Thread-safety: one transfer's.
 */
#ifndef HEARTH_CLIENT_GET_HOLDERS_H
#define HEARTH_CLIENT_GET_HOLDERS_H

#include "client/get_cover.h"

struct get_source;

/* Times the coordinator is asked for more without one stripe delivered in between. */
enum { GET_HOLDERS_ASKED_MAX = 3 };

struct get_holders {
    /* Set once; borrowed. */
    const struct get_source *source;
    const struct wire_segment_info *info;
    struct get_cover *cover; /* its holders are filled and kept here */

    struct arena arena; /* what the coordinator answered */
    unsigned asked;
    uint64_t busy_ns;  /* since when nodes were too busy, and too few others there; 0: not so */
    uint64_t retry_ns; /* when the busy ones are asked again; UINT64_MAX: nobody is waited for */
};

void get_holders_init(struct get_holders *holders, const struct get_source *source,
    const struct wire_segment_info *info, struct get_cover *cover);
void get_holders_fini(struct get_holders *holders);

/* Those of `info`. */
void get_holders_adopt(struct get_holders *holders);

/* A lane to this slot was lost; what its node is told of, and to whom. */
void get_holders_note_lost(
    struct get_holders *holders, unsigned slot, const struct hearth_err *why);

/* Asks the coordinator for orders and addresses; false: it knows nobody else. */
bool get_holders_find_more(struct get_holders *holders);

/* Nobody else is known, but some were only at their limit: they will be asked again at retry_ns.
 * false: there are none such, or they have been so for 10 s. */
bool get_holders_wait_for_busy(struct get_holders *holders);

/* At retry_ns: the busy ones can be asked. */
void get_holders_retry_busy(struct get_holders *holders);

/* A stripe was delivered: the coordinator may be asked again. */
void get_holders_note_progress(struct get_holders *holders);

/* HEARTH_SHARDS_LOST, with how many there are. */
enum hearth_code get_holders_fail(const struct get_holders *holders, struct hearth_err *err);

#endif /* HEARTH_CLIENT_GET_HOLDERS_H */
