/*
 * client_world.h - the library between an invented coordinator and invented nodes, with one bucket
 * "bucket" and sources and sinks of any size.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_TESTS_LIB_CLIENT_WORLD_H
#define HEARTH_TESTS_LIB_CLIENT_WORLD_H

#include "client/hearth.h"
#include "client/session.h"
#include "tests/lib/fake_coordinator.h"
#include "tests/lib/test.h"

enum { WORLD_NOTICES_MAX = 64, WORLD_INLINE_MAX = 8192 };

struct world_options {
    unsigned nodes;           /* 0: 8 */
    unsigned k, n, w;         /* 0: 4, 8, 6 */
    uint64_t memory_max;      /* 0: 136 MiB; of all transfers and of one */
    size_t segment_plain_max; /* 0: 64 MiB */
};

struct world {
    struct test_env env;
    struct fake_net net;
    struct fake_coordinator coordinator;
    struct session session;
    unsigned notice_count;
    char notices[WORLD_NOTICES_MAX][HEARTH_ERR_MESSAGE_SIZE];
};

/* NULL: the defaults.  On the heap, for it is large. */
struct world *world_create(const struct world_options *options);

/* Checks that nothing is left open. */
void world_destroy(struct world *world);

/* Bytes that differ everywhere, by seed. */
uint8_t world_byte(uint64_t seed, uint64_t offset);

struct world_source {
    struct hearth_source source; /* give this away */
    uint64_t seed;
    uint64_t size;
    uint64_t at;
    size_t part_max;     /* 0: as much as is asked for */
    uint64_t fails_at;   /* 0: never; else reading from there on fails */
    atomic_bool *cancel; /* with cancels_at: raised when that offset is read; NULL: never */
    uint64_t cancels_at;
};

void world_source_init(struct world_source *source, uint64_t seed, uint64_t size);

/* A put of `size` bytes by seed, with nothing special. */
enum hearth_code world_put(
    struct world *world, const char *key, uint64_t seed, uint64_t size, struct hearth_err *err);

struct world_sink {
    struct hearth_sink sink; /* give this away */
    uint64_t seed;
    uint64_t offset; /* of the next byte in the object */
    uint64_t size;   /* bytes that came */
    bool is_exact;   /* so far: each byte is the one that was put */
    uint64_t fails_at;
    bool has_started;
    uint64_t object_size;
};

void world_sink_init(struct world_sink *sink, uint64_t seed, uint64_t fails_at);

/* A get of a range (length 0: to the end); what came is exact, or the test fails. *out_size may
 * be NULL. */
enum hearth_code world_get(struct world *world, const char *key, uint64_t seed, uint64_t offset,
    uint64_t length, uint64_t *out_size, struct hearth_err *err);

/* A cancel flag that is raised at a wait. */
struct world_stop {
    atomic_bool cancel;
    unsigned waits_left;
};

/* At the nth from now on, counted from 0; the stop outlives the waits. */
void world_stop_at_wait(struct world *world, struct world_stop *stop, unsigned nth);

/* Some notice says this. */
bool world_was_told(const struct world *world, const char *text);

#endif /* HEARTH_TESTS_LIB_CLIENT_WORLD_H */
