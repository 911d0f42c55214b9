/*
 * loop.h - one thread that owns a volume, and the mailbox through which others speak to it.
 *
 *   any thread   --loop_post(task)-->   mailbox  -->  task->run() on the loop thread
 *   disk, timers ----------------------^
 *
 * What belongs to a loop is touched only by tasks and timers that run on it, so nothing there needs
 * a lock.  Nothing that runs on a loop may block: the disk answers later, by a task.
 *
 * A loop has its own thread between loop_start() and loop_stop().  Without a thread, whoever calls
 * loop_run_once() is the loop: so a simulated world turns many loops in one thread, by the clock of
 * its env.
 *
 * The mailbox is a list threaded through the tasks themselves and so has no size of its own: its
 * limit (D11) is that of the objects the tasks are embedded in, which are all counted elsewhere.
 */
#ifndef HEARTH_STORAGED_LOOP_H
#define HEARTH_STORAGED_LOOP_H

#include "common/env.h"
#include "common/err.h"

#include <stdbool.h>

struct loop;

/* Embedded in the object it is about; set `run`, leave the rest to the loop. */
struct task {
    void (*run)(struct task *task);
    struct {
        struct task *next;
    } owned_by_loop;
};

/* Embedded likewise, zeroed before its first use. */
struct timer {
    void (*run)(struct timer *timer);
    struct {
        uint64_t deadline_ns;
        struct timer *next;
        bool armed;
    } owned_by_loop;
};

/*
 * Where the loop's thread sleeps when something besides the mailbox may have news for it: a disk
 * that is answered by the kernel and not by threads.  Embedded in that disk.
 */
struct loop_waiter {
    /* On the loop, at the beginning of each turn: posts what has come since. Never waits. */
    void (*collect)(struct loop_waiter *waiter);
    /*
     * On the loop's thread, which has nothing to do: returns when there is something to collect,
     * after wake(), or after `timeout_ns` (UINT64_MAX: never).  May return early.
     */
    void (*wait)(struct loop_waiter *waiter, uint64_t timeout_ns);
    /* Any thread: the wait under way, or else the next one, returns. */
    void (*wake)(struct loop_waiter *waiter);
};

/* `env` gives the clock of the timers and outlives the loop. */
enum hearth_code loop_create(struct env *env, struct loop **out, struct hearth_err *err);

/* Accepts NULL. Not while its thread runs; tasks still in the mailbox are forgotten, not run. */
void loop_destroy(struct loop *loop);

/* While the loop has no thread. One at a time; NULL: the thread sleeps on the mailbox alone. */
void loop_set_waiter(struct loop *loop, struct loop_waiter *waiter);

/* Gives the loop a thread of its own. */
enum hearth_code loop_start(struct loop *loop, struct hearth_err *err);

/* Runs what is in the mailbox already, then ends and joins the thread. Never from the loop. */
void loop_stop(struct loop *loop);

/*
 * Any thread.  Takes `task` until task->run() starts, which happens once, on the loop, never inside
 * this call, in the order of posting.
 */
void loop_post(struct loop *loop, struct task *task);

/*
 * Loop thread only.  timer->run() comes once, on the loop, when the env's clock has reached
 * `deadline_ns`.  Setting an armed timer moves it.
 */
void loop_timer_set(struct loop *loop, struct timer *timer, uint64_t deadline_ns);

/* Loop thread only. Does nothing for a timer that is not armed. */
void loop_timer_cancel(struct loop *loop, struct timer *timer);

/*
 * For a loop without a thread: runs the tasks posted so far, what its waiter
 * collects, and the timers that are due.  Returns whether there were any.
 */
bool loop_run_once(struct loop *loop);

/* When the next timer is due; UINT64_MAX: none is set. Same caller as loop_run_once(). */
uint64_t loop_next_deadline_ns(const struct loop *loop);

/* On the loop's thread, or the loop has none: the caller may touch what belongs to the loop. */
bool loop_is_current(const struct loop *loop);

struct env *loop_env(const struct loop *loop);

#endif /* HEARTH_STORAGED_LOOP_H */
