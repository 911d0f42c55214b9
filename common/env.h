/*
 * env.h - all that a process may learn of time and chance, so that a test can invent it.
 *
 * env_system() is the real one; tests/lib/test_env.h steps its clock and seeds its chance.
 */
#ifndef HEARTH_COMMON_ENV_H
#define HEARTH_COMMON_ENV_H

#include <stddef.h>
#include <stdint.h>

struct env {
    /* Never goes back; counts while the machine sleeps (CLOCK_BOOTTIME). */
    uint64_t (*now_monotonic_ns)(struct env *env);
    /* Wall clock; may jump. */
    uint64_t (*now_unix_ms)(struct env *env);
    /* Unpredictable bytes. Aborts when the system has none: weak ids are worse than no process. */
    void (*random_bytes)(struct env *env, void *bytes, size_t size);
};

struct env *env_system(void);

static inline uint64_t env_now_ns(struct env *env)
{
    return env->now_monotonic_ns(env);
}

static inline uint64_t env_unix_ms(struct env *env)
{
    return env->now_unix_ms(env);
}

static inline void env_random(struct env *env, void *bytes, size_t size)
{
    env->random_bytes(env, bytes, size);
}

/* Uniform over [0, bound); bound > 0. */
uint64_t env_random_below(struct env *env, uint64_t bound);

#endif /* HEARTH_COMMON_ENV_H */
