#include "coordinator/repair/repair.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/meta/meta_repair.h"
#include "coordinator/repair/repair_watch.h"
#include "coordinator/repair/repair_work.h"

#include <stdlib.h>

struct repair {
    struct coordinator *coordinator; /* set once, all of them */
    struct repair_board *board;
    struct repair_watch *watch;
    struct repair_crew crew;

    /* The duty's thread only, after creation. */
    struct {
        bool is_restored;  /* the rows of before are on the board */
        uint64_t asked_ms; /* as the row has it */
    } on_duty;
};

static enum hearth_code restore(struct repair *repair, struct hearth_err *err)
{
    struct meta_store *store = repair->coordinator->store;
    struct meta_repair_row *rows = calloc(REPAIR_QUEUE_MAX, sizeof(*rows));
    size_t count = 0;
    if (rows == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "queue of repair");
    }
    enum hearth_code code = meta_repair_load(store, rows, REPAIR_QUEUE_MAX, &count, err);
    if (code == HEARTH_OK) {
        code = meta_repair_get_asked(store, &repair->on_duty.asked_ms, err);
    }
    if (code == HEARTH_OK) {
        repair_board_restore(repair->board, rows, count);
        repair->on_duty.is_restored = true;
    }
    if (code == HEARTH_OK && repair->on_duty.asked_ms != 0) {
        repair_board_ask(repair->board, repair->on_duty.asked_ms);
    }
    free(rows);
    return code;
}

/* Before the first pass, whose end would be overruled by it.  What cannot be read now is read at
 * the next round. */
static bool make_sure_of_rows(struct repair *repair)
{
    struct hearth_err err;
    if (!repair->on_duty.is_restored && restore(repair, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=repair error=\"%s\"", err.message);
    }
    return repair->on_duty.is_restored;
}

static struct repair_budget *create_budget(const struct coordinator *coordinator)
{
    const struct settings *settings = coordinator->settings;
    const struct repair_budget_options options = {
        .env = coordinator->env,
        .rate = settings->repair_rate,
        .node_rate = settings->repair_node_rate,
        .network_rate = settings->repair_network_rate,
        .node_max = (unsigned)settings->repair_node_max,
        .network_max = (unsigned)settings->repair_network_max,
    };
    return repair_budget_create(&options);
}

struct repair *repair_create(struct coordinator *coordinator)
{
    struct repair *repair = calloc(1, sizeof(*repair));
    if (repair == NULL) {
        return NULL;
    }
    repair->coordinator = coordinator;
    repair->board = repair_board_create(coordinator->env, coordinator->store);
    repair->watch = repair->board == NULL ? NULL : repair_watch_create(coordinator, repair->board);
    repair->crew.coordinator = coordinator;
    repair->crew.board = repair->board;
    repair->crew.budget = create_budget(coordinator);
    repair_rules_init(&repair->crew.rules, (unsigned)coordinator->settings->repair_nines);
    repair_crew_init(&repair->crew);
    if (repair->watch == NULL || repair->crew.budget == NULL) {
        repair_destroy(repair);
        return NULL;
    }
    make_sure_of_rows(repair);
    return repair;
}

void repair_destroy(struct repair *repair)
{
    if (repair != NULL) {
        repair_crew_fini(&repair->crew);
        repair_budget_destroy(repair->crew.budget);
        repair_watch_destroy(repair->watch);
        repair_board_destroy(repair->board);
        free(repair);
    }
}

void repair_use_session(
    struct repair *repair, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE])
{
    repair->crew.net = net;
    memcpy(repair->crew.session_id, session_id, sizeof(repair->crew.session_id));
}

struct sweep_watcher repair_watcher(struct repair *repair, struct duty *const *duty)
{
    return repair_watch_watcher(repair->watch, duty);
}

void repair_status_get(struct repair *repair, struct repair_status *out)
{
    repair_board_status(repair->board, out);
}

bool repair_is_unreadable(struct repair *repair, struct meta_id segment, struct repair_lost *out)
{
    return repair_board_is_unreadable(repair->board, segment, out);
}

enum hearth_code repair_ask(struct repair *repair, struct hearth_err *err)
{
    uint64_t now = meta_now_ms(repair->coordinator->store);
    enum hearth_code code = meta_repair_set_asked(repair->coordinator->store, now, err);
    if (code == HEARTH_OK) {
        repair_board_ask(repair->board, now);
    }
    return code;
}

/* ---- rows ---- */

static enum hearth_code save_queue(struct repair *repair, struct hearth_err *err)
{
    struct meta_repair_row rows[META_REPAIR_BATCH];
    enum hearth_code code = HEARTH_OK;
    size_t count;
    while (code == HEARTH_OK && (count = repair_board_unsaved(repair->board, rows)) > 0) {
        code = meta_repair_save(repair->coordinator->store, rows, count, err);
        (void)FAILPOINT(COORDINATOR_REPAIR_QUEUED);
    }
    return code;
}

static enum hearth_code end_rows(struct repair *repair, struct hearth_err *err)
{
    struct meta_id segments[META_REPAIR_BATCH];
    enum hearth_code code = HEARTH_OK;
    size_t count;
    while (code == HEARTH_OK && (count = repair_board_ended(repair->board, segments)) > 0) {
        code = meta_repair_end(repair->coordinator->store, segments, count, err);
    }
    return code;
}

/* What an operator asked for is done. */
static enum hearth_code save_asked(struct repair *repair, struct hearth_err *err)
{
    uint64_t asked = repair_board_asked(repair->board);
    enum hearth_code code = HEARTH_OK;
    if (asked == 0 && repair->on_duty.asked_ms != 0) {
        code = meta_repair_set_asked(repair->coordinator->store, 0, err);
    }
    repair->on_duty.asked_ms = asked;
    return code;
}

/* A queue without rows is only found again more slowly: repair goes on. */
static void keep_rows(struct repair *repair)
{
    struct hearth_err err;
    if (end_rows(repair, &err) != HEARTH_OK || save_queue(repair, &err) != HEARTH_OK ||
        save_asked(repair, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=repair error=\"%s\"", err.message);
    }
}

void repair_round(struct repair *repair, struct duty *duty)
{
    if (repair->crew.net == NULL || !make_sure_of_rows(repair)) {
        return;
    }
    keep_rows(repair);
    repair_crew_run(&repair->crew, duty);
    keep_rows(repair);
}
