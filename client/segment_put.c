#include "client/segment_put.h"

#include "client/put_pace.h"
#include "client/put_spares.h"
#include "common/codec.h"

enum {
    MS = 1000000, /* nanoseconds */

    /* A stopped process, a link that is gone: nothing moves.  A cell over the slowest line we care
     * for (64 kbit/s) takes 8 s. */
    SILENCE_MS = 30 * 1000,
    OPEN_PATIENCE_MS = 3000, /* for a fleet that is just coming up */
};

struct segment_put {
    /* Set once. */
    struct transfer *transfer;
    struct view intent_id;
    struct arena arena; /* offers */
    struct seal_writer *seal;
    struct verify_key verify_key;
    struct segment_image *image;
    unsigned slot_count;   /* n */
    unsigned receipts_min; /* w */
    uint64_t window_bytes;
    uint64_t started_ns;

    struct put_holder *holders; /* slot_count */
    struct put_spares spares;
    struct put_pace pace;
    uint64_t spares_asked_ns; /* when those in the way were to make room last; 0: never */
    bool is_finishing;        /* the pace was told that no stripe follows */
    bool is_acknowledged;
    uint64_t acknowledged_ns;
    struct ec_slots told; /* slots whose receipts the coordinator has had */
};

/* ---- counting ---- */

static unsigned count_holders(
    const struct segment_put *put, bool (*is_counted)(const struct put_holder *holder))
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        count += is_counted(&put->holders[slot]);
    }
    return count;
}

static bool is_stored(const struct put_holder *holder)
{
    return holder->state == PUT_HOLDER_STORED;
}

static bool is_hopeful(const struct put_holder *holder)
{
    return put_holder_is_moving(holder) || is_stored(holder);
}

static bool is_doing_well(const struct put_holder *holder)
{
    return segment_image_has_ended(holder->image) ? is_stored(holder) : put_holder_is_ahead(holder);
}

/* The first stripe that some holder still needs; what spares that catch up need is kept. */
static unsigned low_water(const struct segment_put *put)
{
    unsigned lowest = segment_image_stripes(put->image);
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        const struct put_holder *holder = &put->holders[slot];
        if (put_holder_is_moving(holder) && !holder->is_catching_up &&
            put_holder_position(holder) < lowest) {
            lowest = put_holder_position(holder);
        }
    }
    return lowest;
}

/* Whether the next stripe fits while somebody still needs those from `position` on. */
static bool fits_window(const struct segment_put *put, unsigned position)
{
    uint64_t stripes = segment_image_stripes(put->image) - position;
    uint64_t bytes = (stripes + 1) * segment_image_stripe_bytes(put->slot_count);
    return stripes == 0 || bytes <= put->window_bytes;
}

bool segment_put_has_room(const struct segment_put *put)
{
    return fits_window(put, low_water(put));
}

static bool is_in_the_way(const struct segment_put *put, const struct put_holder *holder)
{
    if (segment_image_has_ended(put->image)) {
        return put_holder_is_moving(holder);
    }
    return put_holder_is_moving(holder) && !holder->is_catching_up &&
        !fits_window(put, put_holder_position(holder));
}

/* ---- spares ---- */

/* It was not found at one of its addresses, and may well answer at this one. */
static bool is_tried_elsewhere(
    const struct put_holder *holder, const struct wire_placement *placement)
{
    return placement != NULL &&
        view_equal(placement->node->node_id, holder->placement->node->node_id);
}

/* A lost slot gets another node, if its cells are still there and there is one. */
static void replace(struct segment_put *put, struct put_holder *holder)
{
    const struct wire_placement *placement = NULL;
    if (segment_image_is_whole(put->image) && !put->is_acknowledged) {
        placement = put_spares_replace(&put->spares, holder);
    }
    if (!is_tried_elsewhere(holder, placement)) {
        put_spares_note_health(&put->spares, holder);
    }
    if (placement == NULL) {
        put_holder_vacate(holder);
    } else {
        put_holder_open(holder, placement);
        put_holder_feed(holder);
    }
}

static void replace_lost(struct segment_put *put)
{
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        if (put->holders[slot].state == PUT_HOLDER_LOST) {
            replace(put, &put->holders[slot]);
        }
    }
}

/* ---- opening ---- */

static bool is_in_good_standing(struct segment_put *put, const struct wire_placement *placement)
{
    struct node_health *health = &put->transfer->session->health;
    return node_health_of(health, placement->node->node_id) == NODE_GOOD;
}

/* Who was bad a moment ago is passed over for a spare, or for nobody while w others are there. */
static void open_holders(struct segment_put *put, const struct wire_open_segment_reply *reply)
{
    unsigned good = 0;
    for (size_t i = 0; i < reply->placements_count; i++) {
        good += is_in_good_standing(put, &reply->placements[i]);
    }
    for (size_t i = 0; i < reply->placements_count; i++) {
        const struct wire_placement *placement = &reply->placements[i];
        if (!is_in_good_standing(put, placement)) {
            put_spares_refuse(&put->spares, placement);
            const struct wire_placement *spare = put_spares_ask(&put->spares, placement->slot);
            if (spare == NULL && good >= put->receipts_min) {
                continue;
            }
            placement = spare != NULL ? spare : placement;
        }
        put_holder_open(&put->holders[placement->slot], placement);
    }
}

static enum hearth_code check_offers(
    const struct wire_open_segment_reply *reply, struct hearth_err *err)
{
    struct ec_slots seen = {{0}};
    bool fits = 0 < reply->k && reply->k < reply->n && reply->n <= EC_SLOTS_MAX &&
        reply->k <= reply->w && reply->w <= reply->n;
    for (size_t i = 0; fits && i < reply->placements_count; i++) {
        const struct wire_placement *placement = &reply->placements[i];
        fits = placement->slot < reply->n && !ec_slots_has(seen, placement->slot) &&
            placement->node != NULL && placement->order.size > 0;
        if (fits) {
            ec_slots_add(&seen, placement->slot);
        }
    }
    if (!fits) {
        return hearth_fail(err, HEARTH_INTERNAL, "the coordinator's offers make no sense");
    }
    if (reply->placements_count < reply->w) {
        return hearth_fail(err, HEARTH_FLEET_TOO_SMALL, "%zu of %u nodes offered, %u needed",
            reply->placements_count, reply->n, reply->w);
    }
    return HEARTH_OK;
}

static enum hearth_code ask_for_offers(struct segment_put *put, uint64_t length_max,
    struct wire_open_segment_reply *reply, struct hearth_err *err)
{
    uint8_t session_id[PKI_ID_SIZE];
    session_id_copy(put->transfer->session, session_id);
    const struct wire_open_segment_request request = {
        .intent_id = put->intent_id,
        .segment_id = view_of(segment_put_id(put), SEGMENT_ID_SIZE),
        .vk = view_of(put->verify_key.bytes, sizeof(put->verify_key.bytes)),
        .length_max = length_max,
        .session_id = view_of(session_id, sizeof(session_id)),
    };
    const struct ask ask = {
        .method = RPC_OPEN_SEGMENT,
        .request = &request,
        .patience_ms = OPEN_PATIENCE_MS,
        .cancel = put->transfer->control.cancel,
    };
    enum hearth_code code = session_ask(put->transfer->session, &ask, &put->arena, reply, err);
    return code == HEARTH_OK ? check_offers(reply, err) : hearth_err_prefix(err, "open segment");
}

/* n, k, w are known now: the image and a holder for each slot. */
static enum hearth_code make_image(struct segment_put *put,
    const struct wire_open_segment_reply *reply, const struct segment_put_options *options,
    struct hearth_err *err)
{
    const struct segment_image_options image_options = {
        .data_count = reply->k,
        .slot_count = reply->n,
        .pool = options->pool,
        .seal = put->seal,
        .verify_key = &put->verify_key,
        .plain_max = put->transfer->session->segment_plain_max,
        .keeps_data = options->keeps_data,
    };
    enum hearth_code code = segment_image_create(&image_options, &put->image, err);
    if (code != HEARTH_OK) {
        return code;
    }
    put->holders = calloc(reply->n, sizeof(*put->holders));
    if (put->holders == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%u holders", reply->n);
    }
    put->slot_count = reply->n;
    put->receipts_min = reply->w;
    for (unsigned slot = 0; slot < reply->n; slot++) {
        put_holder_init(&put->holders[slot], put->transfer, put->image, slot);
    }
    return HEARTH_OK;
}

enum hearth_code segment_put_open(
    const struct segment_put_options *options, struct segment_put **out, struct hearth_err *err)
{
    struct segment_put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "segment put");
    }
    struct env *env = options->transfer->session->env;
    put->transfer = options->transfer;
    put->intent_id = options->intent_id;
    put->window_bytes = options->window_bytes;
    arena_init(&put->arena, 0);
    put->seal = seal_writer_create(env, options->upload_key);
    env_random(env, put->verify_key.bytes, sizeof(put->verify_key.bytes));
    put->spares = (struct put_spares){
        .transfer = put->transfer,
        .arena = &put->arena,
        .intent_id = put->intent_id,
        .segment_id = view_of(segment_put_id(put), SEGMENT_ID_SIZE),
    };

    struct wire_open_segment_reply reply;
    enum hearth_code code = ask_for_offers(put, options->length_max, &reply, err);
    if (code == HEARTH_OK) {
        code = make_image(put, &reply, options, err);
    }
    if (code != HEARTH_OK) {
        segment_put_destroy(put);
        return code;
    }
    put->started_ns = env_now_ns(env);
    put_pace_init(&put->pace, reply.k, reply.w, put->started_ns);
    open_holders(put, &reply);
    *out = put;
    return HEARTH_OK;
}

void segment_put_destroy(struct segment_put *put)
{
    if (put == NULL) {
        return;
    }
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        struct put_holder *holder = &put->holders[slot];
        if (put->is_acknowledged && put_holder_is_moving(holder)) {
            put_holder_give_up(holder, HEARTH_BUSY, "slower than the others");
            put_spares_note_health(&put->spares, holder);
        }
        put_holder_fini(holder);
    }
    free(put->holders);
    segment_image_destroy(put->image);
    seal_writer_destroy(put->seal);
    arena_fini(&put->arena);
    crypto_wipe(put, sizeof(*put));
    free(put);
}

struct segment_image *segment_put_image(struct segment_put *put)
{
    return put->image;
}

const uint8_t *segment_put_id(const struct segment_put *put)
{
    return seal_writer_segment_id(put->seal);
}

/* ---- judging ---- */

static void cut_off(struct segment_put *put)
{
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        if (is_in_the_way(put, &put->holders[slot])) {
            put_holder_give_up(&put->holders[slot], HEARTH_BUSY, "slower than the others");
        }
    }
    replace_lost(put);
}

static void swap(
    struct segment_put *put, struct put_holder *holder, const struct wire_placement *spare)
{
    put_holder_give_up(holder, HEARTH_BUSY, "slower than the others");
    put_spares_note_health(&put->spares, holder);
    put_spares_refuse(&put->spares, holder->placement);
    put_holder_open(holder, spare);
    put_holder_feed(holder);
}

/* Each in the way makes room for a spare, if there is one; if not, it has until the next time. */
static void swap_slow_for_spares(struct segment_put *put, uint64_t now_ns)
{
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        struct put_holder *holder = &put->holders[slot];
        if (!is_in_the_way(put, holder)) {
            continue;
        }
        const struct wire_placement *spare =
            segment_image_is_whole(put->image) ? put_spares_ask(&put->spares, slot) : NULL;
        if (spare != NULL) {
            swap(put, holder, spare);
        } else if (holder->moved_ns < put->spares_asked_ns) {
            put_holder_give_up(holder, HEARTH_DEADLINE, "silent, and nobody to take its place");
        }
    }
    put->spares_asked_ns = now_ns;
    replace_lost(put);
}

static void lose_silent(struct segment_put *put, uint64_t now_ns)
{
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        struct put_holder *holder = &put->holders[slot];
        if (put_holder_owes(holder) && now_ns >= holder->moved_ns + SILENCE_MS * (uint64_t)MS) {
            put_holder_give_up(holder, HEARTH_DEADLINE, "silent for 30 s");
        }
    }
}

static void acknowledge(struct segment_put *put, uint64_t now_ns)
{
    assert(count_holders(put, is_stored) >= put->receipts_min); /* D1 */
    put->is_acknowledged = true;
    put->acknowledged_ns = now_ns;
}

static void judge(struct segment_put *put, uint64_t now_ns)
{
    bool has_ended = segment_image_has_ended(put->image);
    if (has_ended && !put->is_finishing) {
        put->is_finishing = true; /* from here on receipts count, and their grace is their own */
        put_pace_forgive(&put->pace);
    }
    unsigned moving = count_holders(put, put_holder_is_moving);
    bool is_stalled = has_ended ? moving > 0 : !segment_put_has_room(put);
    unsigned well = count_holders(put, is_doing_well);
    enum put_verdict verdict = put_pace_note(&put->pace, is_stalled, well, now_ns);
    if (has_ended && well >= put->receipts_min && (moving == 0 || verdict == PUT_CUT)) {
        acknowledge(put, now_ns);
    } else if (verdict == PUT_CUT) {
        cut_off(put);
    } else if (verdict == PUT_SPARE) {
        swap_slow_for_spares(put, now_ns);
        put_pace_forgive(&put->pace);
    }
}

/* Why it cannot be enough any more; one holder's story stands for all. */
static enum hearth_code fail_too_few(struct segment_put *put, struct hearth_err *err)
{
    unsigned hopeful = count_holders(put, is_hopeful);
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        const struct put_holder *holder = &put->holders[slot];
        if (!is_hopeful(holder) && holder->placement != NULL) {
            char node[2 * NODE_HEALTH_ID_SIZE + 1];
            hex_encode(holder->placement->node->node_id.bytes, NODE_HEALTH_ID_SIZE, node);
            return hearth_fail(err, HEARTH_FLEET_TOO_SMALL,
                "%u of %u nodes answered, %u needed (node %s: %s)", hopeful, put->slot_count,
                put->receipts_min, node, holder->err.message);
        }
    }
    return hearth_fail(err, HEARTH_FLEET_TOO_SMALL, "%u of %u nodes answered, %u needed", hopeful,
        put->slot_count, put->receipts_min);
}

enum hearth_code segment_put_step(struct segment_put *put, struct hearth_err *err)
{
    uint64_t now_ns = transfer_now_ns(put->transfer);
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        put_holder_feed(&put->holders[slot]);
    }
    segment_image_release(put->image, low_water(put));
    lose_silent(put, now_ns);
    replace_lost(put);
    if (!put->is_acknowledged) {
        judge(put, now_ns);
    }
    if (count_holders(put, is_hopeful) < put->receipts_min) {
        return fail_too_few(put, err);
    }
    return HEARTH_OK;
}

uint64_t segment_put_step_due_ns(const struct segment_put *put)
{
    uint64_t due_ns = put->is_acknowledged ? UINT64_MAX : put_pace_due_ns(&put->pace);
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        const struct put_holder *holder = &put->holders[slot];
        uint64_t silent_ns = holder->moved_ns + SILENCE_MS * (uint64_t)MS;
        if (put_holder_owes(holder) && silent_ns < due_ns) {
            due_ns = silent_ns;
        }
        if (holder->state == PUT_HOLDER_WAITING && holder->retry_ns < due_ns) {
            due_ns = holder->retry_ns;
        }
    }
    return due_ns;
}

bool segment_put_is_acknowledged(const struct segment_put *put)
{
    return put->is_acknowledged;
}

/* ---- telling the coordinator ---- */

/* Receipts it has not had yet. */
static enum hearth_code collect_receipts(struct segment_put *put, struct arena *arena,
    const struct wire_slot_receipt **out, size_t *out_count, struct hearth_err *err)
{
    struct wire_slot_receipt *receipts =
        arena_take_array(arena, put->slot_count, sizeof(*receipts));
    if (receipts == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "receipts");
    }
    size_t count = 0;
    for (unsigned slot = 0; slot < put->slot_count; slot++) {
        const struct put_holder *holder = &put->holders[slot];
        if (is_stored(holder) && !ec_slots_has(put->told, slot)) {
            ec_slots_add(&put->told, slot);
            receipts[count++] = (struct wire_slot_receipt){
                .slot = slot,
                .number = holder->placement->number,
                .receipt = holder->receipt.view,
            };
        }
    }
    *out = receipts;
    *out_count = count;
    return HEARTH_OK;
}

enum hearth_code segment_put_make_seal(struct segment_put *put, struct arena *arena,
    struct wire_seal_segment_request *out, struct hearth_err *err)
{
    assert(put->is_acknowledged);
    *out = (struct wire_seal_segment_request){
        .intent_id = put->intent_id,
        .segment_id = view_of(segment_put_id(put), SEGMENT_ID_SIZE),
        .length = segment_image_plain_size(put->image),
    };
    return collect_receipts(put, arena, &out->receipts, &out->receipts_count, err);
}

static void note_bad_slots(
    struct segment_put *put, const struct wire_bad_slot *bad_slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        session_notice(put->transfer->session, "receipt of slot %u was refused: %s: %.*s",
            bad_slots[i].slot, hearth_code_text(hearth_code_from_wire(bad_slots[i].code)),
            VIEW_ARGS(bad_slots[i].reason));
    }
}

void segment_put_note_sealed(struct segment_put *put, const struct wire_seal_segment_reply *reply)
{
    note_bad_slots(put, reply->bad_slots, reply->bad_slots_count);
}

bool segment_put_has_stragglers(const struct segment_put *put)
{
    return count_holders(put, put_holder_is_moving) > 0;
}

uint64_t segment_put_elapsed_ns(const struct segment_put *put)
{
    assert(put->is_acknowledged);
    return put->acknowledged_ns - put->started_ns;
}

void segment_put_add_late(struct segment_put *put)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_add_holders_request request = {
        .segment_id = view_of(segment_put_id(put), SEGMENT_ID_SIZE)};
    struct wire_seal_segment_reply reply;
    struct hearth_err err;
    if (collect_receipts(put, &arena, &request.receipts, &request.receipts_count, &err) ==
            HEARTH_OK &&
        request.receipts_count > 0) {
        const struct ask ask = {.method = RPC_ADD_HOLDERS, .request = &request};
        if (session_ask(put->transfer->session, &ask, &arena, &reply, &err) == HEARTH_OK) {
            note_bad_slots(put, reply.bad_slots, reply.bad_slots_count);
        }
    }
    arena_fini(&arena);
}
