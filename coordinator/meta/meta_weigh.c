#include "coordinator/meta/meta_weigh.h"

/*
 * Holders that stay: nobody new may share owner or network with them.  Slots named by a receipt do
 * not count, so that an owner can move from one of them to another; when the new holder of such a
 * slot turns out bad the old one stays, whoever it shares with (D7).
 */
static void add_domains_that_stay(
    struct meta_weighing *weighing, const struct meta_receipt *receipts, size_t count)
{
    bool named[META_SLOTS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        if (receipts[i].slot < weighing->n) {
            named[receipts[i].slot] = weighing->replaces;
        }
    }
    for (unsigned slot = 0; slot < weighing->n; slot++) {
        struct meta_domain *domain = &weighing->domains[weighing->domain_count];
        if (weighing->holders[slot].node > 0 && !named[slot] &&
            meta_node_domain_in(weighing->tx, weighing->holders[slot].node, domain)) {
            weighing->domain_count++;
        }
    }
}

static bool shares_domain(const struct meta_weighing *weighing, const struct meta_domain *domain)
{
    for (size_t i = 0; i < weighing->domain_count; i++) {
        const struct meta_domain *other = &weighing->domains[i];
        if (other->node == domain->node) {
            return true;
        }
        if (!weighing->tx->allow_colocation &&
            (other->owner == domain->owner ||
                memcmp(&other->network, &domain->network, sizeof(domain->network)) == 0)) {
            return true;
        }
    }
    return false;
}

/* The offer the receipt answers, or what is wrong with it. */
static struct meta_bad_slot check_offer(
    const struct meta_weighing *weighing, const struct meta_receipt *receipt)
{
    struct meta_bad_slot bad = {.slot = receipt->slot};
    struct sql *sql = sql_use(weighing->tx, SQL_OFFER_GET);
    sql_set_id(sql, ":segment", &weighing->segment);
    sql_set_u64(sql, ":slot", receipt->slot);
    sql_set_u64(sql, ":p", receipt->p);
    if (!sql_step(sql)) {
        bad.code = HEARTH_NOT_FOUND;
        bad.reason = "this placement was not offered, or has ended";
        return bad;
    }
    uint64_t node = sql_u64(sql);
    uint64_t expires_ms = sql_u64(sql);
    if (node != receipt->node) {
        bad.code = HEARTH_DENIED;
        bad.reason = "this placement was offered to another node";
    } else if (weighing->orders_must_live && weighing->tx->now_ms > expires_ms) {
        bad.code = HEARTH_EXPIRED;
        bad.reason = "its order has expired";
    }
    return bad;
}

/* code HEARTH_OK: the receipt is good, *domain is its node's. */
static struct meta_bad_slot weigh(const struct meta_weighing *weighing,
    const struct meta_receipt *receipt, struct meta_domain *domain)
{
    struct meta_bad_slot bad = {.slot = receipt->slot};
    if (receipt->slot >= weighing->n) {
        bad.code = HEARTH_INVALID;
        bad.reason = "there is no such slot";
    } else if (receipt->shard_length != weighing->shard_length) {
        bad.code = HEARTH_CHECKSUM;
        bad.reason = "the shard has the wrong length";
    } else if (weighing->taken[receipt->slot] ||
        (!weighing->replaces && weighing->holders[receipt->slot].node > 0)) {
        bad.code = HEARTH_EXISTS;
        bad.reason = "the slot is filled already";
    } else {
        bad = check_offer(weighing, receipt);
    }
    if (bad.code == HEARTH_OK &&
        (!meta_node_domain_in(weighing->tx, receipt->node, domain) ||
            shares_domain(weighing, domain))) {
        bad.code = HEARTH_CONFLICT;
        bad.reason = "its owner or network holds another slot";
    }
    return bad;
}

static void delete_offer(struct meta_weighing *weighing, const struct meta_receipt *receipt)
{
    struct sql *sql = sql_use(weighing->tx, SQL_OFFER_DELETE);
    sql_set_id(sql, ":segment", &weighing->segment);
    sql_set_u64(sql, ":slot", receipt->slot);
    sql_set_u64(sql, ":p", receipt->p);
    sql_run(sql);
}

/* From offer to holder. What held the slot before becomes a dead shard when no reader can have an
 * order for it any more. */
static void take(struct meta_weighing *weighing, const struct meta_receipt *receipt,
    const struct meta_domain *domain)
{
    struct meta_holder *holder = &weighing->holders[receipt->slot];
    if (holder->node > 0) {
        const struct meta_dead before = {.segment = &weighing->segment,
            .slot = receipt->slot,
            .placement = *holder,
            .not_before_ms = weighing->tx->now_ms + meta_read_grace_ms(weighing->tx),
            .bytes = weighing->shard_length};
        meta_dead_insert_in(weighing->tx, &before);
    }
    delete_offer(weighing, receipt);
    *holder = (struct meta_holder){.node = receipt->node, .p = receipt->p};
    ec_slots_remove(&weighing->damaged, receipt->slot);
    ec_slots_remove(&weighing->passed, receipt->slot);
    weighing->taken[receipt->slot] = true;
    weighing->domains[weighing->domain_count++] = *domain;
}

/* Returns how many were good. */
unsigned meta_weigh_all(
    struct meta_weighing *weighing, const struct meta_receipt *receipts, size_t count)
{
    unsigned good = 0;
    struct meta_seal_result *result = weighing->result;
    result->bad_count = 0;
    add_domains_that_stay(weighing, receipts, count);
    for (size_t i = 0; i < count; i++) {
        struct meta_domain domain;
        struct meta_bad_slot bad = weigh(weighing, &receipts[i], &domain);
        if (bad.code == HEARTH_OK) {
            take(weighing, &receipts[i], &domain);
            good++;
        } else {
            result->bad[result->bad_count++] = bad;
        }
    }
    return good;
}

uint16_t meta_count_holders(const struct meta_holder *holders, uint16_t n)
{
    uint16_t count = 0;
    for (unsigned slot = 0; slot < n; slot++) {
        count = (uint16_t)(count + (holders[slot].node > 0));
    }
    return count;
}
