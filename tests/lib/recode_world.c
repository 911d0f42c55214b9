#include "tests/lib/recode_world.h"

#include "client/shard_tag.h"
#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_account.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct move_world *world_of(struct plan_world *world)
{
    return &world->at;
}

/* ---- what segments are ---- */

static struct view cell_of(
    struct plan_world *world, const struct meta_segment *row, unsigned slot, unsigned stripe)
{
    struct fake_order order = {.action = FAKE_GET,
        .node = row->holders[slot].node - 1,
        .slot = slot,
        .number = row->holders[slot].p};
    memcpy(order.segment_id, row->id.bytes, sizeof(order.segment_id));
    return fake_net_cell(&world_of(world)->net, &order, stripe);
}

static struct ec_stripes stripes_of(const struct meta_segment *row)
{
    struct ec_stripes stripes;
    struct hearth_err err;
    assert_ok(ec_stripes_init(&stripes, row->k, row->length, &err), &err);
    return stripes;
}

/* To be freed. All data slots must be held. */
static uint8_t *sealed_of(struct plan_world *world, const struct meta_segment *row)
{
    const struct ec_stripes stripes = stripes_of(row);
    uint8_t *sealed = malloc(stripes.sealed_size);
    size_t size = 0;
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        for (unsigned slot = 0; slot < row->k; slot++) {
            const size_t used = ec_stripes_cell_used(&stripes, stripe, slot);
            assert_true(cell_of(world, row, slot, stripe).size >= used);
            memcpy(sealed + size, cell_of(world, row, slot, stripe).bytes, used);
            size += used;
        }
    }
    assert_int_equal(size, stripes.sealed_size);
    return sealed;
}

void recode_world_assert_same_bytes(struct plan_world *world, unsigned index)
{
    const struct meta_segment now = move_world_row(world_of(world), index);
    uint8_t *before = sealed_of(world, &world_of(world)->rows[index]);
    uint8_t *after = sealed_of(world, &now);
    assert_memory_equal(before, after, stripes_of(&now).sealed_size);
    free(before);
    free(after);
}

/* Slots whose every cell is there and fits its tag. */
struct ec_slots recode_world_good(struct plan_world *world, const struct meta_segment *row)
{
    const struct ec_stripes stripes = stripes_of(row);
    struct ec_slots good = {{0}};
    struct verify_key vk;
    memcpy(vk.bytes, row->vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    for (unsigned slot = 0; slot < row->n; slot++) {
        bool fits = row->holders[slot].node != 0;
        for (unsigned stripe = 0; fits && stripe < stripes.stripe_count; stripe++) {
            const size_t size = ec_stripes_cell_size(&stripes, stripe);
            const struct view cell = cell_of(world, row, slot, stripe);
            fits = cell.size == size + EC_CELL_TAG_SIZE &&
                shard_tag_fits(tagger, slot, stripe, view_of(cell.bytes, size), cell.bytes + size);
        }
        if (fits) {
            ec_slots_add(&good, slot);
        }
    }
    shard_tagger_destroy(tagger);
    return good;
}

/* Parity is what the data gives by the code that the row names. */
static void assert_coded(struct plan_world *world, const struct meta_segment *row)
{
    const struct ec_stripes stripes = stripes_of(row);
    struct ec_codec *codec;
    struct hearth_err err;
    uint8_t *cells[EC_SLOTS_MAX];
    assert_ok(ec_codec_create((unsigned)row->codec, row->k, row->n, &codec, &err), &err);
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        const size_t size = ec_stripes_cell_size(&stripes, stripe);
        for (unsigned slot = 0; slot < row->n; slot++) {
            cells[slot] = malloc(size);
            if (slot < row->k) {
                memcpy(cells[slot], cell_of(world, row, slot, stripe).bytes, size);
            }
        }
        ec_codec_encode(codec, size, cells);
        for (unsigned slot = 0; slot < row->n; slot++) {
            assert_memory_equal(cells[slot], cell_of(world, row, slot, stripe).bytes, size);
            free(cells[slot]);
        }
    }
    ec_codec_destroy(codec);
}

/* D7 */
static void look(struct fake_net *net, void *context)
{
    (void)net;
    struct plan_world *world = context;
    const unsigned index = world->looked++ % world_of(world)->row_count;
    const struct meta_segment row = move_world_row(world_of(world), index);
    assert_int_equal(ec_slots_count(recode_world_good(world, &row)), row.n);
    if (world->meanwhile != NULL && world->calls_before_meanwhile-- == 0) {
        void (*meanwhile)(struct plan_world *) = world->meanwhile;
        world->meanwhile = NULL;
        meanwhile(world);
    }
}

/* ---- a life ---- */

int recode_world_set_up(void **state)
{
    struct plan_world *world = calloc(1, sizeof(*world));
    move_world_init(world_of(world), RECODE_WORLD_NODES, RECODE_WORLD_NODES);
    for (unsigned i = 0; i < RECODE_WORLD_OBJECTS; i++) {
        move_world_upload(world_of(world));
    }
    world->at.net.at_open = look;
    world->at.net.at_open_context = world;
    *state = world;
    return 0;
}

void recode_world_set_profile(struct plan_world *world, const char *name)
{
    const struct meta_bucket_settings settings = {
        .profile = profile_by_name(view_text(name))->number};
    assert_ok(meta_bucket_set(plan_world_store_of(world), world->at.customer.bucket, &settings,
                  META_SET_PROFILE, plan_world_err_of(world)),
        plan_world_err_of(world));
}

/* The bucket has that profile from now on, and a plan for what it has is worked out. */
void recode_world_plan(struct plan_world *world, const char *profile, uint64_t bytes_max)
{
    recode_world_set_profile(world, profile);
    struct meta_rebalance plan = {.kind = REBALANCE_RECODE,
        .profile = profile_by_name(view_text(profile))->number,
        .bytes_max = bytes_max};
    snprintf(plan.subject, sizeof(plan.subject), "%.*s", VIEW_ARGS(world->at.customer.bucket));
    assert_ok(
        meta_rebalance_create(plan_world_store_of(world), &plan, NULL, 0, plan_world_err_of(world)),
        plan_world_err_of(world));
    world->plan = plan.number;
    plan_world_run_round(world);
}

void recode_world_start(struct plan_world *world, const char *profile)
{
    recode_world_plan(world, profile, 0);
    assert_ok(plan_world_command(world, META_REBALANCE_APPLY), plan_world_err_of(world));
}

unsigned recode_world_count(struct plan_world *world, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->at.row_count; i++) {
        count += move_world_row(&world->at, i).profile == profile_by_name(view_text(name))->number;
    }
    return count;
}

void recode_world_assert_all(struct plan_world *world, const char *name)
{
    const struct profile *profile = profile_by_name(view_text(name));
    for (unsigned i = 0; i < world->at.row_count; i++) {
        const struct meta_segment row = move_world_row(&world->at, i);
        assert_int_equal(row.profile, profile->number);
        assert_int_equal(row.k, profile->k);
        assert_int_equal(row.n, profile->n);
        assert_int_equal(ec_slots_count(recode_world_good(world, &row)), row.n);
        assert_coded(world, &row);
        recode_world_assert_same_bytes(world, i);
    }
}
