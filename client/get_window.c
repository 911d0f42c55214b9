#include "client/get_window.h"

enum hearth_code get_window_init(struct get_window *window, const struct ec_codec *codec,
    const struct ec_stripes *shape, unsigned size, unsigned first_stripe, struct hearth_err *err)
{
    assert(size > 0);
    *window = (struct get_window){
        .codec = codec,
        .shape = shape,
        .slot_count = ec_codec_slot_count(codec),
        .size = size,
        .base = first_stripe,
        .stripes = calloc(size, sizeof(*window->stripes)),
    };
    bool is_made = window->stripes != NULL;
    for (unsigned i = 0; is_made && i < size; i++) {
        window->stripes[i].cells = calloc(window->slot_count, sizeof(*window->stripes[i].cells));
        is_made = window->stripes[i].cells != NULL;
    }
    if (!is_made) {
        get_window_fini(window);
        return hearth_fail(err, HEARTH_NO_MEMORY, "a window of %u stripes", size);
    }
    return HEARTH_OK;
}

static void release_cells(const struct get_window *window, struct get_stripe *stripe)
{
    for (unsigned slot = ec_slots_next(stripe->have, 0); slot < window->slot_count;
         slot = ec_slots_next(stripe->have, slot + 1)) {
        buf_unref(stripe->cells[slot].owner);
    }
    stripe->have = (struct ec_slots){{0}};
}

void get_window_fini(struct get_window *window)
{
    for (unsigned i = 0; window->stripes != NULL && i < window->size; i++) {
        release_cells(window, &window->stripes[i]);
        free(window->stripes[i].cells);
    }
    free(window->stripes);
    buf_unref(window->rebuilt);
    *window = (struct get_window){0};
}

static bool is_inside(const struct get_window *window, unsigned stripe)
{
    return window->base <= stripe && stripe - window->base < window->size;
}

void get_window_add(
    struct get_window *window, unsigned stripe, unsigned slot, struct slice cell TAKES)
{
    struct get_stripe *into = &window->stripes[stripe % window->size];
    if (!is_inside(window, stripe) || ec_slots_has(into->have, slot)) {
        buf_unref(cell.owner);
        return;
    }
    into->cells[slot] = cell;
    ec_slots_add(&into->have, slot);
}

struct ec_slots get_window_have(const struct get_window *window, unsigned stripe)
{
    return is_inside(window, stripe) ? window->stripes[stripe % window->size].have
                                     : (struct ec_slots){{0}};
}

unsigned get_window_missing(
    const struct get_window *window, unsigned stripe, struct ec_slots needed)
{
    struct ec_slots have = get_window_have(window, stripe);
    unsigned data_count = ec_codec_data_count(window->codec);
    unsigned of_needed = ec_slots_count(ec_slots_minus(needed, have));
    unsigned of_any = ec_slots_count(have);
    of_any = of_any < data_count ? data_count - of_any : 0;
    return of_needed < of_any ? of_needed : of_any;
}

static uint8_t *rebuilt_cell(const struct get_window *window, unsigned slot)
{
    return window->rebuilt->bytes + slot * (size_t)EC_CELL_SIZE_MAX;
}

enum hearth_code get_window_rebuild(
    struct get_window *window, struct ec_slots needed, struct hearth_err *err)
{
    assert(get_window_missing(window, window->base, needed) == 0);
    const struct get_stripe *stripe = &window->stripes[window->base % window->size];
    struct ec_slots wanted = ec_slots_minus(needed, stripe->have);
    if (ec_slots_empty(wanted)) {
        return HEARTH_OK;
    }
    unsigned data_count = ec_codec_data_count(window->codec);
    if (window->rebuilt == NULL) {
        window->rebuilt = buf_create(data_count * (size_t)EC_CELL_SIZE_MAX);
    }
    if (window->rebuilt == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "rebuild stripe %u", window->base);
    }
    uint8_t *cells[EC_SLOTS_MAX];
    for (unsigned slot = 0; slot < window->slot_count; slot++) {
        if (ec_slots_has(stripe->have, slot)) {
            cells[slot] = (uint8_t *)stripe->cells[slot].view.bytes; /* only read */
        } else if (ec_slots_has(wanted, slot)) {
            cells[slot] = rebuilt_cell(window, slot);
        }
    }
    return ec_codec_rebuild(window->codec, ec_stripes_cell_size(window->shape, window->base), cells,
        stripe->have, wanted, err);
}

const uint8_t *get_window_cell(const struct get_window *window, unsigned slot)
{
    const struct get_stripe *stripe = &window->stripes[window->base % window->size];
    return ec_slots_has(stripe->have, slot) ? stripe->cells[slot].view.bytes
                                            : rebuilt_cell(window, slot);
}

void get_window_advance(struct get_window *window)
{
    release_cells(window, &window->stripes[window->base % window->size]);
    window->base++;
}
