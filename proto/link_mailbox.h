/*
 * link_mailbox.h - what any thread asks of the one that owns connections and streams.
 *
 *   any thread: post(task) --> a list, and a byte for the eventfd if the owner sleeps
 *   the owner:  run() ... may_sleep()? --> epoll_wait --> woken() ...
 *
 * Tasks are embedded in what they are about; one that is posted is not posted again until it ran.
 */
#ifndef HEARTH_PROTO_LINK_MAILBOX_H
#define HEARTH_PROTO_LINK_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

struct link_task {
    void (*run)(struct link_task *task);
    struct link_task *next; /* the mailbox's */
};

struct link_mailbox {
    int wake_fd; /* set once; -1: nobody sleeps */

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    struct link_task *oldest;
    struct link_task *newest;
    bool is_asleep;
};

void link_mailbox_init(struct link_mailbox *mailbox, int wake_fd);
void link_mailbox_fini(struct link_mailbox *mailbox);

/* Any thread; never waits. */
void link_mailbox_post(struct link_mailbox *mailbox, struct link_task *task);

/* The owner: runs what was posted before. */
void link_mailbox_run(struct link_mailbox *mailbox);

/* The owner: nothing is posted, and whoever posts from now on writes to wake_fd. */
bool link_mailbox_may_sleep(struct link_mailbox *mailbox);

/* The owner, after it slept; wake_fd is to be emptied when it is readable. */
void link_mailbox_woken(struct link_mailbox *mailbox);

#endif /* HEARTH_PROTO_LINK_MAILBOX_H */
