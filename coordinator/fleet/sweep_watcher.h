/*
 * sweep_watcher.h - a duty that wants to see all segments, without reading them itself.
 *
 *   begin --> page --> page ... --> end
 *
 * All on the sweep's thread.  A page is no place for I/O or for waiting: count, sample, fill
 * bounded queues; a thread of the duty's own works those off, and is woken after each pass.
 *
 * Segments come in id order within a range, dying and doomed ones too.  After a crash some are seen
 * twice in a pass; none is left out of a complete one.
 */
#ifndef HEARTH_COORDINATOR_FLEET_SWEEP_WATCHER_H
#define HEARTH_COORDINATOR_FLEET_SWEEP_WATCHER_H

#include "coordinator/duty.h"
#include "coordinator/fleet/sweep_pass.h"
#include "coordinator/meta/meta_types.h"

struct sweep_watcher {
    void *context;

    /* A watcher that fails here sees nothing of this pass, not even its end. */
    enum hearth_code (*begin)(void *context, const struct sweep_pass *pass, struct hearth_err *err);
    void (*page)(void *context, const struct sweep_pass *pass, const struct meta_segment *segments,
        size_t count);
    /* complete: all of the pass has been read.  Otherwise it was cut short, and goes on later with
     * another begin, which says is_resumed. */
    void (*end)(void *context, const struct sweep_pass *pass, bool complete);

    struct duty *const *wakes; /* its own duty, woken after each end; NULL, or of NULL: none */
};

#endif /* HEARTH_COORDINATOR_FLEET_SWEEP_WATCHER_H */
