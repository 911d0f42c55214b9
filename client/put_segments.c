#include "client/put_segments.h"

#include "common/failpoint.h"

enum {
    MS = 1000000, /* nanoseconds */
    LINGER_MS = 2000,
    /* A source may be slower than the orders live (10 min): a segment this old is ended early. */
    SEGMENT_AGE_MAX_MS = 4 * 60 * 1000,
    /* Finished stripes not yet with every holder.  Less: a node's hiccup stops all others.  More:
     * memory, and a slow node is noticed later. */
    WINDOW_BYTES_MAX = 16 << 20,
    CELL_BYTES = EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE,
    /* Stripes go out some at a time, so that each node and each thread is woken less often; a slow
     * source's do not wait for others.  Two thirds of the window are left for those on their way.
     */
    TURN_STRIPES_MAX = 4,
    WINDOW_TURNS = 3,
    TURN_MS = 20,
    EXTENTS_FIRST = 16,
};

/* ---- memory ---- */

/* The sealed data of a segment of so much plaintext, each cell with its tag. 0: not known. */
static uint64_t kept_bytes(const struct session *session, uint64_t plain_size)
{
    uint64_t units_max = session->segment_plain_max / EC_UNIT_PLAIN_SIZE;
    uint64_t units = (plain_size + EC_UNIT_PLAIN_SIZE - 1) / EC_UNIT_PLAIN_SIZE;
    bool is_full = units == 0 || units > units_max;
    return (is_full ? units_max : units) * (uint64_t)CELL_BYTES;
}

/* What lets it run at its best. */
static uint64_t memory_wanted(const struct put_segments *segments)
{
    const struct session *session = segments->transfer->session;
    return 2 * kept_bytes(session, segments->reader->size_expected) + WINDOW_BYTES_MAX / 2;
}

/* What connections copy, TLS records and frames, is the put's memory too, what is being hashed, and
 * what was read ahead. */
static uint64_t cell_memory(const struct put_segments *segments)
{
    uint64_t memory = segments->transfer->memory_max;
    uint64_t ahead = segments->reader->ahead_max;
    memory -= memory / 36 + HASH_BESIDE_MEMORY;
    return ahead > SOURCE_AHEAD_MAX ? memory - ahead : memory;
}

void put_segments_init(struct put_segments *segments)
{
    put_turn_init(&segments->turn, segments->transfer, segments->reader, memory_wanted(segments));
    cell_pool_init(&segments->pool, 0);
}

void put_segments_fini(struct put_segments *segments)
{
    segment_put_destroy(segments->current);
    segment_put_destroy(segments->previous);
    put_turn_end(&segments->turn);
    cell_pool_fini(&segments->pool);
    if (segments->extents != NULL) {
        crypto_wipe(segments->extents, segments->extent_count * sizeof(*segments->extents));
    }
    free(segments->extents);
}

struct memory_plan {
    bool overlaps; /* two segments at once, each with all its data */
    bool keeps;    /* all data of one */
    uint64_t window_bytes;
};

/*
 * What is held: the data kept, the parity of each window, the stripe being filled.
 *
 *   two segments   2 kept + 2 parity + open <= memory
 *   one            1 kept + 1 parity + open <= memory
 *   none kept      window + open <= memory
 */
static struct memory_plan plan_memory(const struct put_segments *segments)
{
    uint64_t k = segments->bucket->data_count;
    uint64_t n = segments->bucket->slot_count;
    uint64_t kept = kept_bytes(segments->transfer->session, segments->reader->size_expected);
    uint64_t memory = cell_memory(segments) - k * CELL_BYTES;
    uint64_t stripe = n * CELL_BYTES;
    uint64_t parity = (n - k) * CELL_BYTES;

    struct memory_plan plan = {0};
    plan.overlaps = 2 * (kept + parity) <= memory;
    plan.keeps = kept + parity <= memory;
    uint64_t stripes = plan.overlaps ? (memory - 2 * kept) / (2 * parity)
        : plan.keeps                 ? (memory - kept) / parity
                                     : memory / stripe;
    uint64_t window = stripes * stripe;
    plan.window_bytes = window < WINDOW_BYTES_MAX ? window : WINDOW_BYTES_MAX;
    return plan;
}

/* Plaintext of the stripes that go out together. */
static uint64_t turn_bytes(const struct put_segments *segments, uint64_t window_bytes)
{
    const struct bucket *bucket = segments->bucket;
    uint64_t stripes = window_bytes / WINDOW_TURNS / segment_image_stripe_bytes(bucket->slot_count);
    stripes = stripes < TURN_STRIPES_MAX ? stripes : TURN_STRIPES_MAX;
    return stripes * bucket->data_count * EC_UNIT_PLAIN_SIZE;
}

/* ---- sealing ---- */

/* Asks the coordinator to make a segment readable. */
static enum hearth_code seal(
    struct put_segments *segments, struct segment_put *put, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_seal_segment_request request;
    struct wire_seal_segment_reply reply;
    enum hearth_code code = segment_put_make_seal(put, &arena, &request, err);
    if (code == HEARTH_OK) {
        const struct ask ask = {
            .method = RPC_SEAL_SEGMENT,
            .request = &request,
            .patience_ms = ASK_OUTCOME_PATIENCE_MS,
            .cancel = segments->transfer->control.cancel,
        };
        code = session_ask(segments->transfer->session, &ask, &arena, &reply, err);
    }
    if (code == HEARTH_OK) {
        segment_put_note_sealed(put, &reply);
    }
    arena_fini(&arena);
    if (code == HEARTH_OK && segments->resume != NULL) {
        put_resume_sealed(segments->resume);
    }
    if (code == HEARTH_OK && FAILPOINT(CLIENT_PUT_SEALED)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "seal segment");
}

static enum hearth_code seal_previous(struct put_segments *segments, struct hearth_err *err)
{
    struct segment_put *put = segments->previous;
    segments->previous = NULL;
    enum hearth_code code = seal(segments, put, err);
    segment_put_destroy(put);
    return code;
}

/* ---- moving on ---- */

/* Everything that can be done without waiting. */
static enum hearth_code advance(struct put_segments *segments, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    if (segments->current != NULL) {
        code = segment_put_step(segments->current, err);
    }
    if (code == HEARTH_OK && segments->previous != NULL) {
        code = segment_put_step(segments->previous, err);
        /* With no straggler left its memory is of no more use. */
        if (code == HEARTH_OK && segment_put_is_acknowledged(segments->previous) &&
            !segment_put_has_stragglers(segments->previous)) {
            code = seal_previous(segments, err);
        }
    }
    return code;
}

static uint64_t due_ns(const struct segment_put *put)
{
    return put == NULL ? UINT64_MAX : segment_put_step_due_ns(put);
}

static enum hearth_code wait_and_advance(struct put_segments *segments, struct hearth_err *err)
{
    uint64_t current_ns = due_ns(segments->current);
    uint64_t previous_ns = due_ns(segments->previous);
    uint64_t until_ns = current_ns < previous_ns ? current_ns : previous_ns;
    enum hearth_code code = transfer_wait(segments->transfer, until_ns, err);
    return code == HEARTH_OK ? advance(segments, err) : code;
}

static enum hearth_code settle_previous(struct put_segments *segments, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && segments->previous != NULL) {
        code = segment_put_is_acknowledged(segments->previous) ? seal_previous(segments, err)
                                                               : wait_and_advance(segments, err);
    }
    return code;
}

/* ---- one segment ---- */

static enum hearth_code open_segment(struct put_segments *segments, struct hearth_err *err)
{
    cell_pool_limit(&segments->pool, cell_memory(segments));
    struct memory_plan plan = plan_memory(segments);
    if (!plan.overlaps) {
        enum hearth_code code = settle_previous(segments, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    uint64_t expected = segments->reader->size_expected;
    uint64_t left = expected > segments->reader->size ? expected - segments->reader->size : 0;
    const struct segment_put_options options = {
        .transfer = segments->transfer,
        .pool = &segments->pool,
        .intent_id = segments->intent_id,
        .upload_key = segments->upload_key,
        .length_max = left < segments->transfer->session->segment_plain_max ? left : 0,
        .keeps_data = plan.keeps,
        .window_bytes = plan.window_bytes,
    };
    enum hearth_code code = segment_put_open(&options, &segments->current, err);
    if (code == HEARTH_OK && FAILPOINT(CLIENT_PUT_OPENED)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    segments->turn_bytes = turn_bytes(segments, plan.window_bytes);
    segments->current_opened_ns = transfer_now_ns(segments->transfer);
    return code;
}

static void report_progress(const struct put_segments *segments)
{
    const struct hearth_control *control = &segments->transfer->control;
    uint64_t expected = segments->reader->size_expected;
    if (control->progress != NULL) {
        control->progress(control->progress_context, segments->reader->size,
            expected > 0 ? expected : HEARTH_SIZE_UNKNOWN);
    }
}

/* One unit from the source; fewer bytes than that: it has ended. */
static enum hearth_code add_unit(struct put_segments *segments, struct segment_image *image,
    bool *is_last, struct hearth_err *err)
{
    uint8_t *unit = segment_image_unit(image);
    if (unit == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "the next stripe");
    }
    struct view plain = {0};
    enum hearth_code code =
        source_reader_next(segments->reader, unit, EC_UNIT_PLAIN_SIZE, &plain, err);
    if (code == HEARTH_OK && plain.size > 0) {
        if (segments->resume != NULL) {
            put_resume_unit(segments->resume, plain);
        }
        code = segment_image_seal_from(image, plain, err);
    }
    *is_last = plain.size < EC_UNIT_PLAIN_SIZE;
    return code;
}

/* What is finished is worth a turn of the network, or waits for long enough. */
static bool is_turn_due(struct put_segments *segments)
{
    uint64_t now_ns = transfer_now_ns(segments->transfer);
    bool is_due = segments->reader->size - segments->turn_size >= segments->turn_bytes ||
        now_ns - segments->turn_ns >= TURN_MS * (uint64_t)MS;
    if (is_due) {
        segments->turn_size = segments->reader->size;
        segments->turn_ns = now_ns;
    }
    return is_due;
}

/* Between two stripes: what is finished goes out, several together; waits until another one fits.
 */
static enum hearth_code make_room(struct put_segments *segments, struct hearth_err *err)
{
    enum hearth_code code = transfer_check(segments->transfer, err);
    if (code != HEARTH_OK || (!is_turn_due(segments) && segment_put_has_room(segments->current))) {
        return code;
    }
    report_progress(segments);
    transfer_turn(segments->transfer);
    code = advance(segments, err);
    while (code == HEARTH_OK && !segment_put_has_room(segments->current)) {
        code = wait_and_advance(segments, err);
    }
    return code;
}

static bool is_too_old(const struct put_segments *segments)
{
    uint64_t age_ns = transfer_now_ns(segments->transfer) - segments->current_opened_ns;
    return age_ns > SEGMENT_AGE_MAX_MS * (uint64_t)MS;
}

/* That it ends early, because others want to send, or its orders do not live for ever. */
static bool is_long_enough(struct put_segments *segments, const struct segment_image *image)
{
    bool is_empty = segment_image_plain_size(image) == 0;
    return is_too_old(segments) || (!is_empty && put_turn_has_lasted(&segments->turn));
}

static enum hearth_code fill_segment(struct put_segments *segments, struct hearth_err *err)
{
    struct segment_image *image = segment_put_image(segments->current);
    enum hearth_code code = HEARTH_OK;
    for (bool is_last = false; code == HEARTH_OK && !is_last;) {
        if (segment_image_at_stripe_edge(image)) {
            if (segment_image_is_full(image) || is_long_enough(segments, image)) {
                break;
            }
            code = make_room(segments, err);
        } else if (segment_image_is_full(image)) {
            break;
        }
        if (code == HEARTH_OK) {
            code = add_unit(segments, image, &is_last, err);
        }
    }
    if (code == HEARTH_OK) {
        code = segment_image_end(image, err);
    }
    return code == HEARTH_OK ? advance(segments, err) : code;
}

static enum hearth_code note_extent(struct put_segments *segments, const uint8_t *segment_id,
    uint64_t length, struct hearth_err *err)
{
    if (segments->extent_count == WIRE_EXTENTS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "more than %d segments", WIRE_EXTENTS_MAX);
    }
    if (segments->extent_count == segments->extents_max) {
        size_t max = segments->extents_max > 0 ? 2 * segments->extents_max : EXTENTS_FIRST;
        struct manifest_extent *grown =
            realloc(segments->extents, max * sizeof(*segments->extents));
        if (grown == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "%zu extents", max);
        }
        segments->extents = grown;
        segments->extents_max = max;
    }
    struct manifest_extent *extent = &segments->extents[segments->extent_count++];
    *extent = (struct manifest_extent){
        .length = length,
        .upload_key = *segments->upload_key,
    };
    memcpy(extent->segment_id, segment_id, SEGMENT_ID_SIZE);
    return HEARTH_OK;
}

static enum hearth_code note_current(struct put_segments *segments, struct hearth_err *err)
{
    const uint8_t *segment_id = segment_put_id(segments->current);
    uint64_t length = segment_image_plain_size(segment_put_image(segments->current));
    enum hearth_code code = note_extent(segments, segment_id, length, err);
    return code == HEARTH_OK && segments->resume != NULL
        ? put_resume_segment(segments->resume, segment_id, length, err)
        : code;
}

enum hearth_code put_segments_take_over(
    struct put_segments *segments, const struct put_state *earlier, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; code == HEARTH_OK && i < earlier->count; i++) {
        const struct put_state_segment *segment = &earlier->segments[i];
        code = transfer_check(segments->transfer, err);
        if (code == HEARTH_OK) {
            code = put_resume_take_over(segments->resume, segment, segments->reader, err);
        }
        if (code == HEARTH_OK) {
            code = note_extent(segments, segment->id, segment->length, err);
        }
        report_progress(segments);
    }
    return code;
}

static enum hearth_code put_segment(
    struct put_segments *segments, bool *is_last, struct hearth_err *err)
{
    enum hearth_code code = put_turn_begin(&segments->turn, err);
    if (code == HEARTH_OK) {
        code = open_segment(segments, err);
    }
    if (code == HEARTH_OK) {
        code = fill_segment(segments, err);
    }
    if (code == HEARTH_OK) {
        code = note_current(segments, err);
    }
    size_t waiting = 0;
    if (code == HEARTH_OK) {
        code = source_reader_peek(segments->reader, EC_UNIT_PLAIN_SIZE, &waiting, err);
    }
    *is_last = waiting == 0 && !segments->reader->has_given_up;
    return code;
}

/* Others want to send: what was sent is settled, and the next segment begins outside. */
static enum hearth_code make_way(struct put_segments *segments, struct hearth_err *err)
{
    enum hearth_code code = settle_previous(segments, err);
    if (code == HEARTH_OK) {
        cell_pool_limit(&segments->pool, 0);
        put_turn_end(&segments->turn);
    }
    return code;
}

enum hearth_code put_segments_run(struct put_segments *segments, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (bool is_last = false; code == HEARTH_OK && !is_last;) {
        code = put_segment(segments, &is_last, err);
        if (code == HEARTH_OK) {
            code = settle_previous(segments, err);
        }
        if (code == HEARTH_OK && !is_last) {
            segments->previous = segments->current;
            segments->current = NULL;
            code = put_turn_is_over(&segments->turn) ? make_way(segments, err) : code;
        }
    }
    while (code == HEARTH_OK && !segment_put_is_acknowledged(segments->current)) {
        code = wait_and_advance(segments, err);
    }
    report_progress(segments);
    if (code == HEARTH_OK && FAILPOINT(CLIENT_PUT_SENT)) {
        return hearth_fail(err, HEARTH_INTERNAL, "failpoint");
    }
    return code;
}

void put_segments_linger(struct put_segments *segments)
{
    uint64_t elapsed_ns = segment_put_elapsed_ns(segments->current);
    uint64_t linger_ns = LINGER_MS * (uint64_t)MS;
    uint64_t end_ns =
        transfer_now_ns(segments->transfer) + (elapsed_ns < linger_ns ? elapsed_ns : linger_ns);
    struct hearth_err err; /* the object is there; what comes now only makes it more so */
    while (segment_put_has_stragglers(segments->current) &&
        transfer_now_ns(segments->transfer) < end_ns &&
        transfer_wait(segments->transfer, end_ns, &err) == HEARTH_OK &&
        segment_put_step(segments->current, &err) == HEARTH_OK) {
    }
    segment_put_add_late(segments->current);
}
