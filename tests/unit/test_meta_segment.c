/*
 * meta_segment: offers are durable and end in one place, receipts are weighed one by one, holders
 * change by compare-and-swap.
 */
#include "coordinator/meta/meta_segment.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

enum { NODES = 24, SLOTS = 8, NEEDED = 6 };

/* One upload with one open segment. */
struct upload {
    struct meta_intent intent;
    struct meta_id segment;
    struct meta_offers offers;
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
};

static void upload_open(struct test_meta *meta, struct upload *upload)
{
    upload->intent = test_meta_begin(meta, "k");
    upload->segment = test_meta_id(meta);
    upload->offers = test_meta_open_segment(meta, upload->intent.id, upload->segment);
}

/* With receipts of the first `count` slots. */
static enum hearth_code upload_seal(struct test_meta *meta, struct upload *upload, size_t count)
{
    struct meta_seal seal = test_meta_seal(
        upload->intent.id, upload->segment, &upload->offers, count, upload->receipts);
    return meta_seal(meta->store, &seal, &upload->result, &meta->err);
}

static enum hearth_code offer_slot(struct test_meta *meta, const struct upload *upload,
    uint16_t slot, uint32_t node, struct meta_offers *out)
{
    struct meta_offer_slot request = {
        .intent = upload->intent.id, .segment = upload->segment, .slot = slot, .node = node};
    return meta_offer_slot(meta->store, &request, out, &meta->err);
}

static enum hearth_code add_holders(struct test_meta *meta, struct upload *upload,
    const struct meta_receipt *receipts, size_t count)
{
    struct meta_add_holders add = {.segment = upload->segment,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = count};
    return meta_add_holders(meta->store, &add, &upload->result, &meta->err);
}

static struct meta_receipt receipt_of(const struct meta_offers *offers, size_t index)
{
    const struct meta_offer *offer = &offers->offers[index];
    return (struct meta_receipt){offer->slot, offer->p, offer->node, TEST_META_SHARD_LENGTH};
}

static struct meta_segment segment_now(struct test_meta *meta, struct meta_id id)
{
    struct meta_segment segment;
    assert_ok(meta_segment_get(meta->store, id, &segment, &meta->err), &meta->err);
    return segment;
}

/* ---- open ---- */

static void opening_again_renews_the_same_offers(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    upload_open(meta, &upload);
    assert_int_equal(upload.offers.count, SLOTS);
    assert_int_equal(upload.offers.expires_ms, meta_now_ms(meta->store) + META_ORDER_MS);
    test_env_step_ms(&meta->env, 1000);
    struct meta_offers again = test_meta_open_segment(meta, upload.intent.id, upload.segment);
    assert_int_equal(again.expires_ms, upload.offers.expires_ms + 1000);
    assert_int_equal(again.count, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_int_equal(again.offers[i].slot, i);
        assert_int_equal(again.offers[i].p, 1);
        assert_int_equal(again.offers[i].node, i + 1);
    }
    struct meta_offers spare;
    assert_ok(offer_slot(meta, &upload, 3, 20, &spare), &meta->err);
    again = test_meta_open_segment(meta, upload.intent.id, upload.segment);
    assert_int_equal(again.count, SLOTS);
    assert_int_equal(again.offers[3].p, 2); /* the newest of the slot */
    assert_int_equal(again.offers[3].node, 20);
}

static enum hearth_code open_as(
    struct test_meta *meta, struct meta_id intent, struct meta_id segment, uint32_t first_node)
{
    struct meta_offer offers[SLOTS];
    struct meta_offers out;
    for (uint16_t slot = 0; slot < SLOTS; slot++) {
        offers[slot] = (struct meta_offer){.slot = slot, .node = first_node + slot};
    }
    struct meta_segment_open open = {.intent = intent,
        .segment = segment,
        .vk = {3},
        .k = 4,
        .n = SLOTS,
        .w = NEEDED,
        .offers = offers,
        .offer_count = SLOTS};
    return meta_segment_open(meta->store, &open, &out, &meta->err);
}

static void a_segment_id_belongs_to_who_opened_it(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    upload_open(meta, &upload);
    struct meta_intent other = test_meta_begin(meta, "other");
    assert_int_equal(open_as(meta, other.id, upload.segment, 1), HEARTH_CONFLICT);
    assert_ok(upload_seal(meta, &upload, SLOTS), &meta->err);
    assert_int_equal(open_as(meta, upload.intent.id, upload.segment, 1), HEARTH_CONFLICT);
    assert_int_equal(open_as(meta, test_meta_id(meta), test_meta_id(meta), 1), HEARTH_NOT_FOUND);
}

static void nodes_that_take_no_shards_get_no_offers(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    assert_ok(meta_node_set_state(meta->store, 5, META_NODE_DRAINING, &meta->err), &meta->err);
    assert_int_equal(open_as(meta, intent.id, test_meta_id(meta), 1), HEARTH_NOT_READY);
    assert_int_equal(open_as(meta, intent.id, test_meta_id(meta), 20), HEARTH_NOT_READY);
    assert_ok(open_as(meta, intent.id, test_meta_id(meta), 6), &meta->err);
}

static void an_ended_intent_opens_nothing(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    struct meta_offers offers;
    upload_open(meta, &upload);
    assert_ok(meta_abort(meta->store, upload.intent.id, &meta->err), &meta->err);
    assert_int_equal(open_as(meta, upload.intent.id, test_meta_id(meta), 1), HEARTH_EXPIRED);
    assert_int_equal(open_as(meta, upload.intent.id, upload.segment, 1), HEARTH_EXPIRED);
    assert_int_equal(offer_slot(meta, &upload, 0, 20, &offers), HEARTH_EXPIRED);
    assert_int_equal(upload_seal(meta, &upload, SLOTS), HEARTH_EXPIRED);
}

/* ---- spares ---- */

static void each_spare_is_a_new_placement_and_they_have_an_end(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    struct meta_offers spare;
    upload_open(meta, &upload);
    for (uint16_t i = 1; i < META_OFFERS_PER_SLOT_MAX; i++) {
        assert_ok(offer_slot(meta, &upload, 2, 10u + i, &spare), &meta->err);
        assert_int_equal(spare.count, 1);
        assert_int_equal(spare.offers[0].slot, 2);
        assert_int_equal(spare.offers[0].p, i + 1);
    }
    assert_int_equal(offer_slot(meta, &upload, 2, 20, &spare), HEARTH_BUSY);
    assert_int_equal(offer_slot(meta, &upload, SLOTS, 20, &spare), HEARTH_INVALID);
    upload.intent.id = test_meta_id(meta);
    assert_int_equal(offer_slot(meta, &upload, 3, 20, &spare), HEARTH_NOT_FOUND);
}

static void a_sealed_segment_takes_spares_for_its_empty_slots(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    struct meta_offers spare;
    upload_open(meta, &upload);
    assert_ok(upload_seal(meta, &upload, NEEDED), &meta->err);
    assert_int_equal(offer_slot(meta, &upload, 0, 20, &spare), HEARTH_EXISTS);
    assert_ok(offer_slot(meta, &upload, 7, 20, &spare), &meta->err);
    struct meta_receipt receipt = receipt_of(&spare, 0);
    assert_ok(add_holders(meta, &upload, &receipt, 1), &meta->err);
    assert_int_equal(upload.result.holders, NEEDED + 1);
    assert_int_equal(segment_now(meta, upload.segment).holders[7].p, spare.offers[0].p);
}

/* ---- seal ---- */

static void w_good_receipts_seal_and_fewer_do_not(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    upload_open(meta, &upload);
    assert_int_equal(upload_seal(meta, &upload, NEEDED - 1), HEARTH_SHARDS_LOST);
    struct meta_segment segment;
    assert_int_equal(
        meta_segment_get(meta->store, upload.segment, &segment, &meta->err), HEARTH_NOT_FOUND);
    assert_ok(upload_seal(meta, &upload, NEEDED), &meta->err);
    assert_int_equal(upload.result.holders, NEEDED);
    assert_int_equal(upload.result.bad_count, 0);

    segment = segment_now(meta, upload.segment);
    assert_int_equal(segment.generation, 1);
    assert_int_equal(segment.refs, 0);
    assert_int_equal(segment.length, 1000);
    assert_int_equal(segment.holders[5].node, 6);
    assert_int_equal(segment.holders[6].node, 0);

    assert_ok(upload_seal(meta, &upload, SLOTS), &meta->err); /* a retry changes nothing */
    assert_int_equal(upload.result.holders, NEEDED);
    assert_int_equal(segment_now(meta, upload.segment).generation, 1);
    struct meta_seal other =
        test_meta_seal(upload.intent.id, upload.segment, &upload.offers, SLOTS, upload.receipts);
    other.length++;
    assert_int_equal(meta_seal(meta->store, &other, &upload.result, &meta->err), HEARTH_CONFLICT);
}

static void one_bad_receipt_never_sinks_the_others(void **state)
{
    struct test_meta *meta = *state;
    static const struct {
        struct meta_receipt wrong;
        enum hearth_code code;
    } cases[] = {
        {{SLOTS, 1, 1, TEST_META_SHARD_LENGTH}, HEARTH_INVALID},
        {{0, 2, 1, TEST_META_SHARD_LENGTH}, HEARTH_NOT_FOUND},
        {{0, 1, 2, TEST_META_SHARD_LENGTH}, HEARTH_DENIED},
        {{0, 1, 1, TEST_META_SHARD_LENGTH - 1}, HEARTH_CHECKSUM},
        {{1, 1, 2, TEST_META_SHARD_LENGTH}, HEARTH_EXISTS}, /* slot 1 a second time */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct upload upload;
        upload_open(meta, &upload);
        struct meta_seal seal = test_meta_seal(
            upload.intent.id, upload.segment, &upload.offers, SLOTS, upload.receipts);
        upload.receipts[0] = upload.receipts[1];
        upload.receipts[1] = cases[i].wrong;
        assert_ok(meta_seal(meta->store, &seal, &upload.result, &meta->err), &meta->err);
        assert_int_equal(upload.result.holders, SLOTS - 1);
        assert_int_equal(upload.result.bad_count, 1);
        assert_int_equal(upload.result.bad[0].slot, cases[i].wrong.slot);
        assert_int_equal(upload.result.bad[0].code, cases[i].code);
        assert_non_null(upload.result.bad[0].reason);
    }
}

static void bad_receipts_are_told_when_too_few_are_good(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    upload_open(meta, &upload);
    struct meta_seal seal =
        test_meta_seal(upload.intent.id, upload.segment, &upload.offers, SLOTS, upload.receipts);
    for (size_t i = 0; i < 3; i++) {
        upload.receipts[i].shard_length = 1;
    }
    assert_int_equal(meta_seal(meta->store, &seal, &upload.result, &meta->err), HEARTH_SHARDS_LOST);
    assert_int_equal(upload.result.bad_count, 3);
    for (uint16_t i = 0; i < 3; i++) {
        assert_int_equal(upload.result.bad[i].slot, i);
        assert_int_equal(upload.result.bad[i].code, HEARTH_CHECKSUM);
    }
}

/* A node more, whose owner is that of node 1 or whose network is that of node 1. */
static uint32_t enrol_relative(struct test_meta *meta, uint8_t id, bool same_owner)
{
    struct meta_id token = test_meta_id(meta);
    struct meta_invite invite = {.class = META_CLASS_NODE,
        .owner = view_text(same_owner ? "owner 1" : "relative"),
        .expires_ms = UINT32_MAX * 1000ull};
    struct meta_enrol enrol = {
        .principal = {{200, id}}, .observed = {{4, 0, same_owner ? 200 : 1}}};
    struct meta_enrolled enrolled;
    memcpy(invite.token_hash, token.bytes, sizeof(token.bytes));
    memcpy(enrol.token_hash, token.bytes, sizeof(token.bytes));
    assert_ok(meta_invite_put(meta->store, &invite, &meta->err), &meta->err);
    assert_ok(meta_enrol(meta->store, &enrol, &enrolled, &meta->err), &meta->err);
    return enrolled.node;
}

static void holders_never_share_owner_or_network(void **state)
{
    struct test_meta *meta = *state;
    for (uint8_t same_owner = 0; same_owner < 2; same_owner++) {
        uint32_t relative = enrol_relative(meta, same_owner, same_owner != 0);
        struct upload upload;
        struct meta_offers spare;
        upload_open(meta, &upload);
        assert_ok(offer_slot(meta, &upload, 7, relative, &spare), &meta->err);
        struct meta_seal seal = test_meta_seal(
            upload.intent.id, upload.segment, &upload.offers, SLOTS, upload.receipts);
        upload.receipts[7] = receipt_of(&spare, 0);
        assert_ok(meta_seal(meta->store, &seal, &upload.result, &meta->err), &meta->err);
        assert_int_equal(upload.result.holders, SLOTS - 1);
        assert_int_equal(upload.result.bad[0].code, HEARTH_CONFLICT);
        assert_int_equal(upload.result.bad[0].slot, 7);
    }
}

/* ---- late receipts ---- */

static void late_receipts_fill_empty_slots_until_their_orders_expire(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    upload_open(meta, &upload);
    assert_ok(upload_seal(meta, &upload, NEEDED), &meta->err);
    struct meta_receipt late[] = {receipt_of(&upload.offers, 0), receipt_of(&upload.offers, 6)};
    test_env_step_ms(&meta->env, META_ORDER_MS);
    assert_ok(add_holders(meta, &upload, late, 2), &meta->err);
    assert_int_equal(upload.result.bad_count, 1);
    assert_int_equal(upload.result.bad[0].slot, 0);
    assert_int_equal(upload.result.holders, NEEDED + 1);
    assert_int_equal(upload.result.generation, 2);

    test_env_step_ms(&meta->env, 1);
    late[0] = receipt_of(&upload.offers, 7);
    assert_ok(add_holders(meta, &upload, late, 1), &meta->err);
    assert_int_equal(upload.result.bad[0].code, HEARTH_EXPIRED);
    assert_int_equal(upload.result.generation, 2);
    upload.segment = test_meta_id(meta);
    assert_int_equal(add_holders(meta, &upload, late, 1), HEARTH_NOT_FOUND);
}

/* ---- the sweep and repair ---- */

static void the_sweep_meets_every_segment_once_in_id_order(void **state)
{
    enum { SEGMENTS = 10, BATCH = 3 };
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    for (unsigned i = 0; i < SEGMENTS; i++) {
        test_meta_sealed_segment(meta, intent.id);
    }
    struct meta_segment batch[BATCH];
    struct meta_id after = {{0}};
    size_t count = BATCH;
    unsigned met = 0;
    while (count == BATCH) {
        assert_ok(meta_sweep(meta->store, after, batch, BATCH, &count, &meta->err), &meta->err);
        for (size_t i = 0; i < count; i++) {
            assert_true(memcmp(&after, &batch[i].id, sizeof(after)) < 0);
            after = batch[i].id;
            met++;
        }
    }
    assert_int_equal(met, SEGMENTS);
}

static struct meta_offers repair_offers(struct test_meta *meta, const struct meta_segment *segment,
    const struct meta_offer *wanted, size_t count)
{
    struct meta_repair_offer request = {.segment = segment->id,
        .generation = segment->generation,
        .offers = wanted,
        .offer_count = count};
    struct meta_offers offers;
    assert_ok(meta_repair_offer(meta->store, &request, &offers, &meta->err), &meta->err);
    return offers;
}

static enum hearth_code repair_apply(struct test_meta *meta, const struct meta_segment *segment,
    const struct meta_receipt *receipts, size_t count, struct meta_seal_result *out)
{
    struct meta_repair_apply request = {.segment = segment->id,
        .generation = segment->generation,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = count};
    return meta_repair_apply(meta->store, &request, out, &meta->err);
}

static void repair_replaces_exactly_the_slots_it_proved(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id id;
    test_meta_upload(meta, "k", &id);
    struct meta_segment before = segment_now(meta, id);
    const struct meta_offer wanted[] = {{.slot = 2, .node = 10}, {.slot = 4, .node = 11}};
    struct meta_offers offers = repair_offers(meta, &before, wanted, 2);
    assert_int_equal(offers.offers[0].p, 2);

    struct meta_receipt receipts[] = {receipt_of(&offers, 0), receipt_of(&offers, 1)};
    receipts[1].shard_length = 1;
    struct meta_seal_result result;
    assert_ok(repair_apply(meta, &before, receipts, 2, &result), &meta->err);
    assert_int_equal(result.bad_count, 1);
    assert_int_equal(result.generation, 2);
    struct meta_segment after = segment_now(meta, id);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        assert_int_equal(after.holders[slot].node, slot == 2 ? 10 : before.holders[slot].node);
        assert_int_equal(after.holders[slot].p, slot == 2 ? 2 : 1);
    }

    /* what was replaced is named dead, once nobody can be reading it */
    struct meta_id dead[4];
    test_meta_collect(meta);
    assert_int_equal(test_meta_dead(meta, 3, dead, 4), 0);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_int_equal(test_meta_dead(meta, 3, dead, 4), 1);
    assert_true(meta_id_equal(dead[0], test_meta_shard_id(meta, id, 2, 1)));
}

/* A shard that was made twice has one holder; the other copy is garbage, not what held the slot. */
static void of_two_receipts_for_a_slot_one_counts(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id id;
    test_meta_upload(meta, "k", &id);
    struct meta_segment before = segment_now(meta, id);
    const struct meta_offer first[] = {{.slot = 2, .node = 10}};
    const struct meta_offer second[] = {{.slot = 2, .node = 11}};
    struct meta_offers offers = repair_offers(meta, &before, first, 1);
    struct meta_offers again = repair_offers(meta, &before, second, 1);
    struct meta_receipt receipts[] = {receipt_of(&offers, 0), receipt_of(&again, 0)};
    struct meta_seal_result result;
    assert_ok(repair_apply(meta, &before, receipts, 2, &result), &meta->err);
    assert_int_equal(result.bad_count, 1);
    assert_int_equal(result.bad[0].code, HEARTH_EXISTS);
    struct meta_segment after = segment_now(meta, id);
    assert_int_equal(after.holders[2].node, 10);
    assert_int_equal(after.holders[2].p, offers.offers[0].p);
}

static void of_two_repairs_the_second_finds_the_holders_changed(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id id;
    test_meta_upload(meta, "k", &id);
    struct meta_segment before = segment_now(meta, id);
    const struct meta_offer first[] = {{.slot = 2, .node = 10}};
    const struct meta_offer second[] = {{.slot = 2, .node = 11}};
    struct meta_offers first_offers = repair_offers(meta, &before, first, 1);
    struct meta_offers second_offers = repair_offers(meta, &before, second, 1);
    struct meta_receipt receipt = receipt_of(&first_offers, 0);
    struct meta_seal_result result;
    assert_ok(repair_apply(meta, &before, &receipt, 1, &result), &meta->err);
    receipt = receipt_of(&second_offers, 0);
    assert_int_equal(repair_apply(meta, &before, &receipt, 1, &result), HEARTH_CONFLICT);
    struct meta_repair_offer stale = {
        .segment = id, .generation = before.generation, .offers = first, .offer_count = 1};
    assert_int_equal(
        meta_repair_offer(meta->store, &stale, &first_offers, &meta->err), HEARTH_CONFLICT);

    /* the loser's shard, if it was written, is garbage */
    struct meta_id dead[4];
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS);
    test_meta_collect(meta);
    assert_int_equal(test_meta_dead(meta, 11, dead, 4), 1);
    assert_int_equal(test_meta_dead(meta, 10, dead, 4), 0);
}

static void a_dying_segment_is_not_repaired(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id id;
    test_meta_upload(meta, "k", &id);
    test_meta_put_now(meta, "k", 1);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    test_meta_collect(meta);
    struct meta_segment segment = segment_now(meta, id);
    assert_true(segment.dying_ms > 0);
    const struct meta_offer wanted[] = {{.slot = 2, .node = 10}};
    struct meta_repair_offer request = {
        .segment = id, .generation = segment.generation, .offers = wanted, .offer_count = 1};
    struct meta_offers offers;
    assert_int_equal(
        meta_repair_offer(meta->store, &request, &offers, &meta->err), HEARTH_NOT_FOUND);
}

static void what_has_an_offer_or_a_slot_is_excluded_from_the_next_choice(void **state)
{
    struct test_meta *meta = *state;
    struct upload upload;
    struct meta_offers spare;
    struct meta_segment_nodes nodes;
    upload_open(meta, &upload);
    assert_ok(offer_slot(meta, &upload, 3, 20, &spare), &meta->err);
    for (int sealed = 0; sealed < 2; sealed++) {
        assert_ok(meta_segment_nodes(meta->store, upload.segment, &nodes, &meta->err), &meta->err);
        assert_int_equal(nodes.count, SLOTS + 1);
        assert_int_equal(nodes.profile, upload.offers.profile);
        assert_ok(upload_seal(meta, &upload, SLOTS), &meta->err);
    }
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, NODES)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(opening_again_renews_the_same_offers),
        IN_A_STORE(a_segment_id_belongs_to_who_opened_it),
        IN_A_STORE(nodes_that_take_no_shards_get_no_offers),
        IN_A_STORE(an_ended_intent_opens_nothing),
        IN_A_STORE(each_spare_is_a_new_placement_and_they_have_an_end),
        IN_A_STORE(a_sealed_segment_takes_spares_for_its_empty_slots),
        IN_A_STORE(w_good_receipts_seal_and_fewer_do_not),
        IN_A_STORE(one_bad_receipt_never_sinks_the_others),
        IN_A_STORE(bad_receipts_are_told_when_too_few_are_good),
        IN_A_STORE(holders_never_share_owner_or_network),
        IN_A_STORE(late_receipts_fill_empty_slots_until_their_orders_expire),
        IN_A_STORE(the_sweep_meets_every_segment_once_in_id_order),
        IN_A_STORE(repair_replaces_exactly_the_slots_it_proved),
        IN_A_STORE(of_two_receipts_for_a_slot_one_counts),
        IN_A_STORE(of_two_repairs_the_second_finds_the_holders_changed),
        IN_A_STORE(a_dying_segment_is_not_repaired),
        IN_A_STORE(what_has_an_offer_or_a_slot_is_excluded_from_the_next_choice),
    };
    return cmocka_run_group_tests_name("meta_segment", tests, NULL, NULL);
}
