/*
 * md5_crew.h - threads that hash at the same time do it together (common/md5.h).
 *
 *   a member --its piece--> [ pieces that wait ] --all of them, at most eight--> who leads hashes
 *
 * A piece waits until each member has one here, or eight have, or somebody is in a hurry: then one
 * of those who wait leads.  One member alone hashes as if there were no crew, and eight take little
 * more of a core than one.
 *
 * Thread-safety: any thread; a message belongs to one at a time.
 */
#ifndef HEARTH_CLIENT_MD5_CREW_H
#define HEARTH_CLIENT_MD5_CREW_H

#include "common/md5.h"

#include <pthread.h>
#include <stdatomic.h>

struct md5_waiter;

struct md5_crew {
    struct {
        pthread_mutex_t mutex;
        unsigned members;
        bool is_led;
        unsigned waiting;
        struct md5_waiter *first;
        struct md5_waiter **end;
    } shared;
};

void md5_crew_init(struct md5_crew *crew);
void md5_crew_fini(struct md5_crew *crew); /* nobody is in it */

/* A message that will be hashed piece by piece, and one less of these. */
void md5_crew_join(struct md5_crew *crew);
void md5_crew_leave(struct md5_crew *crew);

/*
 * A member's next bytes, as md5_update(): comes back when they are hashed.  Company is waited for
 * unless *is_hurried; whoever sets that meanwhile calls md5_crew_hurry().
 */
void md5_crew_update(
    struct md5_crew *crew, struct md5 *md5, struct view bytes, const atomic_bool *is_hurried);
void md5_crew_hurry(struct md5_crew *crew);

#endif /* HEARTH_CLIENT_MD5_CREW_H */
