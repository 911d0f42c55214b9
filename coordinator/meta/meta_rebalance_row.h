/*
 * meta_rebalance_row.h - plans and shares as rows, inside a transaction.
 *
 * Only files whose name begins with meta_ include this.
 */
#ifndef HEARTH_COORDINATOR_META_META_REBALANCE_ROW_H
#define HEARTH_COORDINATOR_META_META_REBALANCE_ROW_H

#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_rebalance.h"

/* New, or in the place of what was there. */
void meta_rebalance_put_in(struct meta_tx *tx, const struct meta_rebalance *plan);
void meta_rebalance_share_put_in(
    struct meta_tx *tx, uint64_t plan, const struct meta_rebalance_share *share);

/* HEARTH_NOT_FOUND. */
enum hearth_code meta_rebalance_in(
    struct meta_tx *tx, uint64_t number, struct meta_rebalance *out, struct hearth_err *err);

/* The next row of a statement that selects whole plans. False: no more. */
bool meta_rebalance_read_in(struct meta_tx *tx, struct sql *sql, struct meta_rebalance *out);

/* The open plan by which the node leaves; 0: none. */
uint64_t meta_rebalance_draining_in(struct meta_tx *tx, uint32_t node);

/* What a node is when audits let it come back: it leaves, if a plan that was applied says so. */
enum meta_node_state meta_rebalance_state_of_returned_in(struct meta_tx *tx, uint32_t node);

/* From PLANNED to RUNNING; its nodes drain. HEARTH_CONFLICT: another plan is in the way. */
enum hearth_code meta_rebalance_start_in(
    struct meta_tx *tx, struct meta_rebalance *plan, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_REBALANCE_ROW_H */
