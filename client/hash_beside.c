#include "client/hash_beside.h"

#include "common/cleanup.h"

#include <assert.h>
#include <stdlib.h>

enum { HALF = HASH_BESIDE_ROOMS / 2 };

void hash_beside_init(
    struct hash_beside *beside, void (*update)(void *context, struct view bytes), void *context)
{
    *beside = (struct hash_beside){.update = update, .context = context};
}

static uint8_t *room_of(const struct hash_beside *beside, uint64_t number)
{
    return beside->rooms + number % HASH_BESIDE_ROOMS * HASH_BESIDE_ROOM_SIZE;
}

/* ---- the hasher ---- */

/* false: it is over. */
static bool wait_for_bytes(struct hash_beside *beside, struct view *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    while (beside->shared.added == beside->shared.hashed && !beside->shared.is_over) {
        pthread_cond_wait(&beside->shared.has_added, &beside->shared.mutex);
    }
    uint64_t number = beside->shared.hashed;
    *out = view_of(room_of(beside, number), beside->shared.sizes[number % HASH_BESIDE_ROOMS]);
    return !beside->shared.is_over;
}

/* Whether the put may wait for that. */
static bool note_hashed(struct hash_beside *beside)
{
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    beside->shared.hashed++;
    assert(beside->shared.hashed <= beside->shared.added);
    return beside->shared.added - beside->shared.hashed == beside->shared.awaited;
}

static void *hash_all(void *context)
{
    struct hash_beside *beside = context;
    struct view bytes;
    while (wait_for_bytes(beside, &bytes)) {
        beside->update(beside->context, bytes);
        if (note_hashed(beside)) { /* without the lock, which who is woken wants at once */
            pthread_cond_signal(&beside->shared.has_hashed);
        }
    }
    return NULL;
}

/* ---- its life ---- */

static void start(struct hash_beside *beside)
{
    beside->rooms = malloc(HASH_BESIDE_MEMORY);
    if (beside->rooms != NULL) {
        pthread_mutex_init(&beside->shared.mutex, NULL);
        pthread_cond_init(&beside->shared.has_added, NULL);
        pthread_cond_init(&beside->shared.has_hashed, NULL);
        beside->has_thread = pthread_create(&beside->thread, NULL, hash_all, beside) == 0;
    }
    beside->stays_alone = !beside->has_thread;
}

static void end(struct hash_beside *beside)
{
    {
        UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
        beside->shared.is_over = true;
        pthread_cond_signal(&beside->shared.has_added);
    }
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

/* Until no more than so many rooms are not hashed. With the lock held. */
static void wait_for_hasher(struct hash_beside *beside, uint64_t left_max)
{
    beside->shared.awaited = left_max;
    pthread_cond_signal(&beside->shared.has_added);
    while (beside->shared.added - beside->shared.hashed > left_max) {
        pthread_cond_wait(&beside->shared.has_hashed, &beside->shared.mutex);
    }
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
    UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
    if (beside->shared.added - beside->shared.hashed == HASH_BESIDE_ROOMS) {
        wait_for_hasher(beside, HALF);
    }
    return room_of(beside, beside->shared.added);
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
    if (note_added(beside, size) >= HALF) {
        pthread_cond_signal(&beside->shared.has_added);
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
        UNLOCKS pthread_mutex_t *held = lock(&beside->shared.mutex);
        wait_for_hasher(beside, 0);
    }
}
