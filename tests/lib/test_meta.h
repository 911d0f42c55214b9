/*
 * test_meta.h - a metadata store in a directory of its own, with stepped time and seeded chance,
 * and short words for what tests do with it.
 *
 * Thread-safety: as the store, but chance (test_meta_id) from one thread.
 */
#ifndef HEARTH_TESTS_LIB_TEST_META_H
#define HEARTH_TESTS_LIB_TEST_META_H

#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_node.h"
#include "coordinator/meta/meta_object.h"
#include "coordinator/shard_name.h"
#include "tests/lib/test_env.h"

struct test_meta {
    struct test_env env;
    char directory[64];
    struct shard_name_keys names;
    uint64_t keep_deleted_ms;                             /* in force from the next opening on */
    uint64_t order_ms;                                    /* likewise; 0: META_ORDER_MS */
    struct arena arena;                                   /* for answers; lives as long as this */
    bool (*fails_at)(void *context, enum meta_step step); /* may be set at any time; NULL: never */
    void *fails_context;
    struct meta_store *store;
    struct meta_id tenant;
    struct meta_id bucket; /* "bucket", profile local */
    struct hearth_err err;
};

/* An empty store with a tenant and a bucket, and `nodes` nodes with owners and networks of their
 * own, numbered from 1. */
void test_meta_init(struct test_meta *meta, uint64_t seed, unsigned nodes);
/* Closes and removes everything. */
void test_meta_fini(struct test_meta *meta);

/* A claim about a store of its own, which is its *state; for cmocka's list. */
#define TEST_META_CASE(claim, nodes)                                                               \
    cmocka_unit_test_prestate_setup_teardown(                                                      \
        claim, test_meta_set_up, test_meta_tear_down, (void *)(uintptr_t)(nodes))
int test_meta_set_up(void **state); /* *state: how many nodes */
int test_meta_tear_down(void **state);

/* As after a clean end and a new start of the process. */
void test_meta_reopen(struct test_meta *meta);

/* Makes the file `backup` the database, as an operator would, and opens it. */
void test_meta_restore(struct test_meta *meta, const char *backup);

struct meta_id test_meta_id(struct test_meta *meta);

struct meta_id test_meta_make_bucket(struct test_meta *meta, const char *name);

/* An inline put of `size` bytes with a new token. */
struct meta_put test_meta_put(struct test_meta *meta, const char *key, uint64_t size);

/* Puts it; the test fails when that fails. */
struct meta_object_info test_meta_put_now(struct test_meta *meta, const char *key, uint64_t size);

struct meta_intent test_meta_begin(struct test_meta *meta, const char *key);

enum { TEST_META_SHARD_LENGTH = 4096 };

/* Slot i to node i + 1, profile local. */
struct meta_offers test_meta_open_segment(
    struct test_meta *meta, struct meta_id intent, struct meta_id segment);

/* Receipts for the first `count` offers. */
struct meta_seal test_meta_seal(struct meta_id intent, struct meta_id segment,
    const struct meta_offers *offers, size_t count, struct meta_receipt *receipts);

/* Opens and seals a new segment of 1,000 bytes with receipts of all its offers. */
struct meta_id test_meta_sealed_segment(struct test_meta *meta, struct meta_id intent);

/* A commit of these extents, with a new body. */
struct meta_commit test_meta_commit(
    struct test_meta *meta, struct meta_id intent, const struct meta_extent *extents, size_t count);

/* Begins, seals one segment and commits: an object with one extent of 1,000 bytes. */
struct meta_object_info test_meta_upload(
    struct test_meta *meta, const char *key, struct meta_id *segment);

/* Garbage collection until it is idle. */
struct meta_garbage_report test_meta_collect(struct test_meta *meta);

/* All that a node may trash now. Returns how many. */
size_t test_meta_dead(struct test_meta *meta, uint32_t node, struct meta_id *ids, size_t max);

/* The name of a placement at its node. */
struct meta_id test_meta_shard_id(
    const struct test_meta *meta, struct meta_id segment, unsigned slot, unsigned p);

/* NOT_FOUND, or what it found. */
enum hearth_code test_meta_find(struct test_meta *meta, const char *key, struct meta_object *out);

#endif /* HEARTH_TESTS_LIB_TEST_META_H */
