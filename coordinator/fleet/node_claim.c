#include "coordinator/fleet/node_claim.h"

const char *claim_verdict_text(enum claim_verdict verdict)
{
    static const char *const texts[] = {
        [CLAIM_TRUE] = "is the one we know",
        [CLAIM_OTHER_DISK] = "has another volume than before",
        [CLAIM_OLDER_COPY] = "has an older copy of its volume",
        [CLAIM_TWO_AT_ONCE] = "is reported by two machines at once",
    };
    return texts[verdict];
}

static bool is_same_instance(const struct node_claim *claim, const struct meta_node_report *report)
{
    return meta_id_equal(claim->instance, report->instance);
}

/* It can be the disk we know, further on. */
static enum claim_verdict judge_disk(const struct node_claim *claim,
    const struct meta_node_report *known, const struct meta_node_report *report)
{
    if (meta_id_is_zero(known->volume)) {
        return CLAIM_TRUE; /* its first heartbeat */
    }
    if (!meta_id_equal(known->volume, report->volume)) {
        return CLAIM_OTHER_DISK;
    }
    bool is_restart = !is_same_instance(claim, report) && !meta_id_is_zero(claim->instance);
    bool went_back = report->start_count < known->start_count ||
        report->sequence < known->sequence ||
        (is_restart && report->start_count == known->start_count);
    return went_back ? CLAIM_OLDER_COPY : CLAIM_TRUE;
}

/* Who was believed before reports again: was somebody else there in between? */
static bool take_turn(struct node_claim *claim, uint64_t now_ms, uint64_t quiet_ms)
{
    if (claim->other_since) {
        claim->turns++;
        claim->other_since = false;
    } else if (now_ms >= claim->other_ms + quiet_ms) {
        claim->turns = 0;
    }
    return claim->turns >= CLAIM_TURNS_MAX;
}

struct claim_judgement node_claim_judge(struct node_claim *claim,
    const struct meta_node_report *known, const struct meta_node_report *report, uint64_t now_ms,
    uint64_t alive_until_ms, uint64_t quiet_ms)
{
    enum claim_verdict verdict = judge_disk(claim, known, report);
    bool is_same = is_same_instance(claim, report);
    if (verdict != CLAIM_TRUE) {
        claim->other_ms = now_ms;
        claim->other_since = !is_same;
        return (struct claim_judgement){
            .verdict = verdict, .is_second = !is_same && now_ms < alive_until_ms};
    }
    if (!is_same) { /* started again: turns are of one that runs on */
        *claim = (struct node_claim){.instance = report->instance};
    } else if (take_turn(claim, now_ms, quiet_ms)) {
        verdict = CLAIM_TWO_AT_ONCE;
    }
    return (struct claim_judgement){.verdict = verdict};
}
