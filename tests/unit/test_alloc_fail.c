/*
 * Memory runs out at every allocation there is, once or for good: nothing crashes or leaks (ASan),
 * whoever asked is told HEARTH_NO_MEMORY, and nothing that was acknowledged is lost.
 *
 * A scenario is run with its first allocation failing, then its second, until it no longer has so
 * many.  What it checks afterwards, with memory again, is its own.
 */
#include "client/client_config.h"
#include "client/manifest.h"
#include "client/root_key.h"
#include "client/segment_image.h"
#include "coordinator/fleet/place_choose.h"
#include "storaged/order_check.h"
#include "tests/lib/alloc_fail.h"
#include "tests/lib/test.h"
#include "tests/lib/test_wire_fill.h"
#include "tests/sim/volume_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ALLOCATIONS_MAX = 2000 };

/* Fails the nth allocation of what it does; *reached as alloc_fail_end() says. */
typedef enum hearth_code scenario(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached);

/* Returns how many allocations there are. */
static unsigned long at_every_index(scenario *run, void *context)
{
    unsigned long count = 0;
    for (enum alloc_fail_mode mode = 0; mode < ALLOC_FAIL_MODES; mode++) {
        bool reached = true;
        for (unsigned long n = 1; reached; n++) {
            assert_true(n < ALLOCATIONS_MAX);
            enum hearth_code code = run(context, n, mode, &reached);
            if (code != HEARTH_OK) { /* what can do without went on, and is checked by itself */
                assert_true(reached);
                assert_int_equal(code, HEARTH_NO_MEMORY);
            }
            count = n - 1;
        }
    }
    return count;
}

/* ---- manifest ---- */

static enum hearth_code seal_and_open(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    static const struct manifest_pair pair = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
    struct manifest_extent extents[300] = {0};
    struct manifest manifest = {.size = 300, .extents = extents, .extent_count = 300};
    struct manifest_place place = {.bucket_key = context, .key = view_text("key")};
    struct hearth_err err;
    struct arena arena;
    struct view sealed;
    struct manifest out;
    const uint8_t body_id[BODY_ID_SIZE] = {1};
    for (size_t i = 0; i < 300; i++) {
        extents[i].length = 1;
        extents[i].segment_id[0] = (uint8_t)i;
    }
    manifest.metadata = &pair;
    manifest.metadata_count = 1;
    arena_init(&arena, 0);
    alloc_fail_at(n, mode);
    enum hearth_code code = manifest_seal(&manifest, &place, body_id, &arena, &sealed, &err);
    if (code == HEARTH_OK) {
        code = manifest_open(sealed, &place, body_id, &arena, &out, &err);
    }
    *reached = alloc_fail_end();
    assert_true(code != HEARTH_OK || out.extent_count == 300);
    arena_fini(&arena);
    return code;
}

static void a_manifest_is_sealed_and_opened_or_refused(void **state)
{
    (void)state;
    struct test_env env;
    struct bucket_key key;
    test_env_init(&env, 2);
    bucket_key_draw(&env.env, 1, &key);
    assert_true(at_every_index(seal_and_open, &key) >= 3);
}

/* ---- messages ---- */

struct message {
    const struct wire_message *type;
    const void *in;
};

static enum hearth_code encode_and_decode(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    const struct message *message = context;
    struct hearth_err err;
    struct arena arena;
    struct buf *bytes = NULL;
    arena_init(&arena, 0);
    void *out = arena_take(&arena, wire_message_size(message->type));
    alloc_fail_at(n, mode);
    enum hearth_code code = wire_encode(message->type, message->in, &bytes, &err);
    if (code == HEARTH_OK) {
        code = wire_decode(message->type, buf_view(bytes), &arena, out, &err);
        buf_unref(bytes);
    }
    *reached = alloc_fail_end();
    arena_fini(&arena);
    return code;
}

static void every_message_is_said_and_understood_or_refused(void **state)
{
    static const struct wire_message *const types[] = {
#define X(name) &wire_##name##_message,
        WIRE_MESSAGE_TABLE(X)
#undef X
    };
    (void)state;
    struct test_wire_filler filler;
    test_wire_filler_init(&filler, 1);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct message message = {types[i], test_wire_fill(&filler, types[i])};
        assert_true(at_every_index(encode_and_decode, &message) >= 1);
    }
    test_wire_filler_fini(&filler);
}

/* ---- orders ---- */

static enum hearth_code judge_an_order(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    static const uint8_t id[PKI_ID_SIZE] = {7};
    struct order_period period = {.key_id = 3, .keys.order_key = {1}};
    struct order order = {
        .action = ORDER_PUT, .key_id = 3, .created_unix_ms = 1000, .expires_unix_ms = 100000};
    struct order_stored stored = {.cells = 1, .size = 17};
    struct hearth_err err;
    uint8_t bytes[ORDER_SIZE];
    uint8_t receipt[RECEIPT_SIZE];
    struct order_check check;
    order_check_init(&check, context, id);
    memcpy(order.node_id, id, sizeof(id));
    memcpy(order.session, id, sizeof(id));
    alloc_fail_at(n, mode);
    order_check_learn(&check, 2000, &period, 1);
    order_encode(&order, period.keys.order_key, bytes);
    enum hearth_code code =
        order_check_verify(&check, view_of(bytes, sizeof(bytes)), ORDER_PUT, id, &order, &err);
    if (code == HEARTH_OK) {
        code = order_check_receipt(&check, &order, &stored, receipt, &err);
    }
    *reached = alloc_fail_end();
    order_check_fini(&check);
    return code;
}

static void judging_an_order_takes_no_memory(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 1);
    assert_int_equal(at_every_index(judge_an_order, &env.env), 0);
}

/* ---- files ---- */

static const char config_path[] = "/tmp/hearth-test-alloc-fail.conf";
static const char key_path[] = "/tmp/hearth-test-alloc-fail.key";

static enum hearth_code load_configuration_and_key(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    (void)context;
    struct hearth_err err;
    struct client_config config;
    struct root_key key;
    struct arena arena;
    arena_init(&arena, 0);
    alloc_fail_at(n, mode);
    enum hearth_code code = config_load(&client_config_table, config_path, &arena, &config, &err);
    if (code == HEARTH_OK) {
        code = root_key_read(key_path, &key, &err);
    }
    *reached = alloc_fail_end();
    arena_fini(&arena);
    return code;
}

static void a_configuration_and_a_root_key_are_read_or_refused(void **state)
{
    (void)state;
    struct hearth_err err;
    struct test_env env;
    struct root_key key;
    test_env_init(&env, 1);
    root_key_draw(&env.env, &key);
    remove(key_path);
    assert_ok(root_key_write(key_path, &key, &err), &err);
    FILE *file = fopen(config_path, "w");
    assert_non_null(file);
    fputs("[coordinator]\naddresses = 127.0.0.1:1\nenrolment = 127.0.0.1:2\n", file);
    fclose(file);
    assert_true(at_every_index(load_configuration_and_key, NULL) >= 2);
    remove(config_path);
    remove(key_path);
}

/* ---- a volume ---- */

static const struct shard_plan first = {1, 1, 6, 64, 32};
static const struct shard_plan second = {2, 2, 3, 128, 128};

static void assert_whole(struct volume_world *world, const struct shard_plan *plan)
{
    struct hearth_err err;
    bool trashed;
    assert_ok(volume_world_get(world, plan, &trashed, &err), &err);
    assert_false(trashed);
}

/* Opens, puts, gets; whatever failed, what was acknowledged is there now and after a restart. */
static enum hearth_code use_a_volume(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    (void)context;
    struct volume_world world;
    struct hearth_err err;
    struct hearth_err ignored;
    bool trashed;
    volume_world_init(&world, 0);
    assert_ok(volume_world_open(&world, &err), &err);
    assert_ok(volume_world_put(&world, &first, &err), &err);
    volume_world_kill(&world);

    alloc_fail_at(n, mode);
    enum hearth_code code = volume_world_open(&world, &err);
    bool opened = code == HEARTH_OK;
    bool stored = false;
    if (opened) {
        code = volume_world_put(&world, &second, &err);
        stored = code == HEARTH_OK;
        enum hearth_code got = volume_world_get(&world, &first, &trashed, &ignored);
        code = stored ? got : code;
    }
    *reached = alloc_fail_end();
    if (!opened) {
        assert_ok(volume_world_open(&world, &ignored), &ignored);
    }
    for (unsigned restarts = 0; restarts < 2; restarts++) {
        assert_whole(&world, &first);
        if (stored) {
            assert_whole(&world, &second);
        }
        volume_world_kill(&world);
        assert_ok(volume_world_open(&world, &ignored), &ignored);
    }
    volume_world_fini(&world);
    return code;
}

static void a_volume_keeps_what_it_acknowledged(void **state)
{
    (void)state;
    assert_true(at_every_index(use_a_volume, NULL) >= 10);
}

/* ---- a segment and its places ---- */

enum { DATA = 2, SLOTS = 4 };

static enum hearth_code fill_image(struct segment_image *image, struct hearth_err *err)
{
    uint8_t *unit = segment_image_unit(image);
    if (unit == NULL) {
        return HEARTH_NO_MEMORY; /* as its header says */
    }
    memset(unit, 5, 1000);
    if (segment_image_seal(image, 1000, err) != HEARTH_OK ||
        segment_image_end(image, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        struct slice cell = segment_image_cell(image, 0, slot);
        if (cell.owner == NULL) {
            return HEARTH_NO_MEMORY;
        }
        buf_unref(cell.owner);
    }
    return HEARTH_OK;
}

static enum hearth_code choose_places(struct env *env, struct hearth_err *err)
{
    struct place_node nodes[SLOTS + 2];
    struct place_choice choice;
    for (uint32_t i = 0; i < SLOTS + 2; i++) {
        nodes[i] = (struct place_node){.number = i + 1,
            .owner = i + 1,
            .network = {.bytes = {(uint8_t)(i + 1)}},
            .free_bytes = 1 << 20,
            .takes_shards = true};
    }
    const struct place_fleet fleet = {nodes, SLOTS + 2};
    const struct place_query query = {.want = SLOTS, .least = SLOTS};
    return place_choose(&fleet, &query, env, &choice, err);
}

static enum hearth_code make_a_segment(
    void *context, unsigned long n, enum alloc_fail_mode mode, bool *reached)
{
    (void)context;
    static const struct upload_key upload_key = {{1}};
    static const struct verify_key verify_key = {{2}};
    struct test_env env;
    struct hearth_err err;
    struct cell_pool pool;
    struct segment_image *image = NULL;
    test_env_init(&env, 1);
    struct seal_writer *seal = seal_writer_create(&env.env, &upload_key);
    cell_pool_init(&pool, 1 << 20);
    const struct segment_image_options options = {.data_count = DATA,
        .slot_count = SLOTS,
        .pool = &pool,
        .seal = seal,
        .verify_key = &verify_key,
        .plain_max = DATA * EC_UNIT_PLAIN_SIZE};
    alloc_fail_at(n, mode);
    enum hearth_code code = choose_places(&env.env, &err);
    if (code == HEARTH_OK) {
        code = segment_image_create(&options, &image, &err);
    }
    if (code == HEARTH_OK) {
        code = fill_image(image, &err);
    }
    *reached = alloc_fail_end();
    segment_image_destroy(image);
    seal_writer_destroy(seal);
    cell_pool_fini(&pool);
    return code;
}

static void a_segment_is_made_or_refused(void **state)
{
    (void)state;
    assert_true(at_every_index(make_a_segment, NULL) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_sealed_and_opened_or_refused),
        cmocka_unit_test(every_message_is_said_and_understood_or_refused),
        cmocka_unit_test(judging_an_order_takes_no_memory),
        cmocka_unit_test(a_configuration_and_a_root_key_are_read_or_refused),
        cmocka_unit_test(a_volume_keeps_what_it_acknowledged),
        cmocka_unit_test(a_segment_is_made_or_refused),
    };
    return cmocka_run_group_tests_name("alloc_fail", tests, NULL, NULL);
}
