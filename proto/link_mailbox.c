#include "proto/link_mailbox.h"

#include "common/cleanup.h"

#include <sys/eventfd.h>

void link_mailbox_init(struct link_mailbox *mailbox, int wake_fd)
{
    *mailbox = (struct link_mailbox){.wake_fd = wake_fd};
    pthread_mutex_init(&mailbox->mutex, NULL);
}

void link_mailbox_fini(struct link_mailbox *mailbox)
{
    assert(mailbox->oldest == NULL);
    pthread_mutex_destroy(&mailbox->mutex);
}

/* true: the owner has to be woken. */
static bool add(struct link_mailbox *mailbox, struct link_task *task)
{
    UNLOCKS pthread_mutex_t *held = lock(&mailbox->mutex);
    task->next = NULL;
    if (mailbox->oldest == NULL) {
        mailbox->oldest = task;
    } else {
        mailbox->newest->next = task;
    }
    mailbox->newest = task;
    bool was_asleep = mailbox->is_asleep;
    mailbox->is_asleep = false;
    return was_asleep;
}

void link_mailbox_post(struct link_mailbox *mailbox, struct link_task *task)
{
    if (add(mailbox, task)) {
        int rc = eventfd_write(mailbox->wake_fd, 1);
        assert(rc == 0);
    }
}

static struct link_task *take_all(struct link_mailbox *mailbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&mailbox->mutex);
    struct link_task *oldest = mailbox->oldest;
    mailbox->oldest = NULL;
    return oldest;
}

void link_mailbox_run(struct link_mailbox *mailbox)
{
    struct link_task *task = take_all(mailbox);
    while (task != NULL) {
        struct link_task *next = task->next; /* a task may free itself, or be posted again */
        task->run(task);
        task = next;
    }
}

bool link_mailbox_may_sleep(struct link_mailbox *mailbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&mailbox->mutex);
    mailbox->is_asleep = mailbox->oldest == NULL && mailbox->wake_fd >= 0;
    return mailbox->is_asleep;
}

void link_mailbox_woken(struct link_mailbox *mailbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&mailbox->mutex);
    mailbox->is_asleep = false;
}
