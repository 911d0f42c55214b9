#include "coordinator/audit/audit_doubt.h"

/* The node's own place, or a free one, or the oldest. */
static struct audit_doubt_visit *place_of(struct audit_doubt *doubt, uint32_t node)
{
    struct audit_doubt_visit *found = &doubt->visits[0];
    for (unsigned i = 0; i < AUDIT_DOUBT_VISITS; i++) {
        if (doubt->visits[i].node == node) {
            return &doubt->visits[i];
        }
        if (doubt->visits[i].at_ms < found->at_ms) {
            found = &doubt->visits[i];
        }
    }
    return found;
}

void audit_doubt_note(struct audit_doubt *doubt, uint32_t node, bool was_true, uint64_t now_ms)
{
    *place_of(doubt, node) =
        (struct audit_doubt_visit){.node = node, .was_true = was_true, .at_ms = now_ms};
}

bool audit_doubt_is(const struct audit_doubt *doubt, uint64_t now_ms)
{
    unsigned nodes = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < AUDIT_DOUBT_VISITS; i++) {
        const struct audit_doubt_visit *visit = &doubt->visits[i];
        if (visit->node != 0 && now_ms < visit->at_ms + AUDIT_DOUBT_MS) {
            nodes++;
            wrong += !visit->was_true;
        }
    }
    return nodes >= AUDIT_DOUBT_LEAST && 2 * wrong > nodes;
}
