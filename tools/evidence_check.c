#include "tools/evidence_check.h"

#include "client/shard_tag.h"
#include "proto/evidence_count.h"

/* As the coordinator numbers them (audit_judge.h): records say so for ever. */
enum fault { WRONG = 1, MISSING, ROTTEN, SILENT, FAULTS };

const char *evidence_fault_text(uint8_t fault)
{
    static const char *const texts[FAULTS] = {"none", "wrong", "missing", "rotten", "silent"};
    return fault < FAULTS ? texts[fault] : "something else";
}

const char *evidence_answer_text(uint8_t answer)
{
    static const char *const texts[EVIDENCE_ANSWERS] = {
        "not asked", "true", "wrong", "missing", "rotten", "silent", "cut off", "refused"};
    return answer < EVIDENCE_ANSWERS ? texts[answer] : "something else";
}

/* ---- orders ---- */

static bool is_about_the_cell(const struct evidence_try *one)
{
    return one->role == EVIDENCE_CELL || one->role == EVIDENCE_AGAIN;
}

static enum hearth_code read_order(
    const struct evidence_try *one, struct order *out, struct hearth_err *err)
{
    return order_read(view_of(one->order, sizeof(one->order)), out, err);
}

/* To this node, to read, in its time; for this shard when it is about the cell, else for another.
 */
static bool is_leave_for(const struct evidence *evidence, const struct evidence_try *one,
    const struct order *order, const struct order *cells)
{
    if (order->action != ORDER_GET || one->asked_unix_ms > one->ended_unix_ms ||
        one->asked_unix_ms >= order->expires_unix_ms ||
        memcmp(order->node_id, evidence->node_id, PKI_ID_SIZE) != 0) {
        return false;
    }
    bool is_this = memcmp(order->shard_id, cells->shard_id, ORDER_SHARD_ID_SIZE) == 0;
    return is_about_the_cell(one)
        ? is_this && order->slot == evidence->slot && order->p == evidence->p
        : !is_this;
}

/* Of the first question about the cell. */
static enum hearth_code find_cells_order(
    const struct evidence *evidence, struct order *out, struct hearth_err *err)
{
    for (size_t i = 0; i < evidence->try_count; i++) {
        if (is_about_the_cell(&evidence->tries[i])) {
            return read_order(&evidence->tries[i], out, err);
        }
    }
    return hearth_fail(err, HEARTH_CHECKSUM, "no question was about the cell");
}

static enum hearth_code check_orders(const struct evidence *evidence, struct hearth_err *err)
{
    struct order cells;
    enum hearth_code code = find_cells_order(evidence, &cells, err);
    for (size_t i = 0; code == HEARTH_OK && i < evidence->try_count; i++) {
        const struct evidence_try *one = &evidence->tries[i];
        struct order order;
        code = read_order(one, &order, err);
        if (code == HEARTH_OK && !is_leave_for(evidence, one, &order, &cells)) {
            code = hearth_fail(err, HEARTH_CHECKSUM,
                "question %zu was not about this shard, or not about another, at this node", i + 1);
        }
    }
    return code;
}

/* ---- what they prove ---- */

static bool cell_is_true(const struct evidence *evidence)
{
    if (evidence->cell.size <= CRYPTO_TAG_SIZE) {
        return false;
    }
    struct verify_key vk;
    size_t size = evidence->cell.size - CRYPTO_TAG_SIZE;
    memcpy(vk.bytes, evidence->vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    bool fits = shard_tag_fits(tagger, evidence->slot, evidence->wrong_stripe,
        view_of(evidence->cell.bytes, size), evidence->cell.bytes + size);
    shard_tagger_destroy(tagger);
    return fits;
}

/* So many questions about the cell were answered, and not with what was stored. */
static unsigned count_bad_answers(const struct evidence *evidence)
{
    unsigned count = 0;
    for (size_t i = 0; i < evidence->try_count; i++) {
        const struct evidence_try *one = &evidence->tries[i];
        count += is_about_the_cell(one) && one->answer >= EVIDENCE_WRONG &&
            one->answer <= EVIDENCE_ROTTEN;
    }
    return count;
}

static enum hearth_code check_silence(const struct evidence *evidence, struct hearth_err *err)
{
    unsigned strikes = evidence_strikes(evidence->tries, evidence->try_count);
    return strikes >= EVIDENCE_STRIKES
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM, "%u strikes, %d are needed", strikes, EVIDENCE_STRIKES);
}

static enum hearth_code check_proof(const struct evidence *evidence, struct hearth_err *err)
{
    bool is_rotten = evidence->fault == ROTTEN;
    if (!is_rotten && evidence->witnesses_true < evidence->k) {
        return hearth_fail(err, HEARTH_CHECKSUM, "%u witnesses, %u are needed",
            evidence->witnesses_true, evidence->k);
    }
    if (evidence->fault == SILENT) {
        return check_silence(evidence, err);
    }
    if (count_bad_answers(evidence) < 2) {
        return hearth_fail(err, HEARTH_CHECKSUM, "it was not asked for twice in vain");
    }
    if (evidence->fault == WRONG && cell_is_true(evidence)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the cell is what was stored");
    }
    return evidence->fault > 0 && evidence->fault < FAULTS
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM, "no such fault: %u", evidence->fault);
}

enum hearth_code evidence_check(struct view record, const uint8_t ca_pin[PKI_PIN_SIZE],
    struct evidence *out, struct hearth_err *err)
{
    enum hearth_code code = evidence_decode(record, ca_pin, out, err);
    if (code == HEARTH_OK) {
        code = check_orders(out, err);
    }
    return code == HEARTH_OK ? check_proof(out, err) : code;
}
