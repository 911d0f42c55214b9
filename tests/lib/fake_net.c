#include "tests/lib/fake_net.h"

#include "proto/wire_messages.h"

#include <stdio.h>

enum { US = 1000, DRIP_US_PER_KIB = 1000000, SLOW_US = 100000, SHARD_CELLS_MAX = 1024 };
enum { RECEIPT_SIZE_MAX = 256 };

struct fake_shard {
    struct fake_shard *next;
    struct fake_order order; /* of the put that made it; action aside, its name */
    unsigned cell_count;
    struct buf *cells[SHARD_CELLS_MAX];
};

struct fake_call {
    struct shard_call call; /* first */
    struct fake_call *next;
    struct fake_net *net;
    struct shard_port port;
    struct fake_node *node; /* NULL: nobody at that address */
    struct fake_order order;
    bool is_over;
    bool is_refused; /* the node was busy */
    bool has_manner; /* of its own */
    enum fake_manner manner;
    uint64_t due_ns;  /* when the next thing happens to it; UINT64_MAX: nothing will */
    uint64_t open_ns; /* when its first cell can begin its way */
    unsigned cells_done;

    /* A put. */
    struct slice queue[SHARD_CELLS_MAX]; /* from cells_done on */
    unsigned queued;                     /* given by the transfer */
    unsigned buffered;                   /* of these, taken by the transport */
    bool has_footer;
    struct shard_footer footer;
    struct buf *paper; /* the order as it was shown */
    struct fake_shard *shard;

    /* A get. */
    unsigned first;
    unsigned wanted;
    unsigned credit;
};

static uint64_t now_ns(const struct fake_net *net)
{
    return net->env->monotonic_ns;
}

/* ---- shards ---- */

static bool same_shard(const struct fake_order *a, const struct fake_order *b)
{
    return a->node == b->node && a->slot == b->slot && a->number == b->number &&
        memcmp(a->segment_id, b->segment_id, sizeof(a->segment_id)) == 0;
}

static struct fake_shard *find_shard(const struct fake_net *net, const struct fake_order *order)
{
    struct fake_shard *shard = net->shards;
    while (shard != NULL && !same_shard(&shard->order, order)) {
        shard = shard->next;
    }
    return shard;
}

bool fake_net_has_shard(const struct fake_net *net, const struct fake_order *order)
{
    return find_shard(net, order) != NULL;
}

void fake_net_plant_cell(struct fake_net *net, const struct fake_order *order, struct view cell)
{
    struct fake_shard *shard = find_shard(net, order);
    if (shard == NULL) {
        shard = calloc(1, sizeof(*shard));
        assert(shard != NULL);
        shard->order = *order;
        shard->next = net->shards;
        net->shards = shard;
    }
    assert(shard->cell_count < SHARD_CELLS_MAX);
    shard->cells[shard->cell_count++] = buf_copy(cell);
}

struct view fake_net_cell(
    const struct fake_net *net, const struct fake_order *order, unsigned stripe)
{
    const struct fake_shard *shard = find_shard(net, order);
    bool is_there = shard != NULL && stripe < shard->cell_count;
    return is_there ? buf_view(shard->cells[stripe]) : (struct view){0};
}

unsigned fake_net_shards(const struct fake_net *net)
{
    unsigned count = 0;
    for (const struct fake_shard *shard = net->shards; shard != NULL; shard = shard->next) {
        count++;
    }
    return count;
}

static void shard_free(struct fake_shard *shard)
{
    if (shard != NULL) {
        for (unsigned i = 0; i < shard->cell_count; i++) {
            buf_unref(shard->cells[i]);
        }
        free(shard);
    }
}

/* ---- calls ---- */

static enum fake_manner manner_of(const struct fake_call *call)
{
    return call->has_manner ? call->manner : call->node->manner;
}

static bool is_unreached(const struct fake_call *call)
{
    return call->node != NULL && manner_of(call) == FAKE_UNREACHED;
}

static bool is_silent(const struct fake_call *call)
{
    return is_unreached(call) || manner_of(call) == FAKE_STOPPED;
}

/* When a cell that begins its way now, or as soon as the call is open, is there. */
static uint64_t cell_due_ns(const struct fake_call *call)
{
    const struct fake_node *node = call->node;
    uint64_t us = node->cell_us > 0 ? node->cell_us : 100;
    if (manner_of(call) == FAKE_DRIPPING) {
        us = 64 * (uint64_t)DRIP_US_PER_KIB;
    } else if (manner_of(call) == FAKE_SLOW) {
        us += SLOW_US;
    }
    uint64_t start_ns = now_ns(call->net) > call->open_ns ? now_ns(call->net) : call->open_ns;
    return start_ns + us * US;
}

/* As by a cache of channels: after an address where nobody was it is the next one's turn. */
static bool is_at(struct fake_node *node, const struct wire_node_address *address)
{
    if (address->endpoints_count == 0) {
        return false;
    }
    size_t which = node->misses % address->endpoints_count;
    const char *host = node->host != NULL ? node->host : "node";
    bool is_here = view_equal(address->endpoints[which].host, view_text(host)) &&
        view_equal(address->node_id, view_of(node->id, sizeof(node->id)));
    node->misses += !is_here;
    return is_here;
}

static struct fake_call *call_open(struct fake_net *net, const struct shard_door *door,
    struct shard_inbox *inbox, void *context, enum fake_action action)
{
    if (net->at_open != NULL) {
        net->at_open(net, net->at_open_context);
    }
    struct fake_call *call = calloc(1, sizeof(*call));
    assert(call != NULL);
    call->paper = buf_copy(door->order);
    if (net->read_order != NULL) {
        net->read_order(net->paper_context, door->order, &call->order);
    } else {
        assert(door->order.size == sizeof(call->order));
        memcpy(&call->order, door->order.bytes, sizeof(call->order));
    }
    assert(call->order.action == action && call->order.node < net->node_count);
    struct fake_node *node = &net->nodes[call->order.node];
    call->call.net = &net->net;
    call->net = net;
    if (net->choose_manner != NULL) {
        call->has_manner = true;
        call->manner = net->choose_manner(net->manner_context, &call->order);
    }
    bool is_dead = (call->has_manner ? call->manner : node->manner) == FAKE_DEAD;
    call->node = !is_dead && is_at(node, door->node) ? node : NULL;
    call->due_ns = call->node == NULL ? now_ns(net) + 1000 * US : UINT64_MAX;
    call->open_ns = now_ns(net) + node->open_us * US;
    if (call->node != NULL && node->busy > 0) {
        node->busy--;
        call->is_refused = true;
        call->due_ns = now_ns(net) + 500 * US;
    }
    shard_port_open(&call->port, inbox, context);
    call->next = net->calls;
    net->calls = call;
    net->calls_open++;
    return call;
}

static void call_fail(struct fake_call *call, enum hearth_code code, const char *why)
{
    struct hearth_err err;
    hearth_fail(&err, code, "%s", why);
    shard_port_post_failed(&call->port, &err);
    call->is_over = true;
    call->due_ns = UINT64_MAX;
}

/* ---- putting ---- */

static void take_into_transport(struct fake_call *call)
{
    while (!is_unreached(call) && call->buffered < call->queued &&
        call->buffered - call->cells_done < FAKE_BUFFER_CELLS) {
        call->net->bytes_queued -= call->queue[call->buffered].view.size;
        call->buffered++;
        shard_port_post_sent(&call->port, call->queued - call->buffered);
    }
}

static void put_schedule(struct fake_call *call)
{
    if (call->node == NULL || call->is_over || call->due_ns != UINT64_MAX || is_silent(call)) {
        return;
    }
    if (call->cells_done < call->buffered) {
        call->due_ns = cell_due_ns(call);
    } else if (call->has_footer) {
        uint64_t us = call->node->sync_us > 0 ? call->node->sync_us : 500;
        call->due_ns = now_ns(call->net) + us * US;
    }
}

static void put_cell_arrives(struct fake_call *call)
{
    struct slice *cell = &call->queue[call->cells_done++];
    if (call->shard == NULL) {
        call->shard = calloc(1, sizeof(*call->shard));
        assert(call->shard != NULL);
        call->shard->order = call->order;
    }
    call->shard->cells[call->shard->cell_count++] = buf_copy(cell->view);
    buf_unref(cell->owner);
    *cell = (struct slice){0};
    take_into_transport(call);
}

static struct buf *receipt_of(const struct fake_call *call)
{
    const struct fake_net *net = call->net;
    if (net->make_receipt != NULL) {
        return net->make_receipt(net->paper_context, buf_view(call->paper), &call->footer);
    }
    struct buf *receipt = buf_create(RECEIPT_SIZE_MAX);
    assert(receipt != NULL && net->receipt_size <= RECEIPT_SIZE_MAX);
    memset(receipt->bytes, 0, RECEIPT_SIZE_MAX);
    memcpy(receipt->bytes, &call->order, sizeof(call->order));
    receipt->size = net->receipt_size > 0 ? net->receipt_size : sizeof(call->order);
    return receipt;
}

static void put_is_synced(struct fake_call *call)
{
    struct fake_net *net = call->net;
    if (find_shard(net, &call->order) == NULL && manner_of(call) != FAKE_FORGETS) {
        call->shard->next = net->shards;
        net->shards = call->shard;
        call->shard = NULL;
    }
    struct buf *receipt = receipt_of(call);
    shard_port_post_done(&call->port, (struct slice){receipt, buf_view(receipt)});
    call->is_over = true;
}

static void put_happens(struct fake_call *call)
{
    call->due_ns = UINT64_MAX;
    if (call->node == NULL || manner_of(call) == FAKE_DEAD) {
        call_fail(call, HEARTH_UNREACHABLE, "connection refused");
    } else if (call->is_refused) {
        call_fail(call, HEARTH_BUSY, "32 shards are coming and going already");
    } else if (manner_of(call) == FAKE_DIES_MIDWAY && call->cells_done == 2) {
        call_fail(call, HEARTH_UNREACHABLE, "connection reset");
    } else if (manner_of(call) == FAKE_BUSY_MIDWAY && call->cells_done == 2) {
        call_fail(call, HEARTH_BUSY, "changed its mind");
    } else if (call->cells_done < call->buffered) {
        put_cell_arrives(call);
    } else if (call->has_footer) {
        put_is_synced(call);
    }
    put_schedule(call);
}

static struct shard_call *put_open(struct shard_net *net, const struct shard_door *door,
    uint64_t size_expected, struct shard_inbox *inbox, void *context)
{
    (void)size_expected;
    struct fake_call *call = call_open((struct fake_net *)net, door, inbox, context, FAKE_PUT);
    if (call->node != NULL) {
        call->node->puts++;
    }
    return &call->call;
}

static void put_cell(struct fake_call *call, struct slice cell TAKES)
{
    assert(!call->has_footer && call->queued < SHARD_CELLS_MAX);
    call->queue[call->queued++] = cell;
    struct fake_net *net = call->net;
    net->bytes_queued += cell.view.size;
    net->bytes_queued_max =
        net->bytes_queued > net->bytes_queued_max ? net->bytes_queued : net->bytes_queued_max;
    if (call->node != NULL && !call->is_over) {
        take_into_transport(call);
        put_schedule(call);
    }
}

static void put_cells(struct shard_call *base, const struct slice *cells TAKES, unsigned count)
{
    struct fake_call *call = (struct fake_call *)base;
    call->net->handovers++;
    call->net->cells_put += count;
    for (unsigned i = 0; i < count; i++) {
        put_cell(call, cells[i]);
    }
}

static void put_footer(struct shard_call *base, const struct shard_footer *footer)
{
    struct fake_call *call = (struct fake_call *)base;
    assert(footer->cells == call->queued && !call->has_footer);
    call->has_footer = true;
    call->footer = *footer;
    put_schedule(call);
}

/* ---- getting ---- */

static void get_schedule(struct fake_call *call)
{
    bool has_more = call->cells_done < call->wanted && call->credit > 0;
    if (call->node != NULL && !call->is_over && call->due_ns == UINT64_MAX && has_more &&
        !is_silent(call)) {
        call->due_ns = cell_due_ns(call);
    }
}

/* A shard of another slot of the segment; liars help each other out. */
static const struct fake_shard *find_other_slot(const struct fake_call *call)
{
    const struct fake_shard *shard = call->net->shards;
    while (shard != NULL &&
        (memcmp(shard->order.segment_id, call->order.segment_id, 16) != 0 ||
            shard->order.slot == call->order.slot)) {
        shard = shard->next;
    }
    return shard;
}

/* The same slot of the newest, or the oldest, other segment. */
static const struct fake_shard *find_other_segment(const struct fake_call *call, bool oldest)
{
    const struct fake_shard *found = NULL;
    for (const struct fake_shard *shard = call->net->shards; shard != NULL; shard = shard->next) {
        if (memcmp(shard->order.segment_id, call->order.segment_id, 16) != 0 &&
            shard->order.slot == call->order.slot && (found == NULL || oldest)) {
            found = shard;
        }
    }
    return found;
}

/* What this node sends in place of the cell it was asked for. */
static struct buf *tell(struct fake_call *call, const struct fake_shard *shard, unsigned stripe)
{
    const struct fake_shard *other = NULL;
    switch (manner_of(call)) {
    case FAKE_SWAPS_CELLS: stripe = (stripe + 1) % shard->cell_count; break;
    case FAKE_OTHER_SHARD: other = find_other_slot(call); break;
    case FAKE_OTHER_OBJECT: other = find_other_segment(call, false); break;
    case FAKE_OLD_SHARD: other = find_other_segment(call, true); break;
    default: break;
    }
    if (other != NULL && stripe < other->cell_count) {
        shard = other;
    }
    struct buf *cell = buf_copy(buf_view(shard->cells[stripe]));
    assert(cell != NULL);
    if (manner_of(call) == FAKE_FLIPS_A_BIT) {
        cell->bytes[stripe % cell->size] ^= 0x10;
    } else if (manner_of(call) == FAKE_WRONG_LENGTH) {
        cell->size--;
    } else if (manner_of(call) == FAKE_EMPTY) {
        cell->size = 0;
    }
    return cell;
}

static void get_is_done(struct fake_call *call)
{
    shard_port_post_done(&call->port, (struct slice){0});
    call->is_over = true;
}

static void get_cell_leaves(struct fake_call *call, const struct fake_shard *shard)
{
    struct buf *cell = tell(call, shard, call->first + call->cells_done);
    shard_port_post_cell(&call->port, (struct slice){cell, buf_view(cell)});
    call->node->cells_sent++;
    call->cells_done++;
    call->credit--;
    bool ends_early = manner_of(call) == FAKE_ENDS_EARLY;
    if (call->cells_done == call->wanted || ends_early) {
        get_is_done(call);
    }
}

static void get_happens(struct fake_call *call)
{
    call->due_ns = UINT64_MAX;
    const struct fake_shard *shard = find_shard(call->net, &call->order);
    if (call->node == NULL || manner_of(call) == FAKE_DEAD) {
        call_fail(call, HEARTH_UNREACHABLE, "connection refused");
    } else if (call->is_refused) {
        call_fail(call, HEARTH_BUSY, "32 shards are coming and going already");
    } else if (shard == NULL || manner_of(call) == FAKE_LACKS) {
        call_fail(call, HEARTH_NOT_FOUND, "no such shard");
    } else if (manner_of(call) == FAKE_ROTTEN) {
        call_fail(call, HEARTH_CHECKSUM, "not what was stored");
    } else if (manner_of(call) == FAKE_DIES_MIDWAY && call->cells_done == 2) {
        call_fail(call, HEARTH_UNREACHABLE, "connection reset");
    } else if (manner_of(call) == FAKE_BUSY_MIDWAY && call->cells_done == 2) {
        call_fail(call, HEARTH_BUSY, "changed its mind");
    } else if (call->first + call->wanted > shard->cell_count) {
        call_fail(call, HEARTH_INVALID, "stripes beyond the shard's");
    } else {
        get_cell_leaves(call, shard);
    }
    get_schedule(call);
}

static struct shard_call *get_open(struct shard_net *net, const struct shard_door *door,
    uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context)
{
    struct fake_call *call = call_open((struct fake_net *)net, door, inbox, context, FAKE_GET);
    assert(stripes > 0);
    call->first = first_stripe;
    call->wanted = stripes;
    if (call->node != NULL) {
        call->node->gets++;
    }
    return &call->call;
}

static void get_read(struct shard_call *base, unsigned cells)
{
    struct fake_call *call = (struct fake_call *)base;
    call->credit += cells;
    get_schedule(call);
}

/* ---- both ---- */

static void drop(struct shard_call *base TAKES)
{
    struct fake_call *call = (struct fake_call *)base;
    struct fake_net *net = call->net;
    struct fake_call **link = &net->calls;
    while (*link != call) {
        link = &(*link)->next;
    }
    *link = call->next;
    net->calls_open--;
    for (unsigned i = call->cells_done; i < call->queued; i++) {
        if (i >= call->buffered) {
            net->bytes_queued -= call->queue[i].view.size;
        }
        buf_unref(call->queue[i].owner);
    }
    shard_free(call->shard);
    buf_unref(call->paper);
    shard_port_close(&call->port);
    shard_port_fini(&call->port);
    free(call);
}

/* The next thing to happen, at or before until_ns; false: nothing. */
static bool happen_next(struct fake_net *net, uint64_t until_ns)
{
    struct fake_call *first = NULL;
    for (struct fake_call *call = net->calls; call != NULL; call = call->next) {
        if (call->due_ns != UINT64_MAX && (first == NULL || call->due_ns < first->due_ns)) {
            first = call;
        }
    }
    if (first == NULL || first->due_ns > until_ns) {
        return false;
    }
    uint64_t step_ns = first->due_ns > now_ns(net) ? first->due_ns - now_ns(net) : 0;
    net->env->monotonic_ns += step_ns;
    net->env->unix_ms += step_ns / 1000000u;
    (first->order.action == FAKE_PUT ? put_happens : get_happens)(first);
    return true;
}

static void step_to(struct fake_net *net, uint64_t until_ns)
{
    if (until_ns > now_ns(net)) {
        uint64_t step_ns = until_ns - now_ns(net);
        net->env->monotonic_ns += step_ns;
        net->env->unix_ms += step_ns / 1000000u;
    }
}

static void wait(struct shard_net *base, struct shard_inbox *inbox, uint64_t until_ns)
{
    struct fake_net *net = (struct fake_net *)base;
    if (net->at_wait != NULL) {
        net->at_wait(net, net->at_wait_context);
    }
    if (shard_inbox_has_events(inbox)) {
        return;
    }
    const uint64_t most_ns = now_ns(net) + net->wait_ms_max * 1000000u;
    if (net->wait_ms_max > 0 && until_ns != UINT64_MAX && until_ns > most_ns) {
        until_ns = most_ns;
    }
    if (!happen_next(net, until_ns)) {
        assert(until_ns != UINT64_MAX); /* nothing can happen any more: the transfer hangs */
        step_to(net, until_ns);
    }
}

void fake_net_run_ms(struct fake_net *net, uint64_t ms)
{
    uint64_t end_ns = now_ns(net) + ms * 1000000u;
    while (happen_next(net, end_ns)) {
    }
    step_to(net, end_ns);
}

static enum hearth_code identify(struct shard_net *net, const struct pki_key *key,
    struct view certificate, struct hearth_err *err)
{
    (void)key;
    (void)certificate;
    (void)err;
    ((struct fake_net *)net)->identified++;
    return HEARTH_OK;
}

static const struct shard_net_ops fake_ops = {
    .identify = identify,
    .put_open = put_open,
    .put_cells = put_cells,
    .put_footer = put_footer,
    .get_open = get_open,
    .get_read = get_read,
    .drop = drop,
    .wait = wait,
};

void fake_net_init(struct fake_net *net, struct test_env *env, unsigned node_count)
{
    assert(node_count <= FAKE_NODES_MAX);
    *net = (struct fake_net){.net = {&fake_ops}, .env = env, .node_count = node_count};
    for (unsigned i = 0; i < node_count; i++) {
        memset(net->nodes[i].id, (int)(0x10 + i), FAKE_NODE_ID_SIZE);
    }
}

void fake_net_fini(struct fake_net *net)
{
    assert(net->calls_open == 0 && net->bytes_queued == 0);
    while (net->shards != NULL) {
        struct fake_shard *next = net->shards->next;
        shard_free(net->shards);
        net->shards = next;
    }
}
