#include "client/md5_crew.h"

#include "common/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>

/* On the stack of its thread.  It is woken once: when it is done, or to lead. */
struct md5_waiter {
    struct md5_piece piece;
    const atomic_bool *is_hurried;
    struct md5_waiter *next;
    bool is_done;
    sem_t woken;
};

/* Taken out of the line by who leads. */
struct batch {
    struct md5_waiter *waiters[MD5_TOGETHER_MAX];
    unsigned count;
};

void md5_crew_init(struct md5_crew *crew)
{
    *crew = (struct md5_crew){.shared.first = NULL};
    crew->shared.end = &crew->shared.first;
    pthread_mutex_init(&crew->shared.mutex, NULL);
}

void md5_crew_fini(struct md5_crew *crew)
{
    assert(crew->shared.first == NULL && crew->shared.members == 0);
    assert(!crew->shared.is_led);
    pthread_mutex_destroy(&crew->shared.mutex);
}

/* ---- whether it is time, with the lock held ---- */

static bool is_anybody_hurried(const struct md5_crew *crew)
{
    for (const struct md5_waiter *at = crew->shared.first; at != NULL; at = at->next) {
        if (atomic_load(at->is_hurried)) {
            return true;
        }
    }
    return false;
}

static bool is_time(const struct md5_crew *crew)
{
    return crew->shared.waiting >= crew->shared.members ||
        crew->shared.waiting >= MD5_TOGETHER_MAX || is_anybody_hurried(crew);
}

/* Who has to lead from now on, and must be told; NULL: nobody, or somebody does. */
static struct md5_waiter *choose_leader(struct md5_crew *crew)
{
    if (crew->shared.is_led || crew->shared.first == NULL || !is_time(crew)) {
        return NULL;
    }
    crew->shared.is_led = true;
    return crew->shared.first;
}

/* ---- leading ---- */

static void wake(struct md5_waiter *waiter)
{
    if (waiter != NULL) {
        sem_post(&waiter->woken);
    }
}

static void take_batch(struct md5_crew *crew, struct batch *batch)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    struct md5_waiter *waiter = crew->shared.first;
    batch->count = 0;
    for (; waiter != NULL && batch->count < MD5_TOGETHER_MAX; waiter = waiter->next) {
        batch->waiters[batch->count++] = waiter;
    }
    crew->shared.waiting -= batch->count;
    crew->shared.first = waiter;
    crew->shared.end = waiter == NULL ? &crew->shared.first : crew->shared.end;
}

static void hash(const struct batch *batch)
{
    struct md5_piece pieces[MD5_TOGETHER_MAX];
    for (unsigned i = 0; i < batch->count; i++) {
        pieces[i] = batch->waiters[i]->piece;
    }
    md5_update_together(pieces, batch->count);
}

static struct md5_waiter *hand_over(struct md5_crew *crew)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    crew->shared.is_led = false;
    return choose_leader(crew);
}

static void lead(struct md5_crew *crew, const struct md5_waiter *leader)
{
    struct batch batch;
    take_batch(crew, &batch);
    assert(batch.count > 0 && batch.waiters[0] == leader);
    hash(&batch);
    wake(hand_over(crew));
    for (unsigned i = 1; i < batch.count; i++) {
        batch.waiters[i]->is_done = true;
        wake(batch.waiters[i]);
    }
}

/* ---- members ---- */

void md5_crew_join(struct md5_crew *crew)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    crew->shared.members++;
}

static struct md5_waiter *take_leave(struct md5_crew *crew)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    assert(crew->shared.members > 0);
    crew->shared.members--;
    return choose_leader(crew);
}

void md5_crew_leave(struct md5_crew *crew)
{
    wake(take_leave(crew));
}

static struct md5_waiter *look_again(struct md5_crew *crew)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    return choose_leader(crew);
}

void md5_crew_hurry(struct md5_crew *crew)
{
    wake(look_again(crew));
}

static struct md5_waiter *line_up(struct md5_crew *crew, struct md5_waiter *waiter)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    *crew->shared.end = waiter;
    crew->shared.end = &waiter->next;
    crew->shared.waiting++;
    return choose_leader(crew);
}

void md5_crew_update(
    struct md5_crew *crew, struct md5 *md5, struct view bytes, const atomic_bool *is_hurried)
{
    struct md5_waiter waiter = {.piece = {md5, bytes}, .is_hurried = is_hurried};
    sem_init(&waiter.woken, 0, 0);
    wake(line_up(crew, &waiter));
    while (sem_wait(&waiter.woken) != 0) {
        assert(errno == EINTR);
    }
    if (!waiter.is_done) {
        lead(crew, &waiter);
    }
    sem_destroy(&waiter.woken);
}
