/*
 * fsck: of a fleet that says whatever it likes, what is amiss is named, what is under way or on its
 * way out is counted, and nothing else is said.
 */
#include "coordinator/rescue/fsck.h"

#include "coordinator/cluster.h"
#include "coordinator/rescue/fsck_copy.h"
#include "coordinator/service/segment_orders.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { NODES = 8, SHARDS_MAX = 64, FINDINGS_MAX = 64 };

struct shard {
    uint32_t node;
    struct shard_name name;
    struct wire_shard_entry entry;
};

struct fixture {
    struct test_meta meta;
    struct cluster cluster; /* its master key alone */
    struct meta_segment segment;
    uint64_t shard_size;
    struct shard shards[SHARDS_MAX];
    unsigned count;
    uint32_t silent; /* node that does not answer; 0: all do */
    enum hearth_code cells;
    unsigned asked; /* inventories and segments' cells */

    bool is_deep;
    bool is_alone; /* the metadata */
    struct meta_settings settings;
    bool tells_segment; /* the last finding: the fixture's */
    unsigned kinds[FINDINGS_MAX];
    struct fsck_counts counts;
};

/* ---- what the fleet says ---- */

static enum hearth_code list(void *context, uint32_t node, node_inventory_page_fn *page,
    void *page_context, struct hearth_err *err)
{
    struct fixture *at = context;
    at->asked++;
    if (node == at->silent) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "node %u is off", node);
    }
    for (unsigned i = 0; i < at->count; i++) {
        const struct wire_shard_page one = {.shards = &at->shards[i].entry, .shards_count = 1};
        if (at->shards[i].node == node && !page(page_context, &one)) {
            return HEARTH_OK;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code check_cells(void *context, const struct meta_segment *segment,
    struct fsck_slot *out, struct hearth_err *err)
{
    struct fixture *at = context;
    (void)segment;
    (void)err;
    at->asked++;
    if (at->cells != HEARTH_OK) {
        out[3].code = hearth_fail(&out[3].err, at->cells, "so it is");
    }
    return HEARTH_OK;
}

static struct shard *add(struct fixture *at, uint32_t node, uint16_t slot, uint16_t p)
{
    struct shard *shard = &at->shards[at->count++];
    struct shard_place place = {.slot = slot, .p = p};
    assert_true(at->count <= SHARDS_MAX);
    memcpy(place.segment, at->segment.id.bytes, sizeof(place.segment));
    shard->node = node;
    shard_name_make(&at->meta.names, &place, &shard->name);
    shard->entry =
        (struct wire_shard_entry){.shard_id = view_of(shard->name.id, sizeof(shard->name.id)),
            .locator = view_of(shard->name.locator, sizeof(shard->name.locator)),
            .length = at->shard_size,
            .state = WIRE_SHARD_LIVE};
    return shard;
}

/* ---- the world ---- */

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    struct meta_id segment;
    test_meta_init(&at->meta, 1, NODES);
    at->cluster.master[0] = 7; /* as test_meta's */
    test_meta_upload(&at->meta, "key", &segment);
    assert_ok(
        meta_segment_get(at->meta.store, segment, &at->segment, &at->meta.err), &at->meta.err);
    assert_ok(segment_shard_size(at->segment.k, at->segment.length, &at->shard_size, &at->meta.err),
        &at->meta.err);
    for (uint16_t slot = 0; slot < at->segment.n; slot++) {
        add(at, at->segment.holders[slot].node, slot, at->segment.holders[slot].p);
    }
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_meta_fini(&at->meta);
    free(at);
    return 0;
}

/* ---- a check ---- */

static enum hearth_code found(
    void *context, const struct fsck_finding *finding, struct hearth_err *err)
{
    struct fixture *at = context;
    (void)err;
    assert_in_range(finding->kind, 0, FINDINGS_MAX - 1);
    at->kinds[finding->kind]++;
    at->tells_segment =
        finding->segment != NULL && meta_id_equal(*finding->segment, at->segment.id);
    return HEARTH_OK;
}

static enum hearth_code space(void *context, const struct fsck_space *space, struct hearth_err *err)
{
    (void)context;
    (void)space;
    (void)err;
    return HEARTH_OK;
}

static bool is_over(void *context)
{
    (void)context;
    return false;
}

static void check(struct fixture *at)
{
    const struct fsck_fleet fleet = {.list = list, .check_cells = check_cells, .context = at};
    struct fsck_options options = {.copied_ms = meta_now_ms(at->meta.store),
        .settings = at->settings,
        .fleet = at->is_alone ? NULL : &fleet,
        .is_deep = at->is_deep,
        .found = found,
        .space = space,
        .is_over = is_over,
        .context = at};
    struct fsck_copy copy;
    struct hearth_err *err = &at->meta.err;
    memset(at->kinds, 0, sizeof(at->kinds));
    assert_ok(fsck_copy_live(&copy, at->meta.directory, at->meta.store, err), err);
    assert_ok(
        fsck_meta_open(&at->cluster, &at->meta.env.env, copy.folder, &options.meta, err), err);
    assert_ok(fsck_run_blocking(&options, &at->counts, err), err);
    fsck_meta_close(options.meta);
    fsck_copy_remove(&copy);
}

/* This and nothing else is found, once. */
static void check_finds(struct fixture *at, enum fsck_kind kind)
{
    check(at);
    for (unsigned i = 0; i < FINDINGS_MAX; i++) {
        assert_int_equal(at->kinds[i], i == kind);
    }
    assert_int_equal(at->counts.problems, kind != FSCK_UNCHECKED);
    assert_int_equal(at->counts.unchecked, kind == FSCK_UNCHECKED);
}

static void assert_clean(struct fixture *at)
{
    check(at);
    assert_int_equal(at->counts.problems, 0);
    assert_int_equal(at->counts.unchecked, 0);
}

/* ---- claims ---- */

static void a_sound_fleet_is_clean(void **state)
{
    struct fixture *at = *state;
    at->is_deep = true;
    assert_clean(at);
    assert_int_equal(at->counts.objects, 1);
    assert_int_equal(at->counts.segments, 1);
    assert_int_equal(at->counts.shards, NODES);
    assert_int_equal(at->counts.verified, NODES);
    assert_int_equal(at->counts.listed, NODES);
    assert_int_equal(at->counts.nodes_reached, NODES);
}

static void the_metadata_alone_asks_nobody(void **state)
{
    struct fixture *at = *state;
    at->is_alone = true;
    at->is_deep = true;
    at->count = 0;
    assert_clean(at);
    assert_int_equal(at->counts.segments, 1);
    assert_int_equal(at->asked, 0);
}

static void each_way_not_to_have_a_shard_has_its_name(void **state)
{
    struct fixture *at = *state;
    at->shards[2].entry.length--;
    check_finds(at, FSCK_LENGTH);
    at->shards[2].entry.length++;
    at->shards[2].entry.state = WIRE_SHARD_TRASH;
    check_finds(at, FSCK_TRASHED);
    assert_int_equal(at->counts.trashed, 1);
    at->shards[2].node = 0;
    check_finds(at, FSCK_MISSING);
}

static void cells_that_are_wrong_are_told_from_those_that_were_not_read(void **state)
{
    struct fixture *at = *state;
    at->is_deep = true;
    at->cells = HEARTH_CHECKSUM;
    check_finds(at, FSCK_TAG);
    assert_int_equal(at->counts.verified, NODES - 1);
    at->cells = HEARTH_UNREACHABLE;
    check_finds(at, FSCK_UNCHECKED);
}

static void what_nobody_names_is_an_orphan(void **state)
{
    struct fixture *at = *state;
    add(at, 3, 1, 77);
    check_finds(at, FSCK_ORPHAN);
    assert_int_equal(at->counts.orphans, 1);
}

/* Not an orphan to be given up, but a sign that one volume is a copy of another. */
/* What was committed after a backup that was restored is listed, with its segments, as kept. */
static void what_a_restored_backup_does_not_know_is_told_from_garbage(void **state)
{
    struct fixture *at = *state;
    struct shard *shard = add(at, 2, 1, 77);
    shard->entry.stored_unix_ms = 1;
    at->settings = (struct meta_settings){
        .backup_ms = UINT64_C(1) << 40, .restored_ms = (UINT64_C(1) << 40) + 1000};
    check_finds(at, FSCK_ORPHAN);
    assert_int_equal(at->counts.ahead, 0);
    shard->entry.stored_unix_ms = at->settings.backup_ms + 1;
    check_finds(at, FSCK_ORPHAN);
    assert_int_equal(at->counts.ahead, 1);
    assert_true(at->tells_segment);
    at->settings.given_up_ms = at->settings.restored_ms;
    check_finds(at, FSCK_ORPHAN);
    assert_int_equal(at->counts.ahead, 0);
}

static void what_only_another_node_should_have_is_a_duplicate(void **state)
{
    struct fixture *at = *state;
    add(at, at->segment.holders[0].node, 1, at->segment.holders[1].p);
    check_finds(at, FSCK_DUPLICATE);
    assert_int_equal(at->counts.orphans, 0);
}

static void a_name_that_was_never_made_is_forged(void **state)
{
    struct fixture *at = *state;
    add(at, 3, 1, 77)->name.locator[5] ^= 1;
    check_finds(at, FSCK_FORGED);
}

static void what_is_younger_than_the_copy_is_in_flight(void **state)
{
    struct fixture *at = *state;
    add(at, 3, 1, 77)->entry.stored_unix_ms = meta_now_ms(at->meta.store);
    assert_clean(at);
    assert_int_equal(at->counts.in_flight, 1);
}

static void a_node_that_does_not_answer_is_not_checked(void **state)
{
    struct fixture *at = *state;
    at->silent = 2;
    check_finds(at, FSCK_UNCHECKED);
    assert_int_equal(at->counts.doomed, 0);
    assert_int_equal(at->counts.nodes_reached, NODES - 1);
}

/* Nobody rebuilds it, so nobody would ever be able to look at it there. */
static void what_is_being_deleted_there_need_not_be(void **state)
{
    struct fixture *at = *state;
    const struct meta_delete request = {
        .bucket = at->meta.bucket, .key = view_text("key"), .token = test_meta_id(&at->meta)};
    bool existed;
    assert_ok(meta_delete(at->meta.store, &request, &existed, &at->meta.err), &at->meta.err);
    at->silent = 2;
    at->is_deep = true;
    at->cells = HEARTH_UNREACHABLE;
    assert_clean(at);
    assert_int_equal(at->counts.doomed, 2);
    at->shards[5].node = 0; /* where somebody answers it is missed until it is gone */
    check_finds(at, FSCK_MISSING);
}

/* ---- shares ---- */

static void alter(struct fixture *at, const char *statement)
{
    char path[96];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/meta.db", at->meta.directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_changes(db), 0);
    sqlite3_close(db);
}

/* The object of the fixture, once more in each of so many buckets. */
static void copy_to(struct fixture *at, struct meta_id buckets[], unsigned count)
{
    const struct meta_extent all = {.segment = at->segment.id, .length = at->segment.length};
    struct meta_object source;
    assert_int_equal(test_meta_find(&at->meta, "key", &source), HEARTH_OK);
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        struct meta_object_info info;
        snprintf(name, sizeof(name), "other-%u", i);
        buckets[i] = test_meta_make_bucket(&at->meta, name);
        struct meta_copy copy = {.put = test_meta_put(&at->meta, "copy", all.length),
            .source_bucket = at->meta.bucket,
            .source_key = view_text("key"),
            .source_version = source.info.version};
        copy.put.bucket = buckets[i];
        copy.put.body.extents = &all;
        copy.put.body.extent_count = 1;
        assert_ok(meta_copy(at->meta.store, &copy, &info, &at->meta.err), &at->meta.err);
    }
}

static void copies_in_other_buckets_are_shares(void **state)
{
    struct fixture *at = *state;
    struct meta_id buckets[3];
    copy_to(at, buckets, 3);
    assert_clean(at);
    bool existed;
    const struct meta_delete request = {
        .bucket = buckets[1], .key = view_text("copy"), .token = test_meta_id(&at->meta)};
    assert_ok(meta_delete(at->meta.store, &request, &existed, &at->meta.err), &at->meta.err);
    assert_clean(at); /* until it is reaped */
    test_env_step_ms(&at->meta.env, UINT64_C(30) * 24 * 60 * 60 * 1000);
    test_meta_collect(&at->meta);
    assert_clean(at);
}

static const char shares_as_they_were[] =
    "DELETE FROM segment_share; INSERT INTO segment_share SELECT segment.segment, v.bucket, 1"
    " FROM segment, object_version v WHERE v.key = CAST('copy' AS BLOB)";

static void a_share_that_bodies_do_not_bear_out_is_named(void **state)
{
    static const struct {
        const char *harm;
        unsigned problems;
    } cases[] = {
        {"UPDATE segment_share SET refs = 2", 1},
        {"DELETE FROM segment_share", 1},
        {"UPDATE segment_share SET bucket = zeroblob(16)", 2}, /* a stranger's; one is not there */
        {"UPDATE segment_share SET segment = zeroblob(16)", 2},
        {"UPDATE segment_share SET bucket = (SELECT bucket FROM segment)", 2},
        {"INSERT INTO segment_share SELECT segment, zeroblob(16), refs FROM segment_share", 1},
    };
    struct fixture *at = *state;
    struct meta_id bucket;
    copy_to(at, &bucket, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        alter(at, cases[i].harm);
        check(at);
        assert_int_equal(at->kinds[FSCK_REFERENCE], cases[i].problems);
        assert_int_equal(at->counts.problems, cases[i].problems);
        alter(at, shares_as_they_were);
    }
    assert_clean(at);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_sound_fleet_is_clean),
        claim(the_metadata_alone_asks_nobody),
        claim(each_way_not_to_have_a_shard_has_its_name),
        claim(cells_that_are_wrong_are_told_from_those_that_were_not_read),
        claim(what_nobody_names_is_an_orphan),
        claim(what_a_restored_backup_does_not_know_is_told_from_garbage),
        claim(what_only_another_node_should_have_is_a_duplicate),
        claim(a_name_that_was_never_made_is_forged),
        claim(what_is_younger_than_the_copy_is_in_flight),
        claim(a_node_that_does_not_answer_is_not_checked),
        claim(what_is_being_deleted_there_need_not_be),
        claim(copies_in_other_buckets_are_shares),
        claim(a_share_that_bodies_do_not_bear_out_is_named),
    };
    return cmocka_run_group_tests_name("fsck", tests, NULL, NULL);
}
