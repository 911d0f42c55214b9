/*
 * test_coordinator.h - a whole coordinator without its ports: cluster, metadata, services, and
 * members that enrolled; time is stepped.
 *
 *   invitation --> enrol_service --> member --call--> the service's handler, as the RPC port would
 *
 * Addresses are dialled in an invented network, where only the host "silent" does not answer.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_TEST_COORDINATOR_H
#define HEARTH_TESTS_LIB_TEST_COORDINATOR_H

#include "coordinator/repair/repair.h"
#include "coordinator/service/admin_service.h"
#include "coordinator/service/enrol_service.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_rpc.h"

enum { TEST_MEMBERS_MAX = 32, TEST_HEARTBEAT_MS = 1000 };

/* Somebody with a key. */
struct test_member {
    enum peer_class class;
    struct pki_key *key;
    uint8_t id[PKI_ID_SIZE];
    uint32_t number; /* nodes */
    struct meta_id volume;
    struct meta_id instance; /* zero: its daemon draws none */
    uint64_t start_count;
    uint64_t sequence;
};

struct test_coordinator {
    struct test_env env; /* chance is seeded, and locked: services have threads */
    pthread_mutex_t chance;
    char directory[64];
    struct settings settings;
    struct coordinator *coordinator;
    struct arena arena; /* of settings, requests and answers */
    struct test_gate dialled;
    struct test_member members[TEST_MEMBERS_MAX];
    unsigned member_count;
    struct hearth_err err;
};

void test_coordinator_init(struct test_coordinator *world);
void test_coordinator_fini(struct test_coordinator *world);

/* A key that nobody knows yet. */
struct test_member *test_coordinator_stranger(struct test_coordinator *world);

struct invitation;

/* The token of a new invitation, parsed out of its word. */
struct view test_coordinator_invite(
    struct test_coordinator *world, const struct invitation *invitation);

/* Enrols, or with an empty token renews, from that address. */
enum hearth_code test_coordinator_enrol(struct test_coordinator *world, struct test_member *member,
    struct view token, const char *address, struct wire_enrol_reply *reply);

/* Invites and enrols; nodes each with an owner and a network of their own. */
struct test_member *test_coordinator_member(struct test_coordinator *world, enum peer_class class);

/* That many nodes, alive, and met at their addresses. The first; the others follow it. */
struct test_member *test_coordinator_nodes(struct test_coordinator *world, unsigned count);

/* What a node would say of itself; `host` NULL: no address. */
struct wire_heartbeat_request test_coordinator_report(
    struct test_coordinator *world, const struct test_member *node, const char *host);

/* A report of the node at host "there"; fails the test when it is refused. */
void test_coordinator_heartbeat(struct test_coordinator *world, const struct test_member *node);

/* One pass of the sweep, and what repair does about what it found. */
struct repair_status test_coordinator_repair(struct test_coordinator *world);

/* NULL: nobody handles it. */
const struct rpc_handler *test_coordinator_handler(unsigned method);

/* Calls the handler of the method. The response is zeroed first. */
enum hearth_code test_coordinator_call(struct test_coordinator *world,
    const struct test_member *caller, unsigned method, const void *request, void *response);

/* 16 new random bytes, in the arena. */
struct view test_coordinator_id(struct test_coordinator *world);

#endif /* HEARTH_TESTS_LIB_TEST_COORDINATOR_H */
