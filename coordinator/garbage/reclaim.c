#include "coordinator/garbage/reclaim.h"

#include "common/log.h"
#include "coordinator/meta/meta_garbage.h"

static void add(struct meta_garbage_report *sum, const struct meta_garbage_report *step)
{
    sum->intents_aborted += step->intents_aborted;
    sum->bodies_reaped += step->bodies_reaped;
    sum->segments_dying += step->segments_dying;
    sum->segments_buried += step->segments_buried;
    sum->shards_dead += step->shards_dead;
}

static void log_report(const struct meta_garbage_report *sum)
{
    if (sum->intents_aborted + sum->bodies_reaped + sum->segments_buried + sum->shards_dead > 0) {
        log_write(LOG_GARBAGE_COLLECTED, "intents=%ju bodies=%ju segments=%ju shards=%ju",
            (uintmax_t)sum->intents_aborted, (uintmax_t)sum->bodies_reaped,
            (uintmax_t)sum->segments_buried, (uintmax_t)sum->shards_dead);
    }
}

void reclaim_round(struct duty *duty, void *context)
{
    struct coordinator *coordinator = context;
    struct hearth_err err;
    struct meta_garbage_report sum = {0};
    struct meta_garbage_report step = {0};
    enum hearth_code code = node_table_flush(coordinator->nodes, &err);
    while (code == HEARTH_OK && !step.idle && !duty_is_stopping(duty)) {
        code = meta_garbage_step(coordinator->store, &step, &err);
        if (code == HEARTH_OK) {
            add(&sum, &step);
        }
    }
    log_report(&sum);
    if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=reclaim error=\"%s\"", err.message);
    }
}
