#include "coordinator/garbage/reconcile_inquiry.h"

#include "common/cleanup.h"
#include "coordinator/cluster.h"
#include "coordinator/duty.h"
#include "coordinator/fleet/node_inventory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void reconcile_inquiry_init(struct reconcile_inquiry *inquiry, struct coordinator *coordinator)
{
    *inquiry = (struct reconcile_inquiry){.coordinator = coordinator};
    shipment_keys_init(&inquiry->shipments, coordinator->cluster->master);
}

void reconcile_inquiry_fini(struct reconcile_inquiry *inquiry)
{
    shipment_keys_fini(&inquiry->shipments);
}

/* ---- listing ---- */

/* One run of ranges of one node. */
struct listing {
    const struct reconcile_inquiry *inquiry;
    struct reconcile_turn *turn;
    uint32_t end; /* range */
    struct hearth_err err;
    struct meta_listed_shard shards[META_RECONCILE_MAX];
    size_t count;
};
static_assert((int)META_RECONCILE_MAX == (int)WIRE_SHARD_PAGE_MAX, "a page is judged at once");

/* False: nobody with our keys made it, or it carries metadata, which has its own book-keeping. */
static bool open_entry(const struct reconcile_inquiry *inquiry,
    const struct wire_shard_entry *entry, struct meta_listed_shard *out)
{
    struct shard_name name;
    struct shard_place place;
    struct shipment_name shipment;
    memcpy(name.id, entry->shard_id.bytes, sizeof(name.id));
    memcpy(name.locator, entry->locator.bytes, sizeof(name.locator));
    if (!shard_name_open(&inquiry->coordinator->names, &name, &place) ||
        shipment_name_open(&inquiry->shipments, place.segment, &shipment)) {
        return false;
    }
    *out = (struct meta_listed_shard){.slot = place.slot,
        .p = place.p,
        .stored_ms = entry->stored_unix_ms,
        .length = entry->length,
        .is_trash = entry->state == WIRE_SHARD_TRASH};
    memcpy(out->segment.bytes, place.segment, sizeof(place.segment));
    return true;
}

/* Wanted, and on its way out of the disk: it is made anew while it can still be read. */
static enum hearth_code rescue_trash(
    struct listing *listing, const struct meta_listed_shard *shard, struct hearth_err *err)
{
    struct meta_damaged_shard damaged = {
        .segment = shard->segment, .slot = shard->slot, .p = shard->p};
    listing->turn->done.wanted_in_trash++;
    return meta_damage_note(
        listing->inquiry->coordinator->store, listing->turn->shards.node, &damaged, 1, err);
}

static enum hearth_code judge_page(struct listing *listing, struct hearth_err *err)
{
    struct meta_reconciled *done = &listing->turn->done;
    enum hearth_code code = meta_reconcile_judge(listing->inquiry->coordinator->store,
        listing->turn->shards.node, listing->shards, listing->count, err);
    for (size_t i = 0; code == HEARTH_OK && i < listing->count; i++) {
        const struct meta_listed_shard *shard = &listing->shards[i];
        bool is_wanted = shard->verdict == META_SHARD_WANTED;
        done->shards++;
        done->ahead += shard->verdict == META_SHARD_AHEAD;
        done->unwanted += shard->verdict == META_SHARD_UNWANTED && !shard->is_trash;
        if (is_wanted && shard->is_trash) {
            code = rescue_trash(listing, shard, err);
        }
    }
    listing->count = 0;
    return code;
}

/* Adds what lies before the end of the run. False: this one does not. */
static bool take_entry(struct listing *listing, const struct wire_shard_entry *entry)
{
    uint32_t range = reconcile_range(entry->shard_id.bytes);
    if (range >= listing->end) {
        return false;
    }
    bool is_trash = entry->state == WIRE_SHARD_TRASH;
    if (!is_trash && !reconcile_saw(&listing->turn->shards, entry->shard_id.bytes)) {
        reconcile_give_up_from(&listing->turn->shards, range);
        return false;
    }
    listing->count += open_entry(listing->inquiry, entry, &listing->shards[listing->count]);
    return true;
}

static bool take_page(void *context, const struct wire_shard_page *page)
{
    struct listing *listing = context;
    bool goes_on = true;
    for (size_t i = 0; i < page->shards_count && goes_on; i++) {
        goes_on = take_entry(listing, &page->shards[i]);
    }
    if (duty_is_stopping(listing->inquiry->round)) {
        hearth_fail(&listing->err, HEARTH_CANCELLED, "the coordinator is being stopped");
        return false;
    }
    return judge_page(listing, &listing->err) == HEARTH_OK && goes_on;
}

static enum hearth_code list_run(const struct reconcile_inquiry *inquiry,
    struct reconcile_turn *turn, uint32_t first, uint32_t end, struct hearth_err *err)
{
    uint8_t before[RECONCILE_ID_SIZE];
    struct listing listing = {
        .inquiry = inquiry, .turn = turn, .end = end, .err = {.code = HEARTH_OK}};
    struct wire_list_shards_request request = {.max = 0};
    if (reconcile_before(first, before)) {
        request.after = view_of(before, sizeof(before));
    }
    enum hearth_code code = node_inventory_list_blocking(
        inquiry->coordinator->inventory, turn->shards.node, &request, take_page, &listing, err);
    if (code == HEARTH_OK && listing.err.code != HEARTH_OK) {
        *err = listing.err;
        code = err->code;
    }
    return code;
}

enum hearth_code reconcile_list_blocking(
    const struct reconcile_inquiry *inquiry, struct reconcile_turn *turn, struct hearth_err *err)
{
    FREES struct wire_shard_digest *sums = calloc(RECONCILE_RANGES, sizeof(*sums));
    const struct wire_digest_shards_request all = {
        .bits = RECONCILE_BITS, .count = RECONCILE_RANGES};
    if (sums == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "sums");
    }
    enum hearth_code code = node_inventory_digest_blocking(
        inquiry->coordinator->inventory, turn->shards.node, &all, sums, err);
    uint32_t first = 0;
    uint32_t end;
    if (code == HEARTH_OK) {
        reconcile_compare(&turn->shards, sums);
    }
    while (code == HEARTH_OK && reconcile_next_run(&turn->shards, &first, &end)) {
        code = list_run(inquiry, turn, first, end, err);
        first = end;
    }
    return code;
}

/* ---- what was not on the list, asked for by name ---- */

struct found {
    const uint8_t *id;
    bool is_live;
};

static bool take_one(void *context, const struct wire_shard_page *page)
{
    struct found *found = context;
    if (page->shards_count > 0) {
        found->is_live = page->shards[0].state == WIRE_SHARD_LIVE &&
            memcmp(page->shards[0].shard_id.bytes, found->id, RECONCILE_ID_SIZE) == 0;
    }
    return page->shards_count == 0 && !page->is_last;
}

/* The id before this one. False: there is none. */
static bool id_before(const uint8_t id[RECONCILE_ID_SIZE], uint8_t out[RECONCILE_ID_SIZE])
{
    memcpy(out, id, RECONCILE_ID_SIZE);
    for (unsigned i = RECONCILE_ID_SIZE; i-- > 0;) {
        if (out[i]-- != 0) {
            return true;
        }
    }
    return false;
}

enum hearth_code reconcile_check_blocking(const struct reconcile_inquiry *inquiry,
    struct reconcile_turn *turn, struct reconcile_candidate *candidate, struct hearth_err *err)
{
    struct shard_name name;
    uint8_t before[RECONCILE_ID_SIZE];
    struct shard_place place = {.slot = candidate->shard.slot, .p = candidate->shard.p};
    memcpy(place.segment, candidate->shard.segment.bytes, sizeof(place.segment));
    shard_name_make(&inquiry->coordinator->names, &place, &name);
    struct found found = {.id = name.id};
    struct wire_list_shards_request request = {.max = 1};
    if (id_before(name.id, before)) {
        request.after = view_of(before, sizeof(before));
    }
    enum hearth_code code = node_inventory_list_blocking(
        inquiry->coordinator->inventory, candidate->node, &request, take_one, &found, err);
    if (code == HEARTH_OK && !found.is_live) {
        code = meta_damage_note(
            inquiry->coordinator->store, candidate->node, &candidate->shard, 1, err);
    }
    if (code == HEARTH_OK && candidate->shard.is_noted) {
        turn->done.missing++;
    }
    return code;
}
