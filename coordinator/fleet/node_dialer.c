#include "coordinator/fleet/node_dialer.h"

#include "common/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

enum { ADDRESS_SIZE = WIRE_HOST_MAX + 16, ENTRIES_STEP = 64, NS_PER_MS = 1000000 };

/* An address by value: the heartbeat it came with is long over when it is dialled. */
struct dial_target {
    uint32_t kind;
    uint16_t port;
    uint8_t host_size;
    char host[WIRE_HOST_MAX];
};
static_assert(sizeof(struct dial_target) == 4 + 2 + 1 + WIRE_HOST_MAX, "compared as bytes");

/* What a node says of itself. */
struct dial_targets {
    struct dial_target items[META_ENDPOINTS_MAX]; /* unused ones are zero */
    size_t count;
};

struct dial_entry {
    uint32_t number;
    uint8_t id[PKI_ID_SIZE];
    struct dial_targets targets; /* as reported last */
    bool has_changed;            /* since they were dialled last */
    bool all_met;                /* when they were dialled last */
    bool is_queued;              /* or being dialled */
    bool was_seen;               /* since it was queued */
    uint64_t dialled_ns;         /* when it was begun; 0: never */
    struct dial_entry *next;     /* in the queue */
};

struct node_dialer {
    struct node_dialer_options options;
    int stop_fd;
    pthread_t threads[NODE_DIAL_THREADS];
    unsigned thread_count;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool is_stopping;
        struct dial_entry **entries; /* by number; NULL: not seen yet */
        size_t entry_count;
        struct dial_entry *oldest; /* the queue */
        struct dial_entry *newest;
    } shared;
};

/* ---- what a node said; under the lock ---- */

static struct dial_targets targets_of(const struct wire_endpoint *endpoints, size_t count)
{
    struct dial_targets targets = {0};
    for (size_t i = 0; i < count && i < META_ENDPOINTS_MAX; i++) {
        struct dial_target *target = &targets.items[targets.count++];
        target->kind = endpoints[i].kind;
        target->port = (uint16_t)endpoints[i].port;
        target->host_size = (uint8_t)endpoints[i].host.size;
        if (target->host_size > 0) {
            memcpy(target->host, endpoints[i].host.bytes, target->host_size);
        }
    }
    return targets;
}

/* Room for `number` in the table. false: out of memory; the next heartbeat tries again. */
static bool make_room(struct node_dialer *dialer, uint32_t number)
{
    const size_t before = dialer->shared.entry_count;
    if (number < before) {
        return true;
    }
    const size_t count = (size_t)number + ENTRIES_STEP;
    struct dial_entry **entries = realloc(dialer->shared.entries, count * sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    memset(entries + before, 0, (count - before) * sizeof(*entries));
    dialer->shared.entries = entries;
    dialer->shared.entry_count = count;
    return true;
}

static struct dial_entry *entry_of(
    struct node_dialer *dialer, uint32_t number, const uint8_t id[PKI_ID_SIZE])
{
    if (!make_room(dialer, number)) {
        return NULL;
    }
    struct dial_entry *entry = dialer->shared.entries[number];
    if (entry == NULL && (entry = calloc(1, sizeof(*entry))) != NULL) {
        entry->number = number;
        memcpy(entry->id, id, sizeof(entry->id));
        dialer->shared.entries[number] = entry;
    }
    return entry;
}

static bool is_due(const struct node_dialer *dialer, const struct dial_entry *entry)
{
    const bool is_settled = entry->all_met && !entry->has_changed;
    const uint64_t pause_ms = is_settled ? NODE_DIAL_AGAIN_MS : NODE_DIAL_PAUSE_MS;
    return entry->dialled_ns == 0 ||
        env_now_ns(dialer->options.env) >= entry->dialled_ns + pause_ms * NS_PER_MS;
}

static void enqueue_if_due(struct node_dialer *dialer, struct dial_entry *entry)
{
    if (entry->is_queued || !entry->was_seen || !is_due(dialer, entry)) {
        return;
    }
    entry->is_queued = true;
    entry->next = NULL;
    if (dialer->shared.newest != NULL) {
        dialer->shared.newest->next = entry;
    } else {
        dialer->shared.oldest = entry;
    }
    dialer->shared.newest = entry;
    pthread_cond_signal(&dialer->shared.changed);
}

void node_dialer_see(struct node_dialer *dialer, uint32_t number, const uint8_t id[PKI_ID_SIZE],
    const struct wire_endpoint *endpoints, size_t count)
{
    const struct dial_targets targets = targets_of(endpoints, count);
    UNLOCKS pthread_mutex_t *held = lock(&dialer->shared.mutex);
    struct dial_entry *entry = entry_of(dialer, number, id);
    if (entry == NULL) {
        return;
    }
    if (memcmp(&targets, &entry->targets, sizeof(targets)) != 0) {
        entry->targets = targets;
        entry->has_changed = true;
    }
    entry->was_seen = true;
    enqueue_if_due(dialer, entry);
}

/* ---- dialling; on a copy of the entry, without the lock ---- */

static enum hearth_code dial(struct node_dialer *dialer, const struct dial_entry *entry,
    const struct dial_target *target, struct hearth_err *err)
{
    char address[ADDRESS_SIZE];
    const bool is_v6 = memchr(target->host, ':', target->host_size) != NULL;
    snprintf(address, sizeof(address), "%s%.*s%s:%u", is_v6 ? "[" : "", target->host_size,
        target->host, is_v6 ? "]" : "", target->port);
    const struct node_probe probe = {.env = dialer->options.env,
        .address = address,
        .id = entry->id,
        .ca_pem = dialer->options.ca_pem,
        .stop_fd = dialer->stop_fd};
    if (target->kind != META_ENDPOINT_DIRECT) {
        return hearth_fail(err, HEARTH_UNIMPLEMENTED, "%s is not a direct address", address);
    }
    return dialer->options.probe(&probe, err);
}

/* All were met.  The result is told, unless we were stopped in the middle: then nothing is known.
 */
static bool dial_all(struct node_dialer *dialer, const struct dial_entry *entry)
{
    struct meta_endpoint endpoints[META_ENDPOINTS_MAX];
    size_t met = 0;
    for (size_t i = 0; i < entry->targets.count; i++) {
        struct hearth_err err;
        const struct dial_target *target = &entry->targets.items[i];
        endpoints[i] = (struct meta_endpoint){.kind = (enum meta_endpoint_kind)target->kind,
            .host = view_of(target->host, target->host_size),
            .port = target->port};
        enum hearth_code code = dial(dialer, entry, target, &err);
        if (code == HEARTH_CANCELLED) {
            return false;
        }
        if (code == HEARTH_OK) {
            endpoints[i].verified_ms = env_unix_ms(dialer->options.env);
            met++;
        }
    }
    const size_t count = entry->targets.count;
    dialer->options.dialled(dialer->options.context, entry->number, endpoints, count);
    return met == count;
}

/* Waits for the next node of the queue. NULL: we are stopping. */
static struct dial_entry *take(struct node_dialer *dialer, struct dial_entry *copy)
{
    UNLOCKS pthread_mutex_t *held = lock(&dialer->shared.mutex);
    while (dialer->shared.oldest == NULL && !dialer->shared.is_stopping) {
        pthread_cond_wait(&dialer->shared.changed, &dialer->shared.mutex);
    }
    if (dialer->shared.is_stopping) {
        return NULL;
    }
    struct dial_entry *entry = dialer->shared.oldest;
    dialer->shared.oldest = entry->next;
    if (entry->next == NULL) {
        dialer->shared.newest = NULL;
    }
    entry->has_changed = false;
    entry->was_seen = false;
    entry->dialled_ns = env_now_ns(dialer->options.env);
    *copy = *entry;
    return entry;
}

static void put_back(struct node_dialer *dialer, struct dial_entry *entry, bool all_met)
{
    UNLOCKS pthread_mutex_t *held = lock(&dialer->shared.mutex);
    entry->is_queued = false;
    entry->all_met = all_met;
    enqueue_if_due(dialer, entry); /* it may have moved on while it was dialled */
}

static void *run(void *argument)
{
    struct node_dialer *dialer = argument;
    struct dial_entry copy;
    struct dial_entry *entry;
    while ((entry = take(dialer, &copy)) != NULL) {
        put_back(dialer, entry, dial_all(dialer, &copy));
    }
    return NULL;
}

/* ---- a life ---- */

enum hearth_code node_dialer_start(
    const struct node_dialer_options *options, struct node_dialer **out, struct hearth_err *err)
{
    struct node_dialer *dialer = calloc(1, sizeof(*dialer));
    if (dialer == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "dialling of nodes");
    }
    dialer->options = *options;
    if (dialer->options.probe == NULL) {
        dialer->options.probe = node_probe_blocking;
    }
    pthread_mutex_init(&dialer->shared.mutex, NULL);
    pthread_cond_init(&dialer->shared.changed, NULL);
    dialer->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (dialer->stop_fd < 0) {
        hearth_fail_sys(err, HEARTH_IO, errno, "dialling of nodes");
        goto undo;
    }
    for (; dialer->thread_count < NODE_DIAL_THREADS; dialer->thread_count++) {
        int rc = pthread_create(&dialer->threads[dialer->thread_count], NULL, run, dialer);
        if (rc != 0) {
            hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start dialling of nodes");
            goto undo;
        }
    }
    *out = dialer;
    return HEARTH_OK;

undo:
    node_dialer_stop(dialer);
    return err->code;
}

static void tell_to_stop(struct node_dialer *dialer)
{
    UNLOCKS pthread_mutex_t *held = lock(&dialer->shared.mutex);
    dialer->shared.is_stopping = true;
    pthread_cond_broadcast(&dialer->shared.changed);
    if (dialer->stop_fd >= 0) {
        eventfd_write(dialer->stop_fd, 1);
    }
}

void node_dialer_stop(struct node_dialer *dialer)
{
    if (dialer == NULL) {
        return;
    }
    tell_to_stop(dialer);
    for (unsigned i = 0; i < dialer->thread_count; i++) {
        pthread_join(dialer->threads[i], NULL);
    }
    for (size_t i = 0; i < dialer->shared.entry_count; i++) {
        free(dialer->shared.entries[i]);
    }
    free(dialer->shared.entries);
    if (dialer->stop_fd >= 0) {
        close(dialer->stop_fd);
    }
    pthread_cond_destroy(&dialer->shared.changed);
    pthread_mutex_destroy(&dialer->shared.mutex);
    free(dialer);
}
