#include "tests/lib/test_coordinator.h"

#include "common/cleanup.h"
#include "coordinator/audit/audit.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/service/admin_backup.h"
#include "coordinator/service/admin_restore.h"
#include "coordinator/service/audit_service.h"
#include "coordinator/service/fleet_service.h"
#include "coordinator/service/invitation.h"
#include "coordinator/service/repair_service.h"
#include "coordinator/service/sweep_service.h"
#include "proto/invite.h"
#include "tests/lib/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a world ---- */

static void locked_random(struct env *env, void *bytes, size_t size)
{
    struct test_coordinator *world = (struct test_coordinator *)env;
    struct test_env plain;
    UNLOCKS pthread_mutex_t *held = lock(&world->chance);
    test_env_init(&plain, world->env.random_state);
    env_random(&plain.env, bytes, size);
    world->env.random_state = plain.random_state;
}

static enum hearth_code invented_probe(const struct node_probe *probe, struct hearth_err *err)
{
    return strncmp(probe->address, "silent:", 7) == 0
        ? hearth_fail(err, HEARTH_UNREACHABLE, "silence")
        : HEARTH_OK;
}

static void note_dialled(
    void *context, uint32_t number, const struct meta_endpoint *endpoints, size_t count)
{
    struct test_coordinator *world = context;
    node_service_dialled(world->coordinator, number, endpoints, count);
    test_gate_pass(&world->dialled);
}

static const char *text_of(struct test_coordinator *world, const char *format, const char *detail)
{
    char text[128];
    snprintf(text, sizeof(text), format, world->directory, detail);
    return arena_text(&world->arena, view_text(text));
}

static void make_settings(struct test_coordinator *world)
{
    const char *base = getenv("TMPDIR");
    snprintf(world->directory, sizeof(world->directory), "%.30s/hearth-coordinator-XXXXXX",
        base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(world->directory));
    config_defaults(&settings_table, &world->arena, &world->settings);
    world->settings.directory = text_of(world, "%s%s", "");
    world->settings.metadata = text_of(world, "%s%s", "");
    world->settings.heartbeat_ms = TEST_HEARTBEAT_MS;
    world->settings.undelete_ms = 0;    /* what is deleted is collected as soon as it may be */
    world->settings.repair_workers = 1; /* invented nodes have one thread, the test's */
}

static void make_parts(struct test_coordinator *world)
{
    struct coordinator *coordinator = world->coordinator;
    const struct node_dialer_options dialer = {.env = &world->env.env,
        .ca_pem = coordinator->cluster->ca_pem,
        .dialled = note_dialled,
        .context = world,
        .probe = invented_probe};
    assert_ok(node_dialer_start(&dialer, &coordinator->dialer, &world->err), &world->err);
    coordinator->repair = repair_create(coordinator);
    coordinator->audit = audit_create(coordinator);
    coordinator->backups = admin_slot_create(coordinator, "backup", admin_backup_run);
    coordinator->restores = admin_slot_create(coordinator, "restore", admin_restore_run);
    assert_ok(coordinator_open_sweep(coordinator, &world->err), &world->err);
    const struct sweep_watcher repair = repair_watcher(coordinator->repair, NULL);
    const struct sweep_watcher audit = audit_watcher(coordinator->audit, NULL);
    sweep_watch(coordinator->sweep, &repair);
    sweep_watch(coordinator->sweep, &audit);
}

void test_coordinator_init(struct test_coordinator *world)
{
    *world = (struct test_coordinator){.member_count = 0};
    test_env_init(&world->env, 1);
    world->env.env.random_bytes = locked_random;
    pthread_mutex_init(&world->chance, NULL);
    arena_init(&world->arena, 0);
    test_gate_init(&world->dialled);
    make_settings(world);
    assert_ok(cluster_create(world->directory, &world->env.env, &world->err), &world->err);
    assert_ok(
        coordinator_create(&world->settings, &world->env.env, &world->coordinator, &world->err),
        &world->err);
    struct meta_id cluster;
    memcpy(cluster.bytes, world->coordinator->cluster->id, sizeof(cluster.bytes));
    assert_ok(meta_cluster_set(world->coordinator->store, cluster, &world->err), &world->err);
    make_parts(world);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

void test_coordinator_fini(struct test_coordinator *world)
{
    node_dialer_stop(world->coordinator->dialer);
    sweep_destroy(world->coordinator->sweep);
    repair_destroy(world->coordinator->repair);
    audit_destroy(world->coordinator->audit);
    admin_slot_destroy(world->coordinator->backups);
    admin_slot_destroy(world->coordinator->restores);
    coordinator_close(world->coordinator);
    for (unsigned i = 0; i < world->member_count; i++) {
        pki_key_destroy(world->members[i].key);
    }
    nftw(world->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    test_gate_fini(&world->dialled);
    arena_fini(&world->arena);
    pthread_mutex_destroy(&world->chance);
}

struct view test_coordinator_id(struct test_coordinator *world)
{
    uint8_t *id = arena_take(&world->arena, META_ID_SIZE);
    env_random(&world->env.env, id, META_ID_SIZE);
    return view_of(id, META_ID_SIZE);
}

/* ---- calls ---- */

static const struct rpc_handler *find_in(
    const struct rpc_handler *handlers, unsigned count, unsigned method)
{
    for (unsigned i = 0; i < count; i++) {
        if (handlers[i].method == method) {
            return &handlers[i];
        }
    }
    return NULL;
}

const struct rpc_handler *test_coordinator_handler(unsigned method)
{
    const struct {
        const struct rpc_handler *handlers;
        unsigned count;
    } services[] = {
        {session_handlers, session_handler_count},
        {bucket_handlers, bucket_handler_count},
        {object_handlers, object_handler_count},
        {lookup_handlers, lookup_handler_count},
        {segment_handlers, segment_handler_count},
        {shard_handlers, shard_handler_count},
        {upload_handlers, upload_handler_count},
        {node_handlers, node_handler_count},
        {admin_handlers, admin_handler_count},
        {rebalance_handlers, rebalance_handler_count},
        {drain_handlers, drain_handler_count},
        {account_handlers, account_handler_count},
        {fleet_handlers, fleet_handler_count},
        {sweep_handlers, sweep_handler_count},
        {audit_handlers, audit_handler_count},
        {repair_handlers, repair_handler_count},
        {garbage_handlers, garbage_handler_count},
        {gateway_handlers, gateway_handler_count},
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const struct rpc_handler *found = find_in(services[i].handlers, services[i].count, method);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

enum hearth_code test_coordinator_call(struct test_coordinator *world,
    const struct test_member *caller, unsigned method, const void *request, void *response)
{
    struct rpc_context context = {
        .peer = {.class = caller->class}, .method = method, .arena = &world->arena};
    memcpy(context.peer.id, caller->id, sizeof(context.peer.id));
    memset(response, 0, wire_message_size(rpc_methods.rows[method].response));
    const struct rpc_handler *handler = test_coordinator_handler(method);
    assert_non_null(handler);
    return handler->unary(world->coordinator, &context, request, response, &world->err);
}

/* ---- members ---- */

struct test_member *test_coordinator_stranger(struct test_coordinator *world)
{
    assert_true(world->member_count < TEST_MEMBERS_MAX);
    struct test_member *member = &world->members[world->member_count++];
    *member = (struct test_member){.start_count = 1, .sequence = 1};
    assert_ok(pki_key_create(&member->key, &world->err), &world->err);
    pki_key_id(member->key, member->id);
    env_random(&world->env.env, member->volume.bytes, sizeof(member->volume.bytes));
    return member;
}

struct view test_coordinator_invite(
    struct test_coordinator *world, const struct invitation *invitation)
{
    const char *word;
    uint64_t expires_ms;
    struct invite invite;
    assert_ok(invitation_make(
                  world->coordinator, invitation, &world->arena, &word, &expires_ms, &world->err),
        &world->err);
    assert_ok(invite_parse(view_text(word), &world->arena, &invite, &world->err), &world->err);
    return arena_copy(&world->arena, view_of(invite.token, sizeof(invite.token)));
}

enum hearth_code test_coordinator_enrol(struct test_coordinator *world, struct test_member *member,
    struct view token, const char *address, struct wire_enrol_reply *reply)
{
    struct enrol_caller caller = {.key = member->key, .token = token};
    memcpy(caller.id, member->id, sizeof(caller.id));
    snprintf(caller.address, sizeof(caller.address), "%s", address);
    *reply = (struct wire_enrol_reply){.code = HEARTH_OK};
    enum hearth_code code =
        enrol_service_handle(world->coordinator, &caller, &world->arena, reply, &world->err);
    if (code == HEARTH_OK) {
        struct pki_certificate certificate;
        assert_ok(pki_certificate_verify(&world->env.env, reply->certificate,
                      world->coordinator->cluster->ca_pem, &certificate, &world->err),
            &world->err);
        member->class = certificate.identity.class;
        node_table_find(world->coordinator->nodes, member->id, &member->number);
    }
    return code;
}

struct test_member *test_coordinator_member(struct test_coordinator *world, enum peer_class class)
{
    char owner[32];
    char address[32];
    struct wire_enrol_reply reply;
    snprintf(owner, sizeof(owner), "owner %u", world->member_count);
    snprintf(address, sizeof(address), "10.0.%u.1", world->member_count);
    const struct invitation invitation = {.kind = class, .owner = view_text(owner)};
    struct view token = test_coordinator_invite(world, &invitation);
    struct test_member *member = test_coordinator_stranger(world);
    assert_ok(test_coordinator_enrol(world, member, token, address, &reply), &world->err);
    return member;
}

/* ---- duties ---- */

struct repair_status test_coordinator_repair(struct test_coordinator *world)
{
    struct repair_status status;
    sweep_round(NULL, world->coordinator->sweep);
    repair_round(world->coordinator->repair, NULL);
    repair_status_get(world->coordinator->repair, &status);
    return status;
}

/* ---- nodes ---- */

struct wire_heartbeat_request test_coordinator_report(
    struct test_coordinator *world, const struct test_member *node, const char *host)
{
    struct wire_endpoint *endpoint = arena_take(&world->arena, sizeof(*endpoint));
    struct wire_heartbeat_request report = {
        .volume_uuid = meta_id_view(&node->volume),
        .instance = meta_id_view(&node->instance),
        .start_count = node->start_count,
        .sequence = node->sequence,
        .endpoints = endpoint,
        .endpoints_count = host != NULL,
        .capacity = UINT64_C(1) << 40,
        .free = UINT64_C(1) << 40,
        .software = view_text("test"),
    };
    if (host != NULL) {
        *endpoint = (struct wire_endpoint){
            .kind = META_ENDPOINT_DIRECT, .host = view_text(host), .port = 7000};
    }
    return report;
}

void test_coordinator_heartbeat(struct test_coordinator *world, const struct test_member *node)
{
    struct wire_heartbeat_reply reply;
    const struct wire_heartbeat_request report = test_coordinator_report(world, node, "there");
    assert_ok(test_coordinator_call(world, node, RPC_HEARTBEAT, &report, &reply), &world->err);
}

struct test_member *test_coordinator_nodes(struct test_coordinator *world, unsigned count)
{
    struct test_member *first = &world->members[world->member_count];
    const unsigned dialled = test_gate_count(&world->dialled);
    for (unsigned i = 0; i < count; i++) {
        test_coordinator_heartbeat(world, test_coordinator_member(world, PEER_NODE));
    }
    test_gate_wait(&world->dialled, dialled + count);
    return first;
}
