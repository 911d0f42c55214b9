/*
 * hash_beside.h - the bytes of a large put are hashed beside their sealing, not before it.
 *
 *   put's thread   room --read into it--> add --> seals out of it, codes, sends, asks for a room
 *                                          |
 *   hasher                                 +----> update, in order --> the room is free again
 *
 * A put is hashed by its own thread until HASH_BESIDE_FROM bytes were: for less, a thread costs
 * more than it saves.  Where there is no thread or no memory to be had, it stays like that.
 *
 * The hasher sleeps until three rooms are full, and who finds none free until three are: each wakes
 * the other once for many bytes.  So what was added last may lie a while; the end waits for it.
 * There are more rooms than these so that hashers of several puts can wait for each other
 * (md5_crew.h); when one room is left, the hasher is told to hurry.
 *
 * Thread-safety: belongs to its put, but that `update` runs on the hasher, never twice at once.
 */
#ifndef HEARTH_CLIENT_HASH_BESIDE_H
#define HEARTH_CLIENT_HASH_BESIDE_H

#include "common/view.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    HASH_BESIDE_ROOM_SIZE = 64 * 1024,
    HASH_BESIDE_ROOMS = 12,
    HASH_BESIDE_MEMORY = HASH_BESIDE_ROOMS * HASH_BESIDE_ROOM_SIZE,
    HASH_BESIDE_FROM = 1 << 20,
};

struct hash_beside {
    /* Set once. */
    void (*update)(void *context, struct view bytes);
    void (*hurry)(void *context);
    void *context;
    atomic_bool is_hurried; /* the put has one room left at most, or wants the end */

    /* The put's. */
    uint64_t size; /* of all bytes so far */
    bool has_thread;
    bool stays_alone; /* a thread was not to be had */
    pthread_t thread;
    uint8_t *rooms; /* NULL: no thread; a room's bytes are the hasher's and the put's to read */

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t has_added;
        pthread_cond_t has_hashed;
        size_t sizes[HASH_BESIDE_ROOMS];
        uint64_t added;
        uint64_t hashed;
        uint64_t awaited; /* no more than these not hashed: then there is no hurry any more */
        bool is_over;
    } shared;
};

/*
 * update: hashes the next bytes; its context is borrowed.  It may wait for others that hash, until
 * is_hurried; hurry is called, by the put, when that becomes true.
 */
void hash_beside_init(struct hash_beside *beside, void (*update)(void *context, struct view bytes),
    void (*hurry)(void *context), void *context);

/* Accepts zeros.  What was added may stay unhashed; `update` does not run any more. */
void hash_beside_fini(struct hash_beside *beside);

/* Room for HASH_BESIDE_ROOM_SIZE bytes, the put's to fill; what was added before is not to be
 * looked at any more.  NULL: there is no hasher (yet). */
uint8_t *hash_beside_room(struct hash_beside *beside);

/* So many bytes (at least 1) are in the room asked for last, and do not change before the next. */
void hash_beside_add(struct hash_beside *beside, size_t size);

/* Bytes that lie elsewhere, hashed before it returns. */
void hash_beside_update(struct hash_beside *beside, struct view bytes);

/* Everything is hashed: what `update` has written may be read until the next bytes. */
void hash_beside_settle(struct hash_beside *beside);

#endif /* HEARTH_CLIENT_HASH_BESIDE_H */
