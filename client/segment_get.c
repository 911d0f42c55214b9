#include "client/segment_get.h"

#include "client/get_cover.h"
#include "client/get_reports.h"
#include "common/codec.h"

enum {
    MS = 1000000, /* nanoseconds */
    SILENCE_MS = 30 * 1000,
    LANES_PER_SLOT = 4, /* the edges of a range need other slots than its middle */
    MORE_ORDERS_MAX = 3,
    /* Cells of a stripe that may be there at once, besides the k needed: rivals of late nodes. */
    RIVALS = 2,
};

struct segment_get {
    const struct get_source *source;
    const struct segment_get_range *range;
    struct arena arena; /* orders asked for on the way */
    struct ec_stripes shape;
    struct ec_codec *codec;
    struct seal_reader *seal;
    struct shard_tagger *tagger;
    struct get_window window;
    struct get_lane_group group;
    struct get_cover cover;
    uint8_t *plain;    /* one unit */
    uint8_t *sealed;   /* one unit that spans cells */
    unsigned asked;    /* times more orders were asked for */
    bool is_disturbed; /* lanes failed or are late: the cover must be looked at */
};

/* ---- holders ---- */

static enum node_standing standing_of(
    const struct segment_get *get, const struct wire_placement *placement)
{
    struct node_health *health = &get->source->transfer->session->health;
    return node_health_of(health, placement->node->node_id);
}

static void adopt_holder(struct segment_get *get, const struct wire_placement *placement)
{
    get->cover.holders[placement->slot] = (struct get_holder){
        .placement = placement,
        .is_usable = placement->order.size > 0,
        .standing = standing_of(get, placement),
    };
}

static bool makes_sense(const struct segment_get *get, const struct wire_placement *placement)
{
    return placement->slot < get->cover.slot_count && placement->node != NULL &&
        placement->node->node_id.size == NODE_HEALTH_ID_SIZE;
}

static void adopt_holders(struct segment_get *get)
{
    const struct wire_segment_info *info = get->range->info;
    for (size_t i = 0; i < info->holders_count; i++) {
        if (makes_sense(get, &info->holders[i])) {
            adopt_holder(get, &info->holders[i]);
        }
    }
}

/* It lies at the holder, not at the order we showed it, nor at a sink so slow that the call's
 * deadline passed. */
static bool is_holders_fault(enum hearth_code failed)
{
    enum hearth_reaction reaction = hearth_code_reaction(failed);
    return failed != HEARTH_OK && reaction != HEARTH_REACT_FIX_CALL &&
        reaction != HEARTH_REACT_RETRY && reaction != HEARTH_REACT_RESOLVE;
}

static enum hearth_code ask_more_orders(
    struct segment_get *get, struct wire_segment_info *out, struct hearth_err *err)
{
    uint32_t failed[EC_SLOTS_MAX];
    size_t failed_count = 0;
    for (unsigned slot = 0; slot < get->cover.slot_count; slot++) {
        if (is_holders_fault(get->cover.holders[slot].failed)) {
            failed[failed_count++] = slot;
        }
    }
    uint8_t session_id[PKI_ID_SIZE];
    session_id_copy(get->source->transfer->session, session_id);
    const struct wire_more_orders_request request = {
        .bucket = get->source->bucket,
        .key = get->source->key,
        .version = get->source->version,
        .segment_id = get->range->info->segment_id,
        .failed_slots = failed,
        .failed_slots_count = failed_count,
        .session_id = view_of(session_id, sizeof(session_id)),
    };
    const struct ask ask = {
        .method = RPC_MORE_ORDERS,
        .request = &request,
        .patience_ms = ASK_PATIENCE_MS,
        .cancel = get->source->transfer->control.cancel,
    };
    return session_ask(get->source->transfer->session, &ask, &get->arena, out, err);
}

/* Orders for holders that had none, or whose order was no good; and holders that are new. */
static void get_more_orders(struct segment_get *get)
{
    struct wire_segment_info info;
    struct hearth_err err; /* without them the holders there are must do */
    if (ask_more_orders(get, &info, &err) != HEARTH_OK) {
        return;
    }
    for (size_t i = 0; i < info.holders_count; i++) {
        const struct wire_placement *fresh = &info.holders[i];
        if (makes_sense(get, fresh) && fresh->order.size > 0 &&
            !get->cover.holders[fresh->slot].is_usable) {
            adopt_holder(get, fresh);
        }
    }
}

/* Nodes that could not be reached may be somewhere else by now. */
static void follow_moved(struct segment_get *get)
{
    for (unsigned slot = 0; slot < get->cover.slot_count; slot++) {
        struct get_holder *holder = &get->cover.holders[slot];
        if (holder->failed != HEARTH_UNREACHABLE) {
            continue;
        }
        const struct wire_placement *moved =
            session_follow_node(get->source->transfer->session, holder->placement, &get->arena);
        if (moved != NULL) {
            adopt_holder(get, moved);
        }
    }
}

static unsigned count_reachable(const struct segment_get *get)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < get->cover.slot_count; slot++) {
        count += get->cover.holders[slot].is_usable;
    }
    return count;
}

static enum hearth_code fail_too_few(const struct segment_get *get, struct hearth_err *err)
{
    char segment[2 * SEGMENT_ID_SIZE + 1];
    hex_encode(get->range->info->segment_id.bytes, SEGMENT_ID_SIZE, segment);
    unsigned reachable = count_reachable(get);
    unsigned n = get->cover.slot_count;
    return hearth_fail(err, HEARTH_SHARDS_LOST,
        "segment %.8s.. has %u of %u shards reachable, %u needed: %u missing", segment, reachable,
        n, get->shape.data_count, n - reachable);
}

/* ---- lanes ---- */

static void note_lost_lane(struct segment_get *get, struct get_lane *lane)
{
    struct get_holder *holder = &get->cover.holders[lane->slot];
    struct node_health *health = &get->source->transfer->session->health;
    struct view node_id = holder->placement->node->node_id;
    lane->state = GET_LANE_FREE;
    get->is_disturbed = true;
    if (lane->err.code == HEARTH_UNREACHABLE &&
        ++holder->tries < holder->placement->node->endpoints_count) {
        return; /* its next address */
    }
    holder->is_usable = false;
    holder->failed = lane->err.code;
    bool was_silent = node_health_of(health, node_id) == NODE_SILENT;
    switch (hearth_code_reaction(lane->err.code)) {
    case HEARTH_REACT_REPAIR: node_health_note(health, node_id, NODE_WRONG); break;
    case HEARTH_REACT_ELSEWHERE: node_health_note(health, node_id, NODE_SILENT); break;
    default: break;
    }
    bool is_known = was_silent && lane->err.code == HEARTH_UNREACHABLE; /* said once is enough */
    if (is_holders_fault(lane->err.code) && !is_known) {
        get_reports_add(
            get->source->reports, get->range->info->segment_id, holder->placement, &lane->err);
    }
}

static bool is_in_the_way(const struct segment_get *get, const struct get_lane *lane)
{
    return get_lane_covers(lane, lane->slot, get->window.base);
}

/* Who holds up the oldest stripe for too long. */
static void judge_lanes(struct segment_get *get, uint64_t now_ns)
{
    uint64_t late_ns = get_tempo_late_ns(get->source->tempo);
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && is_in_the_way(get, lane)) {
            if (now_ns >= lane->awaited_ns + SILENCE_MS * (uint64_t)MS) {
                get_lane_give_up(lane, HEARTH_UNREACHABLE, "silent for 30 s");
            } else if (now_ns >= lane->awaited_ns + late_ns && !lane->is_late) {
                lane->is_late = true;
                get->is_disturbed = true;
            }
        }
        if (lane->state == GET_LANE_LOST) {
            note_lost_lane(get, lane);
        }
    }
}

/* When the next lane will be judged late or silent. */
static uint64_t due_ns(const struct segment_get *get)
{
    uint64_t late_ns = get_tempo_late_ns(get->source->tempo);
    uint64_t due = UINT64_MAX;
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        const struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && is_in_the_way(get, lane)) {
            uint64_t at_ns =
                lane->awaited_ns + (lane->is_late ? SILENCE_MS * (uint64_t)MS : late_ns);
            due = at_ns < due ? at_ns : due;
        }
    }
    return due;
}

/* The oldest stripe was completed without those who are still late for it: they lost. */
static void drop_losers(struct segment_get *get)
{
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && lane->is_late && is_in_the_way(get, lane)) {
            struct get_holder *holder = &get->cover.holders[lane->slot];
            holder->standing = NODE_SLOW;
            node_health_note(&get->source->transfer->session->health,
                holder->placement->node->node_id, NODE_SLOW);
            get_lane_drop(lane);
            get->is_disturbed = true;
        }
    }
}

/* Lanes so that every stripe will have enough; asks for more orders when holders run out. */
static enum hearth_code cover(struct segment_get *get, struct hearth_err *err)
{
    get->is_disturbed = false;
    get_cover_prune(&get->cover);
    while (get_cover_make(&get->cover) == GET_SHORT) {
        unsigned before = count_reachable(get);
        if (get->asked++ < MORE_ORDERS_MAX) {
            follow_moved(get);
            get_more_orders(get);
        }
        if (count_reachable(get) == before) {
            return fail_too_few(get, err);
        }
    }
    return HEARTH_OK;
}

static void grant(struct segment_get *get)
{
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        if (!get->cover.lanes[i].is_late) {
            get_lane_grant(&get->cover.lanes[i], get->window.base + get->window.size);
        }
    }
}

/* ---- delivering ---- */

/* A unit of the oldest stripe as one run of bytes: where it lies, or gathered when it spans cells.
 */
static struct view gather_unit(struct segment_get *get, struct ec_range unit)
{
    struct ec_piece piece = ec_stripes_piece(&get->shape, unit);
    assert(piece.stripe == get->window.base);
    if (piece.size == unit.size) {
        return view_of(get_window_cell(&get->window, piece.slot) + piece.offset, piece.size);
    }
    size_t gathered = 0;
    while (gathered < unit.size) {
        const struct ec_range rest = {unit.offset + gathered, unit.size - gathered};
        piece = ec_stripes_piece(&get->shape, rest);
        memcpy(get->sealed + gathered, get_window_cell(&get->window, piece.slot) + piece.offset,
            piece.size);
        gathered += piece.size;
    }
    return view_of(get->sealed, unit.size);
}

/* Opens a unit and hands out what the range has of it. */
static enum hearth_code deliver_unit(struct segment_get *get, unsigned unit, struct hearth_err *err)
{
    struct view sealed = gather_unit(get, ec_stripes_unit_sealed(&get->shape, unit));
    enum hearth_code code = seal_reader_open(get->seal, unit, sealed, get->plain, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct ec_range plain = ec_stripes_unit_plain(&get->shape, unit);
    size_t range_end = (size_t)(get->range->offset + get->range->length);
    size_t start = get->range->offset > plain.offset ? (size_t)get->range->offset : plain.offset;
    size_t unit_end = plain.offset + plain.size;
    size_t end = range_end < unit_end ? range_end : unit_end;
    assert(start < end);
    return get->source->deliver(
        get->source->context, view_of(get->plain + (start - plain.offset), end - start), err);
}

static enum hearth_code deliver_stripe(struct segment_get *get, struct hearth_err *err)
{
    unsigned stripe = get->window.base;
    enum hearth_code code =
        get_window_rebuild(&get->window, get_cover_needed(&get->cover, stripe), err);
    uint64_t range_end = get->range->offset + get->range->length;
    unsigned first = stripe * get->shape.data_count; /* stripes before the last hold whole units */
    unsigned wanted_first = (unsigned)(get->range->offset / EC_UNIT_PLAIN_SIZE);
    unsigned wanted_last = (unsigned)((range_end - 1) / EC_UNIT_PLAIN_SIZE);
    for (unsigned unit = first > wanted_first ? first : wanted_first;
         code == HEARTH_OK && unit < first + get->shape.data_count && unit <= wanted_last; unit++) {
        code = deliver_unit(get, unit, err);
    }
    return code;
}

static enum hearth_code deliver_what_is_ready(struct segment_get *get, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && get->window.base < get->cover.end &&
        get_window_is_enough(
            &get->window, get->window.base, get_cover_needed(&get->cover, get->window.base))) {
        drop_losers(get);
        code = deliver_stripe(get, err);
        get_window_advance(&get->window);
        grant(get);
        if (code == HEARTH_OK) {
            code = transfer_check(get->source->transfer, err);
        }
    }
    return code;
}

/* ---- the whole ---- */

static enum hearth_code run(struct segment_get *get, struct hearth_err *err)
{
    get->is_disturbed = true;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK) {
        code = deliver_what_is_ready(get, err);
        if (code != HEARTH_OK || get->window.base == get->cover.end) {
            return code;
        }
        judge_lanes(get, transfer_now_ns(get->source->transfer));
        if (get->is_disturbed) {
            code = cover(get, err);
            grant(get);
        }
        if (code == HEARTH_OK) {
            code = transfer_wait(get->source->transfer, due_ns(get), err);
        }
    }
    return code;
}

/* What the coordinator says of the segment must be possible. */
static enum hearth_code check_info(const struct segment_get_range *range, struct hearth_err *err)
{
    const struct wire_segment_info *info = range->info;
    bool fits = info->segment_id.size == SEGMENT_ID_SIZE && info->vk.size == CRYPTO_KEY_SIZE &&
        info->length <= EC_SEGMENT_PLAIN_MAX && range->length > 0 && range->offset < info->length &&
        range->length <= info->length - range->offset;
    return fits ? HEARTH_OK
                : hearth_fail(err, HEARTH_CHECKSUM,
                      "the coordinator describes a segment that "
                      "cannot be");
}

static unsigned window_size(const struct segment_get *get)
{
    uint64_t stripe = (get->shape.data_count + RIVALS) * (uint64_t)EC_CELL_SIZE_MAX;
    uint64_t fitting = get->source->transfer->memory_max / stripe;
    uint64_t size = fitting < SEGMENT_GET_AHEAD_MAX ? fitting : SEGMENT_GET_AHEAD_MAX;
    return size > 0 ? (unsigned)size : 1;
}

static enum hearth_code make_cover(struct segment_get *get, struct hearth_err *err)
{
    unsigned n = get->range->info->n;
    struct ec_range plain = {(size_t)get->range->offset, (size_t)get->range->length};
    struct ec_range sealed = ec_stripes_sealed_range(&get->shape, plain);
    unsigned first = ec_stripes_stripe_of(&get->shape, sealed.offset);
    unsigned last = ec_stripes_stripe_of(&get->shape, sealed.offset + sealed.size - 1);
    enum hearth_code code =
        get_window_init(&get->window, get->codec, &get->shape, window_size(get), first, err);
    if (code != HEARTH_OK) {
        return code;
    }
    get->group = (struct get_lane_group){
        .transfer = get->source->transfer,
        .shape = &get->shape,
        .window = &get->window,
        .tagger = get->tagger,
        .tempo = get->source->tempo,
    };
    get->cover = (struct get_cover){
        .shape = &get->shape,
        .window = &get->window,
        .sealed = sealed,
        .end = last + 1,
        .slot_count = n,
        .holders = calloc(n, sizeof(*get->cover.holders)),
        .lanes = calloc((size_t)n * LANES_PER_SLOT, sizeof(*get->cover.lanes)),
    };
    if (get->cover.holders == NULL || get->cover.lanes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%u holders", n);
    }
    get->cover.lane_count = n * LANES_PER_SLOT;
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        get_lane_init(&get->cover.lanes[i], &get->group);
    }
    return HEARTH_OK;
}

static enum hearth_code prepare(struct segment_get *get, struct hearth_err *err)
{
    const struct wire_segment_info *info = get->range->info;
    enum hearth_code code = check_info(get->range, err);
    if (code == HEARTH_OK) {
        code = ec_codec_create(info->codec, info->k, info->n, &get->codec, err);
    }
    if (code == HEARTH_OK) {
        code = ec_stripes_init(&get->shape, info->k, info->length, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct verify_key verify_key;
    memcpy(verify_key.bytes, info->vk.bytes, sizeof(verify_key.bytes));
    get->tagger = shard_tagger_create(&verify_key);
    get->seal = seal_reader_create(get->range->upload_key, info->segment_id.bytes);
    get->plain = malloc(EC_UNIT_PLAIN_SIZE);
    get->sealed = malloc(EC_UNIT_SIZE);
    if (get->plain == NULL || get->sealed == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a unit");
    }
    return make_cover(get, err);
}

static void clean_up(struct segment_get *get)
{
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        get_lane_fini(&get->cover.lanes[i]);
    }
    free(get->cover.lanes);
    free(get->cover.holders);
    get_window_fini(&get->window);
    if (get->plain != NULL) {
        crypto_wipe(get->plain, EC_UNIT_PLAIN_SIZE);
    }
    free(get->plain);
    free(get->sealed);
    shard_tagger_destroy(get->tagger);
    seal_reader_destroy(get->seal);
    ec_codec_destroy(get->codec);
    arena_fini(&get->arena);
}

enum hearth_code segment_get_blocking(
    const struct get_source *source, const struct segment_get_range *range, struct hearth_err *err)
{
    struct segment_get get = {.source = source, .range = range};
    arena_init(&get.arena, 0);
    enum hearth_code code = prepare(&get, err);
    if (code == HEARTH_OK) {
        adopt_holders(&get);
        code = run(&get, err);
    }
    clean_up(&get);
    return code;
}
