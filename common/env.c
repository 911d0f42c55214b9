#include "common/env.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t read_clock_ns(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t system_monotonic_ns(struct env *env)
{
    (void)env;
    return read_clock_ns(CLOCK_BOOTTIME);
}

static uint64_t system_unix_ms(struct env *env)
{
    (void)env;
    return read_clock_ns(CLOCK_REALTIME) / 1000000u;
}

static void system_random_bytes(struct env *env, void *bytes, size_t size)
{
    (void)env;
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            abort();
        }
        at += got;
        size -= (size_t)got;
    }
}

struct env *env_system(void)
{
    static struct env env = {
        .now_monotonic_ns = system_monotonic_ns,
        .now_unix_ms = system_unix_ms,
        .random_bytes = system_random_bytes,
    };
    return &env;
}

uint64_t env_random_below(struct env *env, uint64_t bound)
{
    assert(bound > 0);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound; /* reject what would favour low values */
    uint64_t value;
    do {
        env_random(env, &value, sizeof(value));
    } while (value >= limit);
    return value % bound;
}
