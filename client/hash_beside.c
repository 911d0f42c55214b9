#include "client/hash_beside.h"

#include "common/cleanup.h"

#include <assert.h>
#include <stdlib.h>

enum {
    TURN = 3, /* rooms for which it is worth to wake, and to be hashed at once */
    HURRY = HASH_BESIDE_ROOMS - 1,
};

void hash_beside_init(struct hash_beside *beside, void (*update)(void *context, struct view bytes),
    void (*hurry)(void *context), void *context)
{
    *beside = (struct hash_beside){.update = update, .hurry = hurry, .context = context};
}

static uint8_t *room_of(const struct hash_beside *beside, uint64_t number)
{
    return beside->rooms + number % HASH_BESIDE_ROOMS * HASH_BESIDE_ROOM_SIZE;
}

/* ---- the hasher ---- */

/* With the lock held: rooms not hashed that lie one after the other, and are full but for the last.
 */
static unsigned next_rooms(const struct hash_beside *beside, struct view *out)
{
    unsigned at = (unsigned)(beside->shared.hashed % HASH_BESIDE_ROOMS);
    uint64_t left = beside->shared.added - beside->shared.hashed;
    unsigned most = HASH_BESIDE_ROOMS - at < TURN ? HASH_BESIDE_ROOMS - at : TURN;
    unsigned count = 1;
    size_t size = beside->shared.sizes[at];
    for (; count < most && count < left && size == count * (size_t)HASH_BESIDE_ROOM_SIZE; count++) {
        size += beside->shared.sizes[at + count];
    }
    *out = view_of(room_of(beside, at), size);
    return count;
}

/* How many rooms; 0: it is over. */
static unsigned wait_for_bytes(struct hash_beside *beside, struct view *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    while (beside->shared.added == beside->shared.hashed && !beside->shared.is_over) {
        pthread_cond_wait(&beside->shared.has_added, &beside->shared.mutex);
    }
    return beside->shared.is_over ? 0 : next_rooms(beside, out);
}

/* Whether that is what the put may wait for. */
static bool note_hashed(struct hash_beside *beside, unsigned rooms)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    beside->shared.hashed += rooms;
    assert(beside->shared.hashed <= beside->shared.added);
    bool is_enough = beside->shared.added - beside->shared.hashed <= beside->shared.awaited;
    if (is_enough) {
        atomic_store(&beside->is_hurried, false);
    }
    return is_enough;
}

static void *hash_all(void *context)
{
    struct hash_beside *beside = context;
    struct view bytes;
    for (unsigned rooms; (rooms = wait_for_bytes(beside, &bytes)) > 0;) {
        beside->update(beside->context, bytes);
        if (note_hashed(beside, rooms)) { /* without the lock, which who is woken wants at once */
            pthread_cond_signal(&beside->shared.has_hashed);
        }
    }
    return NULL;
}

/* ---- its life ---- */

static void hurry(struct hash_beside *beside)
{
    if (!atomic_exchange(&beside->is_hurried, true)) {
        beside->hurry(beside->context);
    }
}

static void start(struct hash_beside *beside)
{
    beside->rooms = malloc(HASH_BESIDE_MEMORY);
    if (beside->rooms != NULL) {
        pthread_mutex_init(&beside->shared.mutex, NULL);
        pthread_cond_init(&beside->shared.has_added, NULL);
        pthread_cond_init(&beside->shared.has_hashed, NULL);
        beside->shared.awaited = HURRY - 1;
        beside->has_thread = pthread_create(&beside->thread, NULL, hash_all, beside) == 0;
    }
    beside->stays_alone = !beside->has_thread;
}

static void end(struct hash_beside *beside)
{
    {
        UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
        beside->shared.is_over = true;
        beside->shared.awaited = 0;
        pthread_cond_signal(&beside->shared.has_added);
    }
    hurry(beside);
    int rc = pthread_join(beside->thread, NULL);
    assert(rc == 0);
}

void hash_beside_fini(struct hash_beside *beside)
{
    if (beside->has_thread) {
        end(beside);
    }
    if (beside->rooms != NULL) {
        pthread_cond_destroy(&beside->shared.has_hashed);
        pthread_cond_destroy(&beside->shared.has_added);
        pthread_mutex_destroy(&beside->shared.mutex);
    }
    free(beside->rooms);
    *beside = (struct hash_beside){0};
}

/* ---- the put ---- */

/* First: from then on the hasher does not take the hurry back before it is so far. */
static void await(struct hash_beside *beside, uint64_t left_max)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    beside->shared.awaited = left_max;
}

/* Until no more than so many rooms are not hashed. */
static void wait_for_hasher(struct hash_beside *beside, uint64_t left_max)
{
    await(beside, left_max);
    pthread_cond_signal(&beside->shared.has_added);
    hurry(beside);
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    while (beside->shared.added - beside->shared.hashed > left_max) {
        pthread_cond_wait(&beside->shared.has_hashed, &beside->shared.mutex);
    }
    beside->shared.awaited = HURRY - 1;
}

static bool is_full(struct hash_beside *beside)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    return beside->shared.added - beside->shared.hashed == HASH_BESIDE_ROOMS;
}

uint8_t *hash_beside_room(struct hash_beside *beside)
{
    if (beside->size < HASH_BESIDE_FROM || beside->stays_alone) {
        return NULL;
    }
    if (!beside->has_thread) {
        start(beside);
    }
    if (beside->stays_alone) {
        return NULL;
    }
    if (is_full(beside)) {
        wait_for_hasher(beside, HASH_BESIDE_ROOMS - TURN);
    }
    return room_of(beside, beside->shared.added); /* which the put alone changes */
}

/* How many rooms are not hashed now. */
static uint64_t note_added(struct hash_beside *beside, size_t size)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    assert(beside->shared.added - beside->shared.hashed < HASH_BESIDE_ROOMS);
    beside->shared.sizes[beside->shared.added++ % HASH_BESIDE_ROOMS] = size;
    return beside->shared.added - beside->shared.hashed;
}

void hash_beside_add(struct hash_beside *beside, size_t size)
{
    assert(beside->has_thread);
    assert(0 < size && size <= HASH_BESIDE_ROOM_SIZE);
    beside->size += size;
    uint64_t waiting = note_added(beside, size);
    if (waiting >= TURN) {
        pthread_cond_signal(&beside->shared.has_added);
    }
    if (waiting >= HURRY) {
        hurry(beside);
    }
}

void hash_beside_update(struct hash_beside *beside, struct view bytes)
{
    hash_beside_settle(beside);
    beside->update(beside->context, bytes);
    beside->size += bytes.size;
}

void hash_beside_settle(struct hash_beside *beside)
{
    if (beside->has_thread) {
        wait_for_hasher(beside, 0);
    }
}
