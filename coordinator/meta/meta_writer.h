/*
 * meta_writer.h - the one thread that changes the database: group commit, checkpoints, tasks in
 * between.
 *
 *   callers --queue--> BEGIN, (SAVEPOINT closure)*, COMMIT = one fdatasync --> answers
 *
 * While one group is being synced the next one gathers.
 */
#ifndef HEARTH_COORDINATOR_META_META_WRITER_H
#define HEARTH_COORDINATOR_META_META_WRITER_H

#include "coordinator/meta/meta_backup.h"
#include "coordinator/meta/meta_changes.h"
#include "coordinator/meta/meta_connection.h"

struct meta_writer;

struct meta_writer_options {
    struct meta_connection *connection; /* the writer's alone until stop */
    /* A new transaction's surroundings: time, env, names. Any thread. */
    struct meta_tx (*make_tx)(void *context, struct meta_connection *connection);
    /* A group in which grants or buckets may have changed is over, and not answered yet. */
    void (*access_changed)(void *context);
    bool (*fails_at)(void *context, enum meta_step step); /* NULL: never */
    void *context;                                        /* of make_tx and access_changed */
    void *fails_context;
};

enum hearth_code meta_writer_start(
    const struct meta_writer_options *options, struct meta_writer **out, struct hearth_err *err);

/* Nobody may be waiting. Accepts NULL. */
void meta_writer_stop(struct meta_writer *writer);

/* As meta_run_many; at most META_TOGETHER_MAX. */
void meta_writer_run(struct meta_writer *writer, struct meta_work *works, size_t count);

unsigned meta_writer_queued(struct meta_writer *writer);

/* Something for the writer's thread to do between groups, step by step. */
struct meta_writer_task {
    /* True: it is done, whatever came of it. */
    bool (*step)(struct meta_writer_task *task, struct meta_connection *connection,
        struct meta_changes *changes);
};

/* Steps the task until it is done.  While there is another one it waits for that, or, unless
 * `waits`: HEARTH_BUSY. */
enum hearth_code meta_writer_do(
    struct meta_writer *writer, struct meta_writer_task *task, bool waits, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_WRITER_H */
