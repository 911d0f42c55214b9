/*
 * fsck_cluster.c - a whole cluster of tools/local-cluster, checked while none of it runs.
 *
 *   fsck_cluster DIR
 *
 *   metadata against itself      fsck_meta
 *   each segment                 every holder has its shard, of the right length, live, every cell
 *                                fits its tag; k of them give all others; owners, networks differ
 *   each shard on each disk      is named by a segment, an offer or a dead shard's row; else nobody
 *                                will ever delete it: an orphan
 *
 * Prints what was counted as JSON, and each problem on standard error.  Exit 0: clean, 1: not,
 * 2: it could not be checked.  Opening a volume recovers it as a start of its daemon would.
 */
#include "client/shard_tag.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "coordinator/rescue/fsck_meta.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/fsck_node.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { NODES_MAX = 999 };

struct fsck {
    const char *directory;
    struct fsck_report report;
    struct env env;
    struct loop *loop;
    struct fsck_meta *meta;
    struct fsck_node *nodes[NODES_MAX]; /* by number - 1; NULL: none, or not here */
};

/* ---- one segment ---- */

struct segment_check {
    struct fsck *fsck;
    const struct meta_segment *segment;
    char name[2 * META_ID_SIZE + 1];
    struct ec_stripes stripes;
    struct shard_tagger *tagger;
    struct ec_codec *codec;
    struct fsck_shard *shards[META_SLOTS_MAX];
    struct ec_slots have;
    uint8_t *cells; /* n of the largest size: as read */
    uint8_t *rebuilt;
};

/* D1: two holders that fail together count as one. */
static void check_domains(struct segment_check *check)
{
    const struct meta_segment *segment = check->segment;
    const struct meta_node *nodes[META_SLOTS_MAX];
    size_t count = 0;
    for (unsigned slot = 0; slot < segment->n; slot++) {
        const struct meta_node *node =
            fsck_meta_node(check->fsck->meta, segment->holders[slot].node);
        for (size_t i = 0; node != NULL && i < count; i++) {
            if (nodes[i]->owner == node->owner ||
                memcmp(&nodes[i]->network, &node->network, sizeof(node->network)) == 0) {
                fsck_problem(&check->fsck->report, "segment %s: nodes %u and %u fail together",
                    check->name, nodes[i]->number, node->number);
            }
        }
        if (node != NULL) {
            nodes[count++] = node;
        }
    }
}

/* Nothing names it any more, so nobody rebuilds what a lost node had of it. */
static bool is_given_up(const struct meta_segment *segment)
{
    return segment->dying_ms != 0 || meta_segment_is_doomed(segment);
}

static void open_shard(struct segment_check *check, unsigned slot)
{
    struct fsck *fsck = check->fsck;
    uint32_t number = check->segment->holders[slot].node;
    uint8_t id[META_ID_SIZE];
    struct hearth_err err;
    struct fsck_node *node = number <= NODES_MAX ? fsck->nodes[number - 1] : NULL;
    fsck_meta_shard_id(fsck->meta, check->segment, slot, id);
    if (node == NULL) {
        if (!is_given_up(check->segment)) {
            fsck_problem(&fsck->report, "segment %s slot %u: node %u has no folder here",
                check->name, slot, number);
        }
        return;
    }
    if (fsck_shard_open(node, id, &check->shards[slot], &err) != HEARTH_OK) {
        fsck_problem(&fsck->report, "segment %s slot %u at node %u: %s", check->name, slot, number,
            err.message);
        return;
    }
    const struct volume_shard_info *info = fsck_shard_info(check->shards[slot]);
    if (info->trashed) {
        fsck_problem(&fsck->report, "segment %s slot %u at node %u: is in the trash", check->name,
            slot, number);
    }
    if (info->length != ec_stripes_tagged_shard_size(&check->stripes) ||
        info->cell_count != check->stripes.stripe_count || info->slot != slot) {
        fsck_problem(&fsck->report, "segment %s slot %u at node %u: %" PRIu64 " bytes of slot %u",
            check->name, slot, number, info->length, info->slot);
        return;
    }
    ec_slots_add(&check->have, slot);
}

/* The slot's cell of a stripe, into cells; the slot is no longer had when it is not true. */
static void read_cell(struct segment_check *check, unsigned stripe, unsigned slot)
{
    size_t size = ec_stripes_cell_size(&check->stripes, stripe);
    struct view cell;
    struct hearth_err err;
    if (fsck_shard_read(check->shards[slot], stripe, &cell, &err) != HEARTH_OK) {
        fsck_problem(
            &check->fsck->report, "segment %s slot %u: %s", check->name, slot, err.message);
        ec_slots_remove(&check->have, slot);
    } else if (cell.size != size + EC_CELL_TAG_SIZE ||
        !shard_tag_fits(
            check->tagger, slot, stripe, view_of(cell.bytes, size), cell.bytes + size)) {
        fsck_problem(&check->fsck->report, "segment %s slot %u stripe %u: does not fit its tag",
            check->name, slot, stripe);
        ec_slots_remove(&check->have, slot);
    } else {
        memcpy(check->cells + (size_t)slot * EC_CELL_SIZE_MAX, cell.bytes, size);
    }
}

/* k of the cells give the others. */
static void check_code(struct segment_check *check, unsigned stripe)
{
    size_t size = ec_stripes_cell_size(&check->stripes, stripe);
    uint8_t *cells[META_SLOTS_MAX] = {0};
    struct ec_slots sources = {{0}};
    struct ec_slots others = {{0}};
    struct hearth_err err;
    if (is_given_up(check->segment) && ec_slots_count(check->have) < check->segment->k) {
        return;
    }
    for (unsigned slot = 0; slot < check->segment->n; slot++) {
        /* From the other end in every second stripe: each shard is a source and a result. */
        unsigned at = stripe % 2 == 0 ? slot : check->segment->n - 1u - slot;
        if (!ec_slots_has(check->have, at)) {
            continue;
        }
        bool is_source = ec_slots_count(sources) < check->segment->k;
        ec_slots_add(is_source ? &sources : &others, at);
        cells[at] = (is_source ? check->cells : check->rebuilt) + (size_t)at * EC_CELL_SIZE_MAX;
    }
    if (ec_codec_rebuild(check->codec, size, cells, sources, others, &err) != HEARTH_OK) {
        fsck_problem(&check->fsck->report, "segment %s: %s", check->name, err.message);
        return;
    }
    for (unsigned slot = ec_slots_next(others, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(others, slot + 1)) {
        if (memcmp(cells[slot], check->cells + (size_t)slot * EC_CELL_SIZE_MAX, size) != 0) {
            fsck_problem(&check->fsck->report, "segment %s slot %u stripe %u: not what others say",
                check->name, slot, stripe);
        }
    }
}

static void check_stripes(struct segment_check *check)
{
    for (unsigned stripe = 0; stripe < check->stripes.stripe_count; stripe++) {
        for (unsigned slot = ec_slots_next(check->have, 0); slot < EC_SLOTS_MAX;
             slot = ec_slots_next(check->have, slot + 1)) {
            read_cell(check, stripe, slot);
        }
        check_code(check, stripe);
    }
    check->fsck->report.decoded++;
}

static void prepare_segment(struct segment_check *check)
{
    const struct meta_segment *segment = check->segment;
    struct verify_key key;
    struct hearth_err err;
    static_assert(sizeof(key.bytes) == sizeof(segment->vk), "the same key");
    memcpy(key.bytes, segment->vk, sizeof(key.bytes));
    enum hearth_code code = ec_stripes_init(&check->stripes, segment->k, segment->length, &err);
    assert(code == HEARTH_OK);
    code = ec_codec_create((unsigned)segment->codec, segment->k, segment->n, &check->codec, &err);
    assert(code == HEARTH_OK);
    check->tagger = shard_tagger_create(&key);
    check->cells = malloc((size_t)segment->n * EC_CELL_SIZE_MAX);
    check->rebuilt = malloc((size_t)segment->n * EC_CELL_SIZE_MAX);
    assert(check->tagger != NULL && check->cells != NULL && check->rebuilt != NULL);
}

static void check_segment(void *context, const struct meta_segment *segment)
{
    struct segment_check check = {.fsck = context, .segment = segment};
    struct fsck_report *report = &check.fsck->report;
    unsigned held = 0;
    hex_encode(segment->id.bytes, META_ID_SIZE, check.name);
    prepare_segment(&check);
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (segment->holders[slot].node != 0) {
            held++;
            open_shard(&check, slot);
        }
    }
    check_domains(&check);
    check_stripes(&check);
    report->segments++;
    report->segments_below_n += held < segment->n;
    report->shards += ec_slots_count(check.have);
    for (unsigned slot = 0; slot < segment->n; slot++) {
        fsck_shard_close(check.shards[slot]);
    }
    free(check.cells);
    free(check.rebuilt);
    shard_tagger_destroy(check.tagger);
    ec_codec_destroy(check.codec);
}

/* ---- every shard of a node ---- */

struct node_check {
    struct fsck *fsck;
    struct fsck_node *node;
    uint32_t number;
};

static void check_named(const struct node_check *check, const struct shard_id *id)
{
    struct fsck_report *report = &check->fsck->report;
    struct shard_id_text text = shard_id_text(id);
    struct fsck_shard *shard;
    struct hearth_err err;
    report->on_disk++;
    if (fsck_shard_open(check->node, id->bytes, &shard, &err) != HEARTH_OK) {
        fsck_problem(report, "node %u: %s", check->number, err.message);
        return;
    }
    const struct shard_locator *locator = &fsck_shard_info(shard)->locator;
    switch (fsck_meta_who_names(check->fsck->meta, check->number, id->bytes,
        view_of(locator->bytes, sizeof(locator->bytes)))) {
    case FSCK_NAMED_HOLDER: break;
    case FSCK_NAMED_OFFER: report->offered++; break;
    case FSCK_NAMED_DEAD: report->dead++; break;
    case FSCK_NAMED_SHIPMENT: report->strays++; break;
    case FSCK_NAMED_NOWHERE:
        report->orphans++;
        fsck_problem(report, "node %u: shard %s: nobody names it", check->number, text.chars);
        break;
    case FSCK_NAME_FORGED:
        fsck_problem(
            report, "node %u: shard %s: its locator is another's", check->number, text.chars);
        break;
    }
    fsck_shard_close(shard);
}

static void check_found(void *context, const struct shard_id *id, bool trashed)
{
    const struct node_check *check = context;
    if (trashed) {
        check->fsck->report.trashed++;
    } else {
        check_named(check, id);
    }
}

/* ---- the whole ---- */

static uint32_t number_of(const struct fsck *fsck, const uint8_t id[META_PRINCIPAL_SIZE])
{
    const struct meta_node_list *nodes = fsck_meta_nodes(fsck->meta);
    for (size_t i = 0; i < nodes->count; i++) {
        if (memcmp(nodes->nodes[i].id.bytes, id, META_PRINCIPAL_SIZE) == 0) {
            return nodes->nodes[i].number;
        }
    }
    return 0;
}

static enum hearth_code open_node(struct fsck *fsck, const char *name, struct hearth_err *err)
{
    char path[PATH_MAX];
    struct fsck_node *node;
    snprintf(path, sizeof(path), "%s/nodes/%s", fsck->directory, name);
    if (fsck_node_open(path, fsck->loop, &fsck->report, &node, err) != HEARTH_OK) {
        return err->code;
    }
    uint32_t number = number_of(fsck, fsck_node_id(node));
    if (number == 0 || number > NODES_MAX || fsck->nodes[number - 1] != NULL) {
        fsck_node_close(node);
        return hearth_fail(err, HEARTH_INVALID, "%s: no node of this cluster, or twice", path);
    }
    fsck->nodes[number - 1] = node;
    return HEARTH_OK;
}

static enum hearth_code open_nodes(struct fsck *fsck, struct hearth_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/nodes", fsck->directory);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", path);
    }
    enum hearth_code code = HEARTH_OK;
    for (struct dirent *entry; code == HEARTH_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            code = open_node(fsck, entry->d_name, err);
        }
    }
    closedir(folder);
    return code;
}

static enum hearth_code check_nodes(struct fsck *fsck, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (uint32_t i = 0; i < NODES_MAX && code == HEARTH_OK; i++) {
        struct node_check check = {.fsck = fsck, .node = fsck->nodes[i], .number = i + 1};
        if (check.node != NULL) {
            code = fsck_node_walk(check.node, check_found, &check, err);
        }
    }
    return code;
}

static uint64_t at_the_beginning(struct env *env)
{
    (void)env;
    return 0;
}

/* For the volumes time stands still, so that none of them begins to tidy up what is being read. */
static enum hearth_code create_loop(struct fsck *fsck, struct hearth_err *err)
{
    fsck->env = *env_system();
    fsck->env.now_monotonic_ns = at_the_beginning;
    return loop_create(&fsck->env, &fsck->loop, err);
}

static enum hearth_code check_all(struct fsck *fsck, struct hearth_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/coordinator", fsck->directory);
    enum hearth_code code = create_loop(fsck, err);
    if (code == HEARTH_OK) {
        code = fsck_meta_open(path, &fsck->meta, err);
    }
    if (code == HEARTH_OK) {
        code = open_nodes(fsck, err);
    }
    if (code == HEARTH_OK) {
        code = fsck_meta_check(fsck->meta, &fsck->report, err);
    }
    if (code == HEARTH_OK) {
        code = fsck_meta_sweep(fsck->meta, check_segment, fsck, err);
    }
    return code == HEARTH_OK ? check_nodes(fsck, err) : code;
}

static void close_all(struct fsck *fsck)
{
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        fsck_node_close(fsck->nodes[i]);
    }
    fsck_meta_close(fsck->meta);
    loop_destroy(fsck->loop);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: fsck_cluster DIR\n", stderr);
        return 2;
    }
    struct fsck fsck = {.directory = argv[1]};
    struct hearth_err err;
    enum hearth_code code = check_all(&fsck, &err);
    if (code == HEARTH_OK) {
        fsck_report_print(&fsck.report);
    } else {
        fprintf(stderr, "fsck_cluster %s: %s\n", argv[1], err.message);
    }
    close_all(&fsck);
    return code != HEARTH_OK ? 2 : fsck.report.problems > 0 ? 1 : 0;
}
