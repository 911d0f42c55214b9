/*
 * recode_survey.h - a plan that codes a bucket's segments anew, worked out: how many, what it
 * takes, what that changes.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_REBALANCE_RECODE_SURVEY_H
#define HEARTH_COORDINATOR_REBALANCE_RECODE_SURVEY_H

#include "coordinator/coordinator.h"
#include "coordinator/duty.h"
#include "coordinator/meta/meta_rebalance.h"

/* As rebalance_survey(). */
enum hearth_code recode_survey(struct coordinator *coordinator, const struct meta_rebalance *plan,
    struct duty *duty, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REBALANCE_RECODE_SURVEY_H */
