/*
 * cleanup.h - what lives for one scope is released by the scope, and words for ownership.
 *
 *   UNLOCKS pthread_mutex_t *held = lock(&mutex);
 *   CLOSES_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
 *   FREES char *text = strdup(name);
 */
#ifndef HEARTH_COMMON_CLEANUP_H
#define HEARTH_COMMON_CLEANUP_H

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define TAKES /* this argument becomes the callee's; the caller forgets it, even on failure */

/* unused: going out of scope is use enough, which clang does not see. */
#define CLOSES_FD __attribute__((cleanup(cleanup_close_fd), unused))
#define FREES     __attribute__((cleanup(cleanup_free), unused))
#define UNLOCKS   __attribute__((cleanup(cleanup_unlock), unused))

static inline void cleanup_close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline pthread_mutex_t *lock(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_lock(mutex);
    assert(rc == 0);
    return mutex;
}

static inline void cleanup_unlock(pthread_mutex_t **mutex)
{
    int rc = pthread_mutex_unlock(*mutex);
    assert(rc == 0);
}

#endif /* HEARTH_COMMON_CLEANUP_H */
