/*
 * audit_world.h - a coordinator that audits, over nodes that are invented but hold real shards, and
 * are towards each question as the test says.
 *
 * Orders are opened as the nodes would open them, and remembered, so that a test can compare what
 * readers and auditors showed.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_AUDIT_WORLD_H
#define HEARTH_TESTS_LIB_AUDIT_WORLD_H

#include "coordinator/audit/audit.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test_customer.h"

enum {
    AUDIT_WORLD_NODES = 8,
    AUDIT_WORLD_N = 8,
    AUDIT_WORLD_UPLOADED = 20, /* that audit_world_set_up() uploads */
    AUDIT_WORLD_SEGMENTS = 24,
    AUDIT_WORLD_EVIL = 3, /* node; the others are honest */
};

struct audit_world {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes; /* node i has number i + 1 and is node i of the net */
    struct fake_net net;
    struct meta_segment rows[AUDIT_WORLD_SEGMENTS]; /* each as it was uploaded */
    unsigned row_count;
    uint64_t beaten_ns; /* when nodes were heard last */
    unsigned questions; /* orders shown to nodes so far */
    struct order last;  /* the latest */
    /* NULL: everybody is honest. Sees each question before it is answered. */
    enum fake_manner (*choose)(void *context, uint32_t node, const struct fake_order *order);
    void *choose_context;
    void (*at_wait)(struct audit_world *at); /* while answers are waited for; NULL: nothing */
};

void audit_world_init(struct audit_world *at);
void audit_world_fini(struct audit_world *at);

/* For cmocka: one with AUDIT_WORLD_UPLOADED segments. */
int audit_world_set_up(void **state);
int audit_world_tear_down(void **state);

/* An object of one segment of two stripes, a shard at each node. */
void audit_world_upload(struct audit_world *at);

/* Its tags do not fit from the start in this slot, as a malicious client makes them. */
void audit_world_upload_spoilt(struct audit_world *at, unsigned slot);

void audit_world_delete(struct audit_world *at, unsigned index);

/* As it is now. */
struct meta_segment audit_world_row(struct audit_world *at, unsigned index);

/* Everybody is heard at the end of it. */
void audit_world_pass_ms(struct audit_world *at, uint64_t ms);

/* A sweep, so that there is a sample, and a round of the duty. */
void audit_world_round(struct audit_world *at);

/* So many cells of the node (0: of each) by hand, and as many rounds as that takes. */
void audit_world_ask(struct audit_world *at, uint32_t node, unsigned cells);

/* What is thought of the node. */
struct meta_audit_node audit_world_score(struct audit_world *at, uint32_t node);

/* Of all nodes together. */
uint64_t audit_world_count(struct audit_world *at, enum audit_outcome outcome);

/* Rounds, each so long after the one before it. */
void audit_world_go_on(struct audit_world *at, unsigned rounds, uint64_t apart_ms);

/* All shards pass once, as they do within three days of storing. */
void audit_world_let_all_pass(struct audit_world *at);

/* Which upload a question is about. */
unsigned audit_world_upload_of(const struct audit_world *at, const struct fake_order *order);

/* Shards of the node that go to repair. */
unsigned audit_world_damaged(struct audit_world *at, uint32_t node);

/* Records against the node, each of which was signed by the cluster's CA. */
size_t audit_world_evidence(struct audit_world *at, uint32_t node);

/* What a test of an evil node ends with. */
void audit_world_evil_is_convicted(struct audit_world *at);
void audit_world_honest_are_left_alone(struct audit_world *at);

enum meta_node_state audit_world_state(struct audit_world *at, uint32_t node);

#endif /* HEARTH_TESTS_LIB_AUDIT_WORLD_H */
