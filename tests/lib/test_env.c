#include "tests/lib/test_env.h"

static uint64_t test_monotonic_ns(struct env *env)
{
    return ((struct test_env *)env)->monotonic_ns;
}

static uint64_t test_unix_ms(struct env *env)
{
    return ((struct test_env *)env)->unix_ms;
}

/* splitmix64 (Steele, Lea, Flood 2014): every seed is a good one. */
static uint64_t next_random(_Atomic uint64_t *state)
{
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = atomic_fetch_add(state, step) + step;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void test_random_bytes(struct env *env, void *bytes, size_t size)
{
    struct test_env *self = (struct test_env *)env;
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)next_random(&self->random_state);
    }
}

void test_env_init(struct test_env *env, uint64_t seed)
{
    env->env = (struct env){test_monotonic_ns, test_unix_ms, test_random_bytes};
    env->monotonic_ns = UINT64_C(1000000000);
    env->unix_ms = UINT64_C(1800000000000);
    env->random_state = seed;
}

static void counting_bytes(struct env *env, void *bytes, size_t size)
{
    (void)env;
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(i + size);
    }
}

void test_env_count_bytes(struct test_env *env)
{
    env->env.random_bytes = counting_bytes;
}

void test_env_step_ms(struct test_env *env, uint64_t ms)
{
    env->monotonic_ns += ms * 1000000u;
    env->unix_ms += ms;
}
