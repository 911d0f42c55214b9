#include "tests/lib/shipment_world.h"

#include "client/segment_image.h"
#include "coordinator/order.h"
#include "proto/order_format.h"
#include "tests/lib/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CELLS_MAX = 16 };

struct shipped_shard {
    struct shipped_shard *next;
    unsigned node;
    uint64_t number;
    uint16_t part;
    uint16_t slot;
    struct shard_name name;
    uint64_t length;
    unsigned cell_count;
    struct buf *cells[CELLS_MAX];
};

/* One shard being read. */
struct call {
    struct shard_call call; /* first */
    struct shard_port port;
    const struct shipped_shard *shard; /* NULL: nothing comes */
    enum shipment_manner manner;
    unsigned next;
    unsigned end;
    bool is_over;
};

static struct shipment_world *world_of(struct shard_net *net)
{
    return (struct shipment_world *)((char *)net - offsetof(struct shipment_world, net));
}

/* ---- nodes ---- */

static const struct shipped_shard *find_shard(
    const struct shipment_world *world, unsigned node, const uint8_t id[SHARD_ID_SIZE])
{
    const struct shipped_shard *shard = world->shards;
    while (
        shard != NULL && (shard->node != node || memcmp(shard->name.id, id, SHARD_ID_SIZE) != 0)) {
        shard = shard->next;
    }
    return shard;
}

/* Of the same part: another slot of it, or the same one of the oldest shipment. */
static const struct shipped_shard *find_other(
    const struct shipment_world *world, const struct shipped_shard *like, bool is_old)
{
    const struct shipped_shard *found = like;
    for (const struct shipped_shard *shard = world->shards; shard != NULL; shard = shard->next) {
        bool fits = is_old ? shard->slot == like->slot && shard->number < found->number
                           : shard->slot != like->slot && shard->number == like->number;
        if (fits && shard->part == like->part) {
            found = shard;
        }
    }
    return found;
}

static unsigned node_of(const struct shipment_world *world, const struct shard_door *door)
{
    for (unsigned i = 0; i < SHIPMENT_NODES; i++) {
        if (view_equal(door->node->node_id, world->addresses[i].node_id)) {
            return i;
        }
    }
    fail();
    return 0;
}

static void check_order(
    const struct shipment_world *world, unsigned node, struct view bytes, struct order *out)
{
    struct order_keys keys;
    struct hearth_err err;
    uint32_t key_id;
    assert_ok(order_key_id(bytes, &key_id, &err), &err);
    order_node_keys(&world->issuer, key_id, world->ids[node], &keys);
    assert_ok(order_verify(bytes, keys.order_key, out, &err), &err);
    assert_int_equal(out->action, ORDER_GET);
}

static void end_call(struct call *call, enum hearth_code code)
{
    struct hearth_err err;
    call->is_over = true;
    if (code == HEARTH_OK) {
        shard_port_post_done(&call->port, (struct slice){0});
    } else {
        hearth_fail(&err, code, "so the node says");
        shard_port_post_failed(&call->port, &err);
    }
}

static struct shard_call *get_open(struct shard_net *net, const struct shard_door *door,
    uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context)
{
    struct shipment_world *world = world_of(net);
    struct call *call = calloc(1, sizeof(*call));
    struct order order;
    assert_non_null(call);
    unsigned node = node_of(world, door);
    check_order(world, node, door->order, &order);
    call->call.net = net;
    shard_port_open(&call->port, inbox, context);
    call->shard = find_shard(world, node, order.shard_id);
    const struct shipment_node *at = &world->nodes[node];
    if (call->shard != NULL && call->shard->number >= at->lies_from &&
        (at->lies_to == 0 || call->shard->number <= at->lies_to)) {
        call->manner = at->manner;
    }
    call->next = first_stripe;
    call->end = first_stripe + stripes;
    if (call->shard == NULL || call->manner == SHIPMENT_LACKS) {
        end_call(call, HEARTH_NOT_FOUND);
    } else if (call->manner == SHIPMENT_ENDS_EARLY) {
        end_call(call, HEARTH_OK);
    } else if (call->manner == SHIPMENT_GIVES_OLD || call->manner == SHIPMENT_GIVES_OTHER_SLOT) {
        call->shard = find_other(world, call->shard, call->manner == SHIPMENT_GIVES_OLD);
    }
    return &call->call;
}

static void post_cell(struct call *call)
{
    const struct shipped_shard *shard = call->shard;
    struct buf *cell = buf_copy(buf_view(shard->cells[call->next++ % shard->cell_count]));
    if (call->manner == SHIPMENT_FLIPS_A_BIT) {
        cell->bytes[7] ^= 1;
    }
    size_t size = buf_view(cell).size - (call->manner == SHIPMENT_CUTS_CELLS);
    shard_port_post_cell(&call->port, slice_of(cell, 0, size));
    buf_unref(cell);
}

static void get_read(struct shard_call *shard_call, unsigned cells)
{
    struct call *call = (struct call *)shard_call;
    for (; cells > 0 && !call->is_over && call->manner != SHIPMENT_SILENT; cells--) {
        if (call->next < call->end) {
            post_cell(call);
        }
        if (call->next == call->end) {
            end_call(call, HEARTH_OK);
        }
    }
}

static void drop(struct shard_call *shard_call)
{
    struct call *call = (struct call *)shard_call;
    shard_port_close(&call->port);
    shard_port_fini(&call->port);
    free(call);
}

static void wait_until(struct shard_net *net, struct shard_inbox *inbox, uint64_t until_ns)
{
    struct test_env *env = &world_of(net)->meta.env;
    if (!shard_inbox_has_events(inbox) && env->monotonic_ns < until_ns) {
        env->monotonic_ns = until_ns;
    }
}

/* ---- a life ---- */

void shipment_world_init(struct shipment_world *world)
{
    static const struct shard_net_ops ops = {
        .get_open = get_open, .get_read = get_read, .drop = drop, .wait = wait_until};
    static const uint8_t master[CRYPTO_KEY_SIZE] = {7}; /* as test_meta's */
    *world = (struct shipment_world){.net = {.ops = &ops}, .cluster = {9}, .session = {8}};
    test_meta_init(&world->meta, 1, SHIPMENT_NODES);
    order_issuer_init(&world->issuer, &world->meta.env.env, &world->meta.names, master);
    shipment_keys_init(&world->keys, master);
    for (unsigned i = 0; i < SHIPMENT_NODES; i++) {
        world->ids[i][1] = (uint8_t)(i + 1); /* as test_meta enrols them */
        world->addresses[i].node_id = view_of(world->ids[i], PKI_ID_SIZE);
    }
    snprintf(world->directory, sizeof(world->directory), "%s/rebuilt", world->meta.directory);
    assert_int_equal(mkdir(world->directory, 0700), 0);
}

static void remove_made(const struct shipment_world *world)
{
    static const char *const names[] = {"meta.db", "rebuilt.db", "rebuilt.db-journal"};
    char path[256];
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", world->directory, names[i]);
        unlink(path);
    }
}

static void free_shard(struct shipped_shard *shard)
{
    for (unsigned i = 0; i < shard->cell_count; i++) {
        buf_unref(shard->cells[i]);
    }
    free(shard);
}

void shipment_world_fini(struct shipment_world *world)
{
    while (world->shards != NULL) {
        struct shipped_shard *shard = world->shards;
        world->shards = shard->next;
        free_shard(shard);
    }
    remove_made(world);
    rmdir(world->directory);
    order_issuer_fini(&world->issuer);
    shipment_keys_fini(&world->keys);
    test_meta_fini(&world->meta);
}

/* ---- shipping ---- */

static void keep_shard(struct shipment_world *world, const struct shipment_name *name,
    const uint8_t segment[SEGMENT_ID_SIZE], struct segment_image *image, uint16_t slot)
{
    struct shipped_shard *shard = calloc(1, sizeof(*shard));
    struct shard_place place = {.slot = slot, .p = 1};
    assert_non_null(shard);
    memcpy(place.segment, segment, sizeof(place.segment));
    shard_name_make(&world->meta.names, &place, &shard->name);
    shard->node = slot;
    shard->number = name->number;
    shard->part = name->part;
    shard->slot = slot;
    for (unsigned stripe = 0; stripe < segment_image_stripes(image); stripe++) {
        struct slice cell = segment_image_cell(image, stripe, slot);
        assert_in_range(shard->cell_count, 0, CELLS_MAX - 1);
        shard->cells[shard->cell_count++] = buf_copy(cell.view);
        shard->length += cell.view.size;
        buf_unref(cell.owner);
    }
    shard->next = world->shards;
    world->shards = shard;
}

static void fill(struct segment_image *image, struct view plain, struct hearth_err *err)
{
    for (size_t at = 0; at < plain.size; at += EC_UNIT_PLAIN_SIZE) {
        size_t left = plain.size - at;
        size_t size = left < EC_UNIT_PLAIN_SIZE ? left : EC_UNIT_PLAIN_SIZE;
        uint8_t *unit = segment_image_unit(image);
        assert_non_null(unit);
        memcpy(unit, plain.bytes + at, size);
        assert_ok(segment_image_seal(image, size, err), err);
    }
    assert_ok(segment_image_end(image, err), err);
}

static void put(struct shipment_world *world, const struct shipment_name *name, struct view plain,
    unsigned holders)
{
    uint8_t segment[SEGMENT_ID_SIZE];
    struct verify_key vk;
    struct cell_pool pool;
    struct segment_image *image;
    struct hearth_err *err = &world->meta.err;
    shipment_name_make(&world->keys, name, segment);
    shipment_verify_key(&world->keys, segment, &vk);
    cell_pool_init(&pool, 4 * segment_image_stripe_bytes(name->n));
    const struct segment_image_options options = {.data_count = name->k,
        .slot_count = name->n,
        .pool = &pool,
        .seal = seal_writer_create_named(&world->keys.seal, segment),
        .verify_key = &vk,
        .plain_max = (plain.size / EC_UNIT_PLAIN_SIZE + 1) * EC_UNIT_PLAIN_SIZE,
        .keeps_data = true};
    assert_ok(segment_image_create(&options, &image, err), err);
    fill(image, plain, err);
    for (uint16_t slot = 0; slot < holders; slot++) {
        keep_shard(world, name, segment, image, slot);
    }
    segment_image_destroy(image);
    seal_writer_destroy(options.seal);
    cell_pool_fini(&pool);
}

static void put_bytes(struct shipment_world *world, struct shipment_head *head, uint16_t part,
    struct view bytes, unsigned holders)
{
    const struct shipment_name name = {
        .number = head->number, .part = part, .k = SHIPMENT_K, .n = SHIPMENT_HOLDERS, .salt = 5};
    size_t size = shipment_padded_size(SHIPMENT_K, SHIPMENT_HEAD_SIZE + bytes.size);
    uint8_t *plain = calloc(1, size);
    assert_non_null(plain);
    head->part = part;
    head->size = (uint32_t)bytes.size;
    shipment_head_encode(head, plain);
    memcpy(plain + SHIPMENT_HEAD_SIZE, bytes.bytes, bytes.size);
    put(world, &name, view_of(plain, size), holders);
    free(plain);
}

/* With malloc. */
static struct view take_snapshot(struct shipment_world *world)
{
    char path[128];
    struct stat status;
    struct hearth_err *err = &world->meta.err;
    snprintf(path, sizeof(path), "%s/copy", world->meta.directory);
    assert_ok(meta_snapshot(world->meta.store, path, err), err);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)status.st_size, file), status.st_size);
    fclose(file);
    unlink(path);
    return view_of(bytes, (size_t)status.st_size);
}

static struct view cut_changes(struct shipment_world *world)
{
    uint8_t *bytes;
    size_t size;
    struct hearth_err *err = &world->meta.err;
    assert_ok(meta_changes_since(world->meta.store, &bytes, &size, err), err);
    return view_of(bytes, size);
}

void shipment_world_ship(
    struct shipment_world *world, uint64_t number, uint64_t previous, struct shipment_fate fate)
{
    struct view bytes = previous == 0 ? take_snapshot(world) : cut_changes(world);
    struct shipment_head head = {.kind = previous == 0 ? SHIPMENT_SNAPSHOT : SHIPMENT_CHANGES,
        .parts = 1,
        .number = number,
        .base = previous == 0 ? number : 1,
        .previous = previous,
        .total = bytes.size};
    memcpy(head.cluster, world->cluster, sizeof(head.cluster));
    put_bytes(world, &head, 0, bytes, fate.part_at);
    head.offset = head.total;
    put_bytes(world, &head, SHIPMENT_SEAL, view_of("", 0), fate.seal_at);
    free((void *)(uintptr_t)bytes.bytes);
}

void shipment_world_list_foreign(struct shipment_world *world, unsigned node)
{
    static const uint8_t master[CRYPTO_KEY_SIZE] = {6};
    const struct shipment_name name = {
        .number = 1000, .part = SHIPMENT_SEAL, .k = SHIPMENT_K, .n = SHIPMENT_HOLDERS};
    struct shard_name_keys names;
    struct shipment_keys keys;
    struct shard_place place = {.p = 1};
    struct shipped_shard *shard = calloc(1, sizeof(*shard));
    assert_non_null(shard);
    shard_name_keys_init(&names, master);
    shipment_keys_init(&keys, master);
    shipment_name_make(&keys, &name, place.segment);
    shard_name_make(&names, &place, &shard->name);
    shard->node = node;
    shard->number = name.number;
    shard->part = name.part;
    shard->length = 100;
    shard->next = world->shards;
    world->shards = shard;
}

/* ---- rebuilding ---- */

static void list_all(struct shipment_world *world, struct rebuild_found *found)
{
    for (const struct shipped_shard *shard = world->shards; shard != NULL; shard = shard->next) {
        const struct shipment_node *node = &world->nodes[shard->node];
        const struct wire_shard_entry entry = {
            .shard_id = view_of(shard->name.id, sizeof(shard->name.id)),
            .locator = view_of(shard->name.locator, sizeof(shard->name.locator)),
            .length = shard->length,
            .state = WIRE_SHARD_LIVE};
        if (!node->is_off && !(node->hides_seals && shard->part == SHIPMENT_SEAL)) {
            assert_ok(rebuild_found_add(found, &world->meta.names, &world->keys, shard->node,
                          &entry, &world->meta.err),
                &world->meta.err);
        }
    }
    rebuild_found_sort(found);
}

static void note_unreadable(void *context, uint64_t number, const char *why)
{
    struct shipment_world *world = context;
    (void)number;
    (void)why;
    world->unreadable++;
}

enum hearth_code shipment_world_rebuild(struct shipment_world *world, bool accepts_older)
{
    struct rebuild_found found = {.shards = NULL};
    struct meta_principal answered[SHIPMENT_NODES];
    struct meta_principal silent[SHIPMENT_NODES + SHIPMENT_NEWCOMERS_MAX];
    struct meta_rebuilt_asked asked = {.answered = answered, .silent = silent};
    for (unsigned i = 0; i < SHIPMENT_NODES; i++) {
        struct meta_principal *id = world->nodes[i].is_off ? &silent[asked.silent_count++]
                                                           : &answered[asked.answered_count++];
        memcpy(id->bytes, world->ids[i], PKI_ID_SIZE);
    }
    for (unsigned i = 0; i < world->newcomers; i++) {
        memset(silent[asked.silent_count++].bytes, (int)(0x80 + i), PKI_ID_SIZE);
    }
    const struct rebuild_reader reader = {.env = &world->meta.env.env,
        .net = &world->net,
        .keys = &world->keys,
        .issuer = &world->issuer,
        .session_id = view_of(world->session, sizeof(world->session)),
        .cluster = world->cluster,
        .nodes = world->addresses};
    const struct rebuild_chain chain = {.reader = &reader,
        .found = &found,
        .directory = world->directory,
        .asked = asked,
        .accepts_older = accepts_older,
        .unreadable = note_unreadable,
        .context = world};
    remove_made(world);
    world->unreadable = 0;
    list_all(world, &found);
    enum hearth_code code = rebuild_chain_blocking(&chain, &world->result, &world->meta.err);
    rebuild_found_fini(&found);
    return code;
}

unsigned shipment_world_objects(const struct shipment_world *world)
{
    char path[256];
    sqlite3 *db;
    sqlite3_stmt *row;
    snprintf(path, sizeof(path), "%s/meta.db", world->directory);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT COUNT(*) FROM object_version", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    unsigned count = (unsigned)sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return count;
}
