/*
 * repair_board.h - what the sweep found, what workers do about it, and what `repair status` shows.
 *
 *   sweep --found--> queue, most urgent first --take--> worker --done--> counts, backoff
 *                      \--unsaved, ended--> rows (meta_repair.h), by the duty
 *
 * What failed before gets half of the time while there is something else to do, and a minute of a
 * round after that.
 *
 * Thread-safety: any thread; a leaf.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_BOARD_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_BOARD_H

#include "coordinator/meta/meta_repair.h"
#include "coordinator/repair/repair_queue.h"

enum {
    REPAIR_QUEUE_MAX = 4096, /* the most endangered ones; the next sweep finds the rest */
    REPAIR_LOST_MAX = 65536, /* segments that cannot be read, named; more are only counted */
    REPAIR_WORKERS_MAX = 16,
    REPAIR_RETRY_MS = 60 * 1000,
};

struct repair_status {
    /* Of the last complete sweep; all 0 until one has ended since the start. */
    bool is_counted;
    uint64_t segments;
    uint64_t below_n;
    uint64_t below_r;       /* at their trigger or below */
    uint64_t unreadable;    /* fewer than k reachable now */
    uint64_t lost;          /* of those: fewer than k are held */
    uint64_t queue;         /* due, and not repaired yet */
    uint64_t waiting;       /* of those: failed, and not tried again yet */
    uint64_t without_place; /* of those: no node may take a shard of it now */
    uint64_t bytes;         /* to be read and written for what is due and has a place */
    /* Now. */
    uint64_t queued;    /* of those that are due: in the queue */
    uint64_t oldest_ms; /* when the one was found that is in it longest; 0: it is empty */
    uint64_t running;
    uint64_t bytes_per_s;
    uint64_t asked_ms; /* since when everything is to be brought to n; 0: it is not */
    /* Since the start. */
    uint64_t repaired; /* shards */
    uint64_t repaired_segments;
    uint64_t repaired_bytes; /* read and written */
    uint64_t failed;         /* tries */
};

/* A segment that cannot be read. */
struct repair_lost {
    struct meta_id segment;
    bool is_lost; /* fewer than k are held; otherwise only silent nodes have to come back */
};

struct repair_losses {
    struct repair_lost *segments; /* REPAIR_LOST_MAX of them */
    size_t count;
};

struct repair_board;

/* NULL: out of memory. */
struct repair_board *repair_board_create(struct env *env, struct meta_store *store);
void repair_board_destroy(struct repair_board *board); /* accepts NULL */

/* ---- the sweep's side ---- */

struct repair_before {
    bool is_retry;
    bool is_waiting; /* and it is too early for that */
};

struct repair_before repair_board_before(struct repair_board *board, struct meta_id segment);

/* It is whole. */
void repair_board_forget(struct repair_board *board, struct meta_id segment);

struct repair_found {
    struct repair_queue queue;
    struct repair_status counts;
    struct repair_losses losses;
    bool is_all;   /* of all segments: what is not in it is not due */
    bool is_asked; /* everything below n counted as due */
};

/* Takes queue and losses; `found` has emptied ones afterwards. */
void repair_board_found(struct repair_board *board, struct repair_found *found);

/* ---- rows, for the duty ---- */

/* What was queued when the coordinator ended last. */
void repair_board_restore(
    struct repair_board *board, const struct meta_repair_row *rows, size_t count);

/* Up to META_REPAIR_BATCH that have no row yet, which is theirs from now on. Returns how many. */
size_t repair_board_unsaved(
    struct repair_board *board, struct meta_repair_row rows[META_REPAIR_BATCH]);

/* Up to META_REPAIR_BATCH whose row is to be ended. */
size_t repair_board_ended(struct repair_board *board, struct meta_id segments[META_REPAIR_BATCH]);

/* ---- workers ---- */

/* A round begins. */
void repair_board_begin(struct repair_board *board);

/* How many may be worth a worker. */
size_t repair_board_depth(struct repair_board *board);

/* The most urgent one that may be tried now; false: none. */
bool repair_board_take(struct repair_board *board, struct repair_entry *out);

struct repair_outcome {
    enum hearth_code code;
    unsigned shards; /* stored */
    uint64_t bytes;  /* read and written */
    uint64_t took_ns;
};

/* It was tried and did not work: neither nowhere to go, nor somebody was first, nor nothing there
 * any more. */
bool repair_outcome_is_failure(enum hearth_code code);

/* Each that was taken is done once. */
void repair_board_done(struct repair_board *board, const struct repair_entry *entry,
    const struct repair_outcome *outcome);

/* ---- anybody ---- */

/* Everything is to be brought to n, from the next pass on; 0: not any more. */
void repair_board_ask(struct repair_board *board, uint64_t since_ms);
uint64_t repair_board_asked(struct repair_board *board);

void repair_board_status(struct repair_board *board, struct repair_status *out);

/* Of these segments, those of the last pass that cannot be read: whether it is one, and how. */
bool repair_board_is_unreadable(
    struct repair_board *board, struct meta_id segment, struct repair_lost *out);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_BOARD_H */
