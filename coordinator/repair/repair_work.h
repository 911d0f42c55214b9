/*
 * repair_work.h - a few workers that take from the board and repair, several segments at once.
 *
 *   board --take--> read the row, judge again --> repair_plan.h --> done
 *
 * They live as long as there is something to take.  One alone works on the caller's thread.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_WORK_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_WORK_H

#include "client/shard_net.h"
#include "coordinator/coordinator.h"
#include "coordinator/duty.h"
#include "coordinator/repair/repair_board.h"
#include "coordinator/repair/repair_budget.h"
#include "coordinator/repair/repair_judge.h"

struct repair_crew {
    struct coordinator *coordinator; /* set once, all but `shared` */
    struct repair_board *board;
    struct repair_budget *budget;
    struct repair_rules rules;

    /* Between rounds only. */
    struct shard_net *net; /* NULL: none yet */
    uint8_t session_id[PKI_ID_SIZE];

    struct {
        pthread_mutex_t mutex;
        const struct fleet_view *fleet; /* NULL: none yet */
    } shared;
};

void repair_crew_init(struct repair_crew *crew); /* of one whose first part is set */
void repair_crew_fini(struct repair_crew *crew);

/* Until the board has nothing more to give, or the duty is to stop. */
void repair_crew_run(struct repair_crew *crew, struct duty *duty);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_WORK_H */
