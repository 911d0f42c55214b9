#include "client/segment_get.h"

#include "client/get_holders.h"

enum {
    MS = 1000000, /* nanoseconds */
    SILENCE_MS = 30 * 1000,
    LANES_PER_SLOT = 4, /* the edges of a range need other slots than its middle */
    /* Cells of a stripe that may be there at once, besides the k needed: rivals of late nodes. */
    RIVALS = 2,
};

struct segment_get {
    const struct get_source *source;
    struct segment_get_range range;
    struct ec_stripes shape;
    struct ec_codec *codec;
    struct seal_reader *seal;
    struct shard_tagger *tagger;
    struct get_window window;
    struct get_lane_group group;
    struct get_cover cover;
    struct get_holders holders;
    uint8_t *plain;    /* one unit */
    uint8_t *sealed;   /* one unit that spans cells */
    bool has_begun;    /* lanes are open */
    bool is_disturbed; /* lanes failed or are late: the cover must be looked at */
};

/* ---- lanes ---- */

static void note_lost_lane(struct segment_get *get, struct get_lane *lane)
{
    lane->state = GET_LANE_FREE;
    get->is_disturbed = true;
    get_holders_note_lost(&get->holders, lane->slot, &lane->err);
}

static bool is_in_the_way(const struct segment_get *get, const struct get_lane *lane)
{
    return get_lane_covers(lane, lane->slot, get->window.base);
}

/* By the node's own record, or by what is usual in this get while there is none. */
static uint64_t late_ns_of(const struct get_lane *lane, uint64_t usual_late_ns)
{
    return lane->own_late_ns > 0 ? lane->own_late_ns : usual_late_ns;
}

/* Who holds up the oldest stripe for too long. */
static void judge_lanes(struct segment_get *get, uint64_t now_ns)
{
    uint64_t usual_late_ns = get_tempo_late_ns(get->source->tempo);
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && is_in_the_way(get, lane)) {
            if (now_ns >= lane->awaited_ns + SILENCE_MS * (uint64_t)MS) {
                get_lane_give_up(lane, HEARTH_UNREACHABLE, "silent for 30 s");
            } else if (now_ns >= lane->awaited_ns + late_ns_of(lane, usual_late_ns) &&
                !lane->is_late) {
                lane->is_late = true;
                get->is_disturbed = true;
            }
        }
        if (lane->state == GET_LANE_LOST) {
            note_lost_lane(get, lane);
        }
    }
}

/* When the next lane will be judged late or silent, or a busy node asked again. */
static uint64_t due_ns(const struct segment_get *get)
{
    uint64_t usual_late_ns = get_tempo_late_ns(get->source->tempo);
    uint64_t due = get->holders.retry_ns;
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        const struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && is_in_the_way(get, lane)) {
            uint64_t at_ns = lane->awaited_ns +
                (lane->is_late ? SILENCE_MS * (uint64_t)MS : late_ns_of(lane, usual_late_ns));
            due = at_ns < due ? at_ns : due;
        }
    }
    return due;
}

/* The oldest stripe was completed without those who are still late for it: they lost.  Late by
 * its own measure alone a node is every tenth time: that says nothing against it. */
static void drop_losers(struct segment_get *get)
{
    struct transfer *transfer = get->source->transfer;
    uint64_t usual_late_ns = get_tempo_late_ns(get->source->tempo);
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        struct get_lane *lane = &get->cover.lanes[i];
        if (lane->state == GET_LANE_RUNNING && lane->is_late && is_in_the_way(get, lane)) {
            if (transfer_now_ns(transfer) >= lane->awaited_ns + usual_late_ns) {
                get->cover.holders[lane->slot].standing = NODE_SLOW;
                node_health_note(&transfer->session->health, lane->node_id, NODE_SLOW);
            }
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
        if (get_holders_find_more(&get->holders)) {
            continue;
        }
        return get_holders_wait_for_busy(&get->holders) ? HEARTH_OK
                                                        : get_holders_fail(&get->holders, err);
    }
    return HEARTH_OK;
}

static uint64_t stripe_bytes(const struct segment_get *get)
{
    return (get->shape.data_count + RIVALS) * (uint64_t)EC_CELL_SIZE_MAX;
}

static void grant(struct segment_get *get, unsigned stripes)
{
    unsigned end = get->window.base + stripes;
    for (unsigned i = 0; i < get->cover.lane_count; i++) {
        get_lane_grant(&get->cover.lanes[i], end);
    }
}

/* As much as there is memory for; what this segment has no more use for is the next one's. */
static void grant_window(struct segment_get *get)
{
    unsigned end = get->window.base + get->window.size;
    grant(get, get->window.size);
    if (end > get->cover.end) {
        get->source->has_room(get->source->context, (end - get->cover.end) * stripe_bytes(get));
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
    size_t range_end = (size_t)(get->range.offset + get->range.length);
    size_t start = get->range.offset > plain.offset ? (size_t)get->range.offset : plain.offset;
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
    uint64_t range_end = get->range.offset + get->range.length;
    unsigned first = stripe * get->shape.data_count; /* stripes before the last hold whole units */
    unsigned wanted_first = (unsigned)(get->range.offset / EC_UNIT_PLAIN_SIZE);
    unsigned wanted_last = (unsigned)((range_end - 1) / EC_UNIT_PLAIN_SIZE);
    for (unsigned unit = first > wanted_first ? first : wanted_first;
         code == HEARTH_OK && unit < first + get->shape.data_count && unit <= wanted_last; unit++) {
        code = deliver_unit(get, unit, err);
    }
    return code;
}

/* Cells, until the oldest stripe can be delivered. */
static unsigned missing(const struct segment_get *get)
{
    unsigned stripe = get->window.base;
    return get_window_missing(&get->window, stripe, get_cover_needed(&get->cover, stripe));
}

static enum hearth_code deliver_next(struct segment_get *get, struct hearth_err *err)
{
    drop_losers(get);
    enum hearth_code code = deliver_stripe(get, err);
    get_window_advance(&get->window);
    get_holders_note_progress(&get->holders);
    grant_window(get);
    return code == HEARTH_OK ? transfer_check(get->source->transfer, err) : code;
}

/* ---- the whole ---- */

void segment_get_read_ahead(struct segment_get *get, uint64_t bytes)
{
    if (!get->has_begun) {
        get->has_begun = true;
        (void)get_cover_make(&get->cover); /* for who is missing, others are found when it runs */
    }
    uint64_t fitting = bytes / stripe_bytes(get);
    grant(get, fitting < get->window.size ? (unsigned)fitting : get->window.size);
}

static enum hearth_code wait_for_cells(struct segment_get *get, struct hearth_err *err)
{
    uint64_t now_ns = transfer_now_ns(get->source->transfer);
    judge_lanes(get, now_ns);
    if (now_ns >= get->holders.retry_ns) {
        get_holders_retry_busy(&get->holders);
        get->is_disturbed = true;
    }
    if (get->is_disturbed) {
        enum hearth_code code = cover(get, err);
        if (code != HEARTH_OK) {
            return code;
        }
        grant_window(get);
    }
    shard_inbox_want_cells(get->source->transfer->inbox, missing(get));
    return transfer_wait(get->source->transfer, due_ns(get), err);
}

enum hearth_code segment_get_run_blocking(struct segment_get *get, struct hearth_err *err)
{
    get->is_disturbed = true;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && get->window.base < get->cover.end) {
        transfer_turn(get->source->transfer); /* what came while the sink was busy is not late */
        code = missing(get) == 0 ? deliver_next(get, err) : wait_for_cells(get, err);
    }
    return code;
}

/* What the coordinator says of the segment must be possible. */
static enum hearth_code check_info(const struct segment_get_range *range, struct hearth_err *err)
{
    const struct wire_segment_info *info = range->info;
    bool fits = info->segment_id.size == SEGMENT_ID_SIZE && info->vk.size == CRYPTO_KEY_SIZE &&
        0 < info->k && info->k < info->n && info->length <= EC_SEGMENT_PLAIN_MAX &&
        range->length > 0 && range->offset < info->length &&
        range->length <= info->length - range->offset;
    return fits ? HEARTH_OK
                : hearth_fail(err, HEARTH_CHECKSUM,
                      "the coordinator describes a segment that "
                      "cannot be");
}

static unsigned window_size(const struct segment_get *get)
{
    uint64_t fitting = get->source->transfer->memory_max / stripe_bytes(get);
    uint64_t size = fitting < SEGMENT_GET_AHEAD_MAX ? fitting : SEGMENT_GET_AHEAD_MAX;
    return size > 0 ? (unsigned)size : 1;
}

/* Of the stripes that the range lies in. */
static enum hearth_code make_window(struct segment_get *get, struct hearth_err *err)
{
    struct ec_range plain = {(size_t)get->range.offset, (size_t)get->range.length};
    struct ec_range sealed = ec_stripes_sealed_range(&get->shape, plain);
    unsigned first = ec_stripes_stripe_of(&get->shape, sealed.offset);
    unsigned last = ec_stripes_stripe_of(&get->shape, sealed.offset + sealed.size - 1);
    get->cover = (struct get_cover){
        .shape = &get->shape, .window = &get->window, .sealed = sealed, .end = last + 1};
    return get_window_init(&get->window, get->codec, &get->shape, window_size(get), first, err);
}

static enum hearth_code make_lanes(struct segment_get *get, struct hearth_err *err)
{
    unsigned n = get->range.info->n;
    get->group = (struct get_lane_group){
        .transfer = get->source->transfer,
        .shape = &get->shape,
        .window = &get->window,
        .tagger = get->tagger,
        .tempo = get->source->tempo,
    };
    get->cover.slot_count = n;
    get->cover.holders = calloc(n, sizeof(*get->cover.holders));
    get->cover.lanes = calloc((size_t)n * LANES_PER_SLOT, sizeof(*get->cover.lanes));
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
    const struct wire_segment_info *info = get->range.info;
    enum hearth_code code = check_info(&get->range, err);
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
    get->seal = seal_reader_create(get->range.upload_key, info->segment_id.bytes);
    get->plain = malloc(EC_UNIT_PLAIN_SIZE);
    get->sealed = malloc(EC_UNIT_SIZE);
    if (get->plain == NULL || get->sealed == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a unit");
    }
    return make_window(get, err) == HEARTH_OK ? make_lanes(get, err) : err->code;
}

enum hearth_code segment_get_open(const struct get_source *source,
    const struct segment_get_range *range, struct segment_get **out, struct hearth_err *err)
{
    struct segment_get *get = calloc(1, sizeof(*get));
    if (get == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "segment get");
    }
    get->source = source;
    get->range = *range;
    get_holders_init(&get->holders, source, range->info, &get->cover);
    enum hearth_code code = prepare(get, err);
    if (code != HEARTH_OK) {
        segment_get_destroy(get);
        return code;
    }
    get_holders_adopt(&get->holders);
    *out = get;
    return HEARTH_OK;
}

void segment_get_destroy(struct segment_get *get)
{
    if (get == NULL) {
        return;
    }
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
    get_holders_fini(&get->holders);
    free(get);
}
