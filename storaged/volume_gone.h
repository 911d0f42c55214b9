/*
 * volume_gone.h - the numbers of all logs that were dropped and unlinked, for ever.
 *
 * A name that was unlinked can come back: whether a directory is synced is known only as long as
 * nobody's sync of it fails.  So what is gone is told by its number, which is never used again, and
 * not by its absence; and a log that is merely not spoken of is no log that is gone.
 *
 * Logs go roughly in their order, so this is a few ranges.  They are kept in the checkpoints.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_VOLUME_GONE_H
#define HEARTH_STORAGED_VOLUME_GONE_H

#include <stdbool.h>
#include <stdint.h>

struct gone_range {
    uint32_t first;
    uint32_t end;
};

/* In order, with something between any two. Zeroed: empty. */
struct gone_logs {
    struct gone_range *ranges;
    uint32_t count;
    uint32_t capacity;
};

bool gone_logs_have(const struct gone_logs *gone, uint32_t number);

/* 0: none is gone. */
uint32_t gone_logs_last(const struct gone_logs *gone);

/* All of [first, end), end > first. false: out of memory, nothing was added. */
bool gone_logs_add(struct gone_logs *gone, uint32_t first, uint32_t end);

void gone_logs_fini(struct gone_logs *gone);

#endif /* HEARTH_STORAGED_VOLUME_GONE_H */
