#include "coordinator/rescue/fsck.h"

#include "coordinator/meta/meta_reconcile.h"
#include "coordinator/rescue/fsck_table.h"
#include "coordinator/service/segment_orders.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A shard that is younger than the copy may be unknown to it; by a node's clock, give or take this.
 */
enum { FLIGHT_MS = 5 * 1000, TEXT_MAX = 300 };

const char *fsck_kind_text(enum fsck_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) [FSCK_##name] = text,
        FSCK_KIND_TABLE(X)
#undef X
    };
    return texts[kind];
}

struct fsck {
    const struct fsck_options *options;
    struct fsck_counts *counts;
    struct fsck_report report; /* of the metadata by itself */
    struct fsck_meta *meta;
    struct fsck_table table;
    struct fsck_space *spaces; /* as fsck_meta_nodes() */
    enum hearth_code code;     /* of what was told: callbacks cannot return it */
    struct hearth_err *err;
};

/* ---- telling ---- */

static void tell(struct fsck *fsck, const struct fsck_finding *finding)
{
    fsck->counts->unchecked += finding->kind == FSCK_UNCHECKED;
    fsck->counts->problems += finding->kind != FSCK_UNCHECKED;
    if (fsck->code == HEARTH_OK) {
        fsck->code = fsck->options->found(fsck->options->context, finding, fsck->err);
    }
}

static void tell_reference(void *context, const char *text)
{
    const struct fsck_finding finding = {.kind = FSCK_REFERENCE, .text = text};
    tell(context, &finding);
}

static void tell_slot(struct fsck *fsck, enum fsck_kind kind, const struct meta_segment *segment,
    unsigned slot, const char *text)
{
    uint8_t shard[SHARD_ID_SIZE];
    fsck_meta_shard_id(fsck->meta, segment, slot, shard);
    const struct fsck_finding finding = {.kind = kind,
        .node = segment->holders[slot].node,
        .segment = &segment->id,
        .slot = (uint16_t)slot,
        .shard = shard,
        .text = text};
    tell(fsck, &finding);
}

/* True: the check ends, with fsck->code. */
static bool is_over(struct fsck *fsck)
{
    if (fsck->code == HEARTH_OK && fsck->options->is_over(fsck->options->context)) {
        fsck->code = hearth_fail(fsck->err, HEARTH_CANCELLED, "nobody listens any more");
    }
    return fsck->code != HEARTH_OK;
}

/* ---- nodes ---- */

/* NULL: no such number. */
static struct fsck_space *space_of(struct fsck *fsck, uint32_t number)
{
    const struct meta_node_list *nodes = fsck_meta_nodes(fsck->meta);
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i].number == number) {
            return &fsck->spaces[i];
        }
    }
    return NULL;
}

struct listing {
    struct fsck *fsck;
    struct fsck_space *space;
    enum hearth_code code;
};

static bool take_page(void *context, const struct wire_shard_page *page)
{
    struct listing *listing = context;
    struct fsck *fsck = listing->fsck;
    for (size_t i = 0; i < page->shards_count && listing->code == HEARTH_OK; i++) {
        const struct wire_shard_entry *entry = &page->shards[i];
        bool is_trash = entry->state == WIRE_SHARD_TRASH;
        listing->space->trash_bytes += is_trash ? entry->length : 0;
        listing->space->listed_bytes += is_trash ? 0 : entry->length;
        listing->space->listed_shards += !is_trash;
        listing->code = fsck_table_add(&fsck->table, listing->space->node, entry, fsck->err);
    }
    if (listing->code == HEARTH_OK && is_over(fsck)) {
        listing->code = fsck->code;
    }
    return listing->code == HEARTH_OK;
}

static enum hearth_code list_node(struct fsck *fsck, struct fsck_space *space)
{
    struct hearth_err err;
    struct listing listing = {.fsck = fsck, .space = space, .code = HEARTH_OK};
    const struct fsck_fleet *fleet = fsck->options->fleet;
    enum hearth_code code = fleet->list(fleet->context, space->node, take_page, &listing, &err);
    space->is_reached = code == HEARTH_OK;
    fsck->counts->nodes_reached += code == HEARTH_OK;
    return listing.code;
}

static enum hearth_code list_nodes(struct fsck *fsck, struct hearth_err *err)
{
    const struct meta_node_list *nodes = fsck_meta_nodes(fsck->meta);
    const struct fsck_fleet *fleet = fsck->options->fleet;
    fsck->spaces = calloc(nodes->count + 1, sizeof(*fsck->spaces));
    if (fsck->spaces == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu nodes", nodes->count);
    }
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < nodes->count && code == HEARTH_OK; i++) {
        const struct meta_node *node = &nodes->nodes[i];
        fsck->spaces[i] =
            (struct fsck_space){.node = node->number, .reported_bytes = node->report.used};
        if (fleet != NULL && node->state != META_NODE_GONE) {
            fsck->counts->nodes++;
            code = list_node(fsck, &fsck->spaces[i]);
        }
    }
    fsck_table_sort(&fsck->table);
    return code == HEARTH_OK && fleet != NULL && fleet->note_reported != NULL
        ? fleet->note_reported(fleet->context, fsck->spaces, nodes->count, err)
        : code;
}

/* ---- holders ---- */

/* Whatever is odd of it is under way. */
static bool has_moved_on(struct fsck *fsck, const struct meta_segment *segment)
{
    const struct fsck_fleet *fleet = fsck->options->fleet;
    return fleet->has_moved_on != NULL && fleet->has_moved_on(fleet->context, segment);
}

/* What is being deleted nobody rebuilds; until a node is gone for good, it may hold some of it. */
static void note_unseen(
    struct fsck *fsck, const struct meta_segment *segment, unsigned slot, const char *text)
{
    if (segment->dying_ms != 0 || meta_segment_is_doomed(segment)) {
        fsck->counts->doomed++;
    } else {
        tell_slot(fsck, FSCK_UNCHECKED, segment, slot, text);
    }
}

/* True: it is there as it should be. */
static bool check_slot(
    struct fsck *fsck, const struct meta_segment *segment, unsigned slot, uint64_t length)
{
    char text[TEXT_MAX];
    uint8_t id[SHARD_ID_SIZE];
    struct fsck_space *space = space_of(fsck, segment->holders[slot].node);
    if (space == NULL || !space->is_reached) {
        note_unseen(fsck, segment, slot, "its node does not answer");
        return false;
    }
    space->named_bytes += length;
    space->named_shards++;
    fsck_meta_shard_id(fsck->meta, segment, slot, id);
    struct fsck_entry *entry = fsck_table_find(&fsck->table, space->node, id);
    if (entry != NULL) {
        entry->is_named = true;
    }
    if (entry != NULL && !entry->is_trash && entry->length == length) {
        return true;
    }
    if (has_moved_on(fsck, segment)) {
        fsck->counts->in_flight++;
    } else if (entry == NULL) {
        tell_slot(fsck, FSCK_MISSING, segment, slot, "its node does not list it");
    } else if (entry->is_trash) {
        tell_slot(fsck, FSCK_TRASHED, segment, slot, "its node has it in the trash");
    } else {
        snprintf(text, sizeof(text), "its node has %ju bytes of %ju", (uintmax_t)entry->length,
            (uintmax_t)length);
        tell_slot(fsck, FSCK_LENGTH, segment, slot, text);
    }
    return false;
}

/* D1: two holders that fail together count as one. */
static void check_domains(struct fsck *fsck, const struct meta_segment *segment)
{
    const struct meta_node *nodes[META_SLOTS_MAX];
    size_t count = 0;
    char text[TEXT_MAX];
    for (unsigned slot = 0; slot < segment->n; slot++) {
        const struct meta_node *node = fsck_meta_node(fsck->meta, segment->holders[slot].node);
        for (size_t i = 0; node != NULL && i < count; i++) {
            bool same_node = nodes[i]->number == node->number;
            bool together = nodes[i]->owner == node->owner ||
                memcmp(&nodes[i]->network, &node->network, sizeof(node->network)) == 0;
            if (same_node || (together && !fsck->options->allows_colocation)) {
                snprintf(text, sizeof(text), "nodes %u and %u fail together", nodes[i]->number,
                    node->number);
                tell_slot(fsck, FSCK_DOMAIN, segment, slot, text);
            }
        }
        if (node != NULL) {
            nodes[count++] = node;
        }
    }
}

static void check_cells(
    struct fsck *fsck, const struct meta_segment *segment, struct ec_slots listed)
{
    struct fsck_slot slots[META_SLOTS_MAX] = {{.code = HEARTH_OK}};
    const struct fsck_fleet *fleet = fsck->options->fleet;
    if (fleet->check_cells(fleet->context, segment, slots, fsck->err) != HEARTH_OK) {
        fsck->code = fsck->err->code;
        return;
    }
    for (unsigned slot = ec_slots_next(listed, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(listed, slot + 1)) {
        if (slots[slot].code == HEARTH_OK) {
            fsck->counts->verified++;
        } else if (has_moved_on(fsck, segment)) {
            fsck->counts->in_flight++;
        } else if (hearth_code_reaction(slots[slot].code) == HEARTH_REACT_REPAIR ||
            slots[slot].code == HEARTH_NOT_FOUND || slots[slot].code == HEARTH_TRASHED) {
            tell_slot(fsck, FSCK_TAG, segment, slot, slots[slot].err.message);
        } else {
            note_unseen(fsck, segment, slot, slots[slot].err.message);
        }
    }
}

static void check_holders(struct fsck *fsck, const struct meta_segment *segment, uint64_t length)
{
    struct ec_slots good = {{0}};
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (segment->holders[slot].node != 0 && check_slot(fsck, segment, slot, length)) {
            ec_slots_add(&good, slot);
        }
    }
    fsck->counts->shards += ec_slots_count(good);
    if (fsck->options->is_deep && ec_slots_count(good) > 0) {
        check_cells(fsck, segment, good);
    }
}

static void check_segment(void *context, const struct meta_segment *segment)
{
    struct fsck *fsck = context;
    uint64_t length;
    unsigned held = 0;
    if (is_over(fsck)) {
        return;
    }
    fsck->counts->segments++;
    if (segment_shard_size(segment->k, segment->length, &length, fsck->err) != HEARTH_OK) {
        tell_slot(fsck, FSCK_REFERENCE, segment, 0, "it is longer than a segment can be");
        return;
    }
    for (unsigned slot = 0; slot < segment->n; slot++) {
        held += segment->holders[slot].node != 0;
    }
    fsck->counts->segments_below_n += held < segment->n;
    check_domains(fsck, segment);
    if (fsck->options->fleet != NULL) {
        check_holders(fsck, segment, length);
    }
}

/* ---- what nodes have beside that ---- */

static void tell_entry(
    struct fsck *fsck, enum fsck_kind kind, const struct fsck_entry *entry, const char *text)
{
    struct meta_id segment;
    struct fsck_finding finding = {
        .kind = kind, .node = entry->node, .shard = entry->name.id, .text = text};
    if (fsck_meta_place(fsck->meta, &entry->name, &segment, &finding.slot)) {
        finding.segment = &segment;
    }
    fsck->counts->orphans += kind == FSCK_ORPHAN;
    tell(fsck, &finding);
}

/* The shards of one object that a restored backup does not know have their segment in common. */
static void tell_orphan(struct fsck *fsck, const struct fsck_entry *entry)
{
    bool is_ahead = meta_is_ahead(&fsck->options->settings, entry->stored_ms);
    fsck->counts->ahead += is_ahead;
    tell_entry(fsck, FSCK_ORPHAN, entry,
        is_ahead ? "nobody names it; from after the backup that was restored, kept until gc release"
                 : "nobody names it");
}

/* Some other node lists a shard by that name. */
static bool is_elsewhere(struct fsck *fsck, const struct fsck_entry *entry)
{
    const struct meta_node_list *nodes = fsck_meta_nodes(fsck->meta);
    for (size_t i = 0; i < nodes->count; i++) {
        uint32_t number = nodes->nodes[i].number;
        if (number != entry->node &&
            fsck_table_find(&fsck->table, number, entry->name.id) != NULL) {
            return true;
        }
    }
    return false;
}

/* Offers are written before orders leave: what is older than the copy and unknown to it is
 * nobody's.
 */
static void check_entry(struct fsck *fsck, const struct fsck_entry *entry)
{
    switch (fsck_meta_who_names(fsck->meta, entry->node, entry->name.id,
        view_of(entry->name.locator, sizeof(entry->name.locator)))) {
    case FSCK_NAMED_HOLDER: break; /* of a segment that is dying */
    case FSCK_NAMED_OFFER:
    case FSCK_NAMED_DEAD: fsck->counts->in_flight++; break;
    case FSCK_NAMED_SHIPMENT: fsck->counts->strays++; break;
    case FSCK_NAME_FORGED: tell_entry(fsck, FSCK_FORGED, entry, "its locator is another's"); break;
    case FSCK_NAMED_NOWHERE:
        if (entry->stored_ms + FLIGHT_MS >= fsck->options->copied_ms) {
            fsck->counts->in_flight++;
        } else if (is_elsewhere(fsck, entry)) {
            tell_entry(fsck, FSCK_DUPLICATE, entry, "nobody names it here; another node has it");
        } else {
            tell_orphan(fsck, entry);
        }
        break;
    }
}

static void check_entries(struct fsck *fsck)
{
    for (size_t i = 0; i < fsck->table.count && fsck->code == HEARTH_OK; i++) {
        const struct fsck_entry *entry = &fsck->table.entries[i];
        fsck->counts->listed += !entry->is_trash;
        fsck->counts->trashed += entry->is_trash;
        if (!entry->is_trash && !entry->is_named) {
            check_entry(fsck, entry);
        }
    }
}

static void tell_damage(void *context, uint32_t node, const char *text)
{
    const struct fsck_finding finding = {.kind = FSCK_DAMAGE, .node = node, .text = text};
    tell(context, &finding);
}

static void tell_spaces(struct fsck *fsck)
{
    const struct meta_node_list *nodes = fsck_meta_nodes(fsck->meta);
    for (size_t i = 0; i < nodes->count && fsck->code == HEARTH_OK; i++) {
        if (nodes->nodes[i].state != META_NODE_GONE) {
            fsck->code = fsck->options->space(fsck->options->context, &fsck->spaces[i], fsck->err);
        }
    }
}

/* ---- all of it ---- */

static enum hearth_code check_all(struct fsck *fsck, struct hearth_err *err)
{
    if (list_nodes(fsck, err) != HEARTH_OK ||
        fsck_meta_check(fsck->meta, &fsck->report, err) != HEARTH_OK ||
        fsck_meta_sweep(fsck->meta, check_segment, fsck, err) != HEARTH_OK) {
        return err->code;
    }
    fsck->counts->objects = fsck->report.objects;
    fsck->counts->bytes = fsck->report.bytes;
    check_entries(fsck);
    const struct fsck_fleet *fleet = fsck->options->fleet;
    if (fleet != NULL) {
        tell_spaces(fsck);
    }
    if (fleet != NULL && fleet->tell_damage != NULL) {
        fleet->tell_damage(fleet->context, tell_damage, fsck);
    }
    return fsck->code;
}

enum hearth_code fsck_run_blocking(
    const struct fsck_options *options, struct fsck_counts *counts, struct hearth_err *err)
{
    struct fsck *fsck = calloc(1, sizeof(*fsck));
    *counts = (struct fsck_counts){.problems = 0};
    if (fsck == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "check");
    }
    fsck->options = options;
    fsck->meta = options->meta;
    fsck->counts = counts;
    fsck->err = err;
    fsck->report = (struct fsck_report){.tell = tell_reference, .context = fsck};
    enum hearth_code code = check_all(fsck, err);
    fsck_table_fini(&fsck->table);
    free(fsck->spaces);
    free(fsck);
    return code;
}
