#include "storaged/storaged.h"

#include "common/log.h"
#include "proto/rpc_server.h"
#include "storaged/coordinator_rpc.h"
#include "storaged/disk_open.h"
#include "storaged/endpoints.h"
#include "storaged/epoch_floor.h"
#include "storaged/heartbeat.h"
#include "storaged/shard_service.h"
#include "storaged/shard_source_rpc.h"
#include "storaged/volume_home.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>

enum {
    RENEWAL_CHECK_MS = 60000,
    RENEWAL_RETRY_MS = 300000, /* after a failure: weeks are left, and the coordinator is busy */
    CALLS_MAX = 2 * SHARD_SERVICE_STREAMS_MAX, /* beyond the streams: room to answer BUSY */
    RPC_MEMORY_MAX = 24 << 20,                 /* of the 64 MiB a node may take */
};

struct storaged {
    const struct settings *settings;
    struct env *env;
    struct arena arena; /* texts that live as long as the daemon */
    struct identity identity;
    struct rpc_credentials *credentials;
    int news_fd;                /* readable: the loop has set one of these for the main thread */
    atomic_bool is_expired;     /* the coordinator says that our certificate is */
    atomic_bool is_volume_gone; /* its disk was taken away */
    uint64_t renew_not_before_ns;
    struct epoch_floor epoch;     /* the main thread's */
    _Atomic uint64_t epoch_heard; /* by the loop: to be kept */

    struct loop *loop;
    bool loop_runs;
    struct disk *disk;
    struct volume_home home;
    struct volume *volume;
    struct order_check orders;

    struct rate_gate download; /* on the loop */
    struct rate_gate upload;
    struct shard_context context;
    struct shard_source *source; /* cells of other nodes */
    struct shard_service *service;
    struct rpc_runtime *runtime;
    struct rpc_server *server;

    struct endpoints endpoints;
    struct coordinator_rpc *coordinator;
    struct heartbeat *heartbeat;
    struct heartbeat *reporting; /* on the loop: it, while it runs */
};

/* ---- the main thread asks something of the loop and waits ---- */

struct loop_request {
    struct task task;
    struct storaged *storaged;
    void (*run)(struct loop_request *request); /* on the loop; posts `done` now or later */
    sem_t done;
    struct volume_wait wait;
    const struct settings *limits;
};

static void run_request(struct task *task)
{
    struct loop_request *request =
        (struct loop_request *)((char *)task - offsetof(struct loop_request, task));
    request->run(request);
}

static void ask_loop_blocking(struct storaged *storaged, struct loop_request *request)
{
    request->storaged = storaged;
    request->task.run = run_request;
    sem_init(&request->done, 0, 0);
    loop_post(storaged->loop, &request->task);
    while (sem_wait(&request->done) != 0) {
        assert(errno == EINTR);
    }
    sem_destroy(&request->done);
}

/* ---- identity ---- */

static enum hearth_code open_identity(struct storaged *storaged, struct hearth_err *err)
{
    struct identity_files files = settings_identity(storaged->settings);
    if (identity_load(&storaged->identity, storaged->env, &files, err) != HEARTH_OK ||
        identity_credentials(&storaged->identity, &storaged->credentials, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "load identity");
    }
    return HEARTH_OK;
}

/* ---- volume ---- */

static void take_volume_event(void *context, const struct volume_event *event)
{
    static const enum log_event events[] = {
        [VOLUME_LOG_FAILED] = LOG_VOLUME_LOG_FAILED,
        [VOLUME_SHARD_DAMAGED] = LOG_SHARD_DAMAGED,
        [VOLUME_LOG_VERIFIED] = LOG_VOLUME_LOG_VERIFIED,
        [VOLUME_READ_ONLY] = LOG_VOLUME_READ_ONLY,
        [VOLUME_RECORDS_ROTTED] = LOG_VOLUME_RECORDS_ROTTED,
        [VOLUME_INDEX_REBUILT] = LOG_VOLUME_INDEX_REBUILT,
        [VOLUME_LOG_COMPACTED] = LOG_VOLUME_LOG_COMPACTED,
        [VOLUME_LOG_KEPT] = LOG_VOLUME_LOG_KEPT,
    };
    const struct storaged *storaged = context;
    struct shard_id_text shard = {"-"};
    if (event->locator != NULL && storaged->reporting != NULL) {
        heartbeat_shard_damaged(storaged->reporting, event->shard, event->locator);
    }
    if (event->shard != NULL) {
        shard = shard_id_text(event->shard);
    }
    log_write(events[event->kind],
        "volume=%s log=%08x shard=%s offset=%llu bytes=%llu reason=\"%s\"",
        storaged->settings->volume, event->log, shard.chars, (unsigned long long)event->offset,
        (unsigned long long)event->size, event->reason == NULL ? "" : event->reason);
}

static void log_ring_given_up(void *context, int error)
{
    const struct storaged *storaged = context;
    log_write(LOG_DISK_RING_GIVEN_UP, "volume=%s reason=\"%s\"", storaged->settings->volume,
        strerrordesc_np(error));
}

static enum hearth_code open_disk(struct storaged *storaged, struct hearth_err *err)
{
    const struct disk_uring_options options = {
        .directory = storaged->settings->volume,
        .loop = storaged->loop,
        .on_given_up = log_ring_given_up,
        .context = storaged,
    };
    struct disk_opened opened;
    enum disk_choice choice = (enum disk_choice)storaged->settings->disk;
    if (disk_open(choice, &options, &storaged->disk, &opened, err) != HEARTH_OK) {
        return err->code;
    }
    bool is_second_best = opened.refusal.code != HEARTH_OK;
    log_write(LOG_DISK_OPENED, "volume=%s disk=%s%s%s%s", storaged->settings->volume,
        disk_choice_names[opened.engine], is_second_best ? " reason=\"" : "",
        is_second_best ? opened.refusal.message : "", is_second_best ? "\"" : "");
    return HEARTH_OK;
}

static enum hearth_code open_volume(struct storaged *storaged, struct hearth_err *err)
{
    if (volume_home_load(&storaged->home, storaged->settings, err) != HEARTH_OK ||
        epoch_floor_load_blocking(&storaged->epoch, storaged->settings, err) != HEARTH_OK ||
        open_disk(storaged, err) != HEARTH_OK) {
        return err->code;
    }
    struct volume_options options = {
        .disk = storaged->disk,
        .loop = storaged->loop,
        .must_exist = storaged->home.is_known,
        .capacity_bytes = storaged->settings->capacity_bytes,
        .on_event = take_volume_event,
        .on_event_context = storaged,
    };
    memcpy(options.node_id, storaged->identity.id, VOLUME_NODE_ID_SIZE);
    enum hearth_code code = volume_open_blocking(&options, &storaged->volume, err);
    if (code == HEARTH_NOT_FOUND) {
        return hearth_fail(err, code, "%s names a volume, and none is there: is its disk mounted?",
            storaged->home.id_path);
    }
    return code == HEARTH_OK ? volume_home_settle(&storaged->home, storaged->volume, err) : code;
}

static enum hearth_code start_volume(struct storaged *storaged, struct hearth_err *err)
{
    if (loop_create(storaged->env, &storaged->loop, err) != HEARTH_OK) {
        return err->code;
    }
    if (open_volume(storaged, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "open volume %s", storaged->settings->volume);
    }
    order_check_init(&storaged->orders, storaged->env, storaged->identity.id);
    rate_gate_init(&storaged->download, storaged->loop, storaged->settings->download);
    rate_gate_init(&storaged->upload, storaged->loop, storaged->settings->upload);
    if (loop_start(storaged->loop, err) != HEARTH_OK) {
        return err->code;
    }
    storaged->loop_runs = true;
    return HEARTH_OK;
}

static void run_close(struct loop_request *request)
{
    volume_close(request->storaged->volume, &request->wait);
}

static void volume_closed(struct volume_wait *wait)
{
    struct loop_request *request =
        (struct loop_request *)((char *)wait - offsetof(struct loop_request, wait));
    sem_post(&request->done);
}

static void close_volume_blocking(struct storaged *storaged)
{
    struct loop_request request = {.run = run_close, .wait = {.done = volume_closed}};
    ask_loop_blocking(storaged, &request);
    if (request.wait.err.code != HEARTH_OK) {
        log_write(LOG_VOLUME_NOT_CLOSED, "volume=%s reason=\"%s\"", storaged->settings->volume,
            request.wait.err.message);
    }
}

/* ---- the network ---- */

/* "host:port" of each, in the daemon's arena. NULL: out of memory. */
static const char **format_addresses(
    struct storaged *storaged, const struct config_addresses *addresses)
{
    const char **texts = arena_take_array(&storaged->arena, addresses->count, sizeof(*texts));
    for (unsigned i = 0; texts != NULL && i < addresses->count; i++) {
        char text[CONFIG_ADDRESS_TEXT_SIZE];
        config_format_address(&addresses->items[i], text);
        texts[i] = arena_text(&storaged->arena, view_text(text));
        if (texts[i] == NULL) {
            return NULL;
        }
    }
    return texts;
}

/* Of one peer: so that others have a chance, too. */
static unsigned share_of(uint64_t streams)
{
    return streams > 1 ? (unsigned)(streams * 3 / 4) : 1;
}

static enum hearth_code start_server(struct storaged *storaged, struct hearth_err *err)
{
    const struct config_addresses *listen = &storaged->settings->listen;
    const char **addresses = format_addresses(storaged, listen);
    if (addresses == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "addresses");
    }
    struct rpc_server_options options = {
        .transport = RPC_LINK,
        .runtime = storaged->runtime,
        .credentials = storaged->credentials,
        .handlers = shard_service_handlers,
        .handler_count = SHARD_SERVICE_METHODS,
        .service = storaged->service,
        .calls_max = CALLS_MAX,
        .peer_streams_max = share_of(storaged->settings->streams),
        .memory_max = RPC_MEMORY_MAX,
    };
    static_assert((int)SETTINGS_LISTEN_MAX < (int)RPC_ADDRESSES_MAX, "a NULL ends them");
    memcpy(options.addresses, addresses, listen->count * sizeof(*addresses));
    return rpc_server_start(&options, &storaged->server, err);
}

static enum hearth_code start_serving(struct storaged *storaged, struct hearth_err *err)
{
    const struct rpc_runtime_options runtime_options = {.env = storaged->env, .workers = 1};
    if (rpc_runtime_create(&runtime_options, &storaged->runtime, err) != HEARTH_OK ||
        shard_source_rpc_create(storaged->loop, storaged->runtime, storaged->credentials,
            &storaged->source, err) != HEARTH_OK) {
        return err->code;
    }
    storaged->context = (struct shard_context){
        .loop = storaged->loop,
        .volume = storaged->volume,
        .orders = &storaged->orders,
        .download = &storaged->download,
        .upload = &storaged->upload,
        .source = storaged->source,
    };
    if (shard_service_create(&storaged->context, (unsigned)storaged->settings->streams,
            &storaged->service, err) != HEARTH_OK) {
        return err->code;
    }
    return start_server(storaged, err);
}

/* ---- the heartbeat ---- */

static void tell_main(struct storaged *storaged, atomic_bool *what)
{
    atomic_store(what, true);
    eventfd_write(storaged->news_fd, 1);
}

/* Asked before each heartbeat, so it also notices in time that the disk is somebody else's now. */
static uint64_t disk_free_bytes(void *context)
{
    struct storaged *storaged = context;
    struct statvfs facts;
    if (!volume_home_is_there(&storaged->home)) {
        tell_main(storaged, &storaged->is_volume_gone);
        return 0;
    }
    if (statvfs(storaged->settings->volume, &facts) != 0) {
        return 0; /* nothing more is to be sent here */
    }
    return (uint64_t)facts.f_bavail * facts.f_frsize;
}

static void certificate_expired(void *context)
{
    struct storaged *storaged = context;
    tell_main(storaged, &storaged->is_expired);
}

static void epoch_rose(void *context, uint64_t epoch)
{
    struct storaged *storaged = context;
    atomic_store(&storaged->epoch_heard, epoch);
    eventfd_write(storaged->news_fd, 1);
}

static void run_heartbeat_start(struct loop_request *request)
{
    request->storaged->reporting = request->storaged->heartbeat;
    heartbeat_start(request->storaged->heartbeat);
    sem_post(&request->done);
}

static enum hearth_code make_coordinator(struct storaged *storaged, struct hearth_err *err)
{
    const struct config_addresses *coordinators = &storaged->settings->coordinators;
    const struct coordinator_rpc_options options = {
        .loop = storaged->loop,
        .runtime = storaged->runtime,
        .credentials = storaged->credentials,
        .addresses = format_addresses(storaged, coordinators),
        .address_count = coordinators->count,
    };
    if (options.addresses == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "addresses");
    }
    return coordinator_rpc_create(&options, &storaged->coordinator, err);
}

static enum hearth_code start_heartbeat(struct storaged *storaged, struct hearth_err *err)
{
    uint16_t port = (uint16_t)rpc_server_port(storaged->server);
    if (endpoints_make(storaged->settings, port, &storaged->arena, &storaged->endpoints, err) !=
            HEARTH_OK ||
        make_coordinator(storaged, err) != HEARTH_OK) {
        return err->code;
    }
    const struct heartbeat_options options = {
        .loop = storaged->loop,
        .volume = storaged->volume,
        .orders = &storaged->orders,
        .link = coordinator_rpc_link(storaged->coordinator),
        .endpoints = storaged->endpoints.items,
        .endpoint_count = storaged->endpoints.count,
        .capacity_bytes = storaged->settings->capacity_bytes,
        .disk_free_bytes = disk_free_bytes,
        .certificate_expired = certificate_expired,
        .epoch_kept = storaged->epoch.kept,
        .epoch_rose = epoch_rose,
        .context = storaged,
    };
    if (heartbeat_create(&options, &storaged->heartbeat, err) != HEARTH_OK) {
        return err->code;
    }
    struct loop_request request = {.run = run_heartbeat_start};
    ask_loop_blocking(storaged, &request);
    return HEARTH_OK;
}

static void heartbeat_stopped(void *context)
{
    struct loop_request *request = context;
    sem_post(&request->done);
}

static void run_heartbeat_stop(struct loop_request *request)
{
    request->storaged->reporting = NULL;
    heartbeat_stop(request->storaged->heartbeat, heartbeat_stopped, request);
}

/* ---- renewal ---- */

static enum hearth_code renew(struct storaged *storaged, struct hearth_err *err)
{
    struct rpc_credentials *credentials;
    if (identity_renew(&storaged->identity, err) != HEARTH_OK ||
        identity_credentials(&storaged->identity, &credentials, err) != HEARTH_OK) {
        return err->code;
    }
    rpc_server_set_credentials(storaged->server, credentials);
    coordinator_rpc_set_credentials(storaged->coordinator, credentials);
    shard_source_rpc_set_credentials(storaged->source, credentials);
    rpc_credentials_unref(storaged->credentials);
    storaged->credentials = credentials;
    return HEARTH_OK;
}

static void renew_when_due(struct storaged *storaged)
{
    struct hearth_err err;
    uint64_t now_ns = env_now_ns(storaged->env);
    bool is_refused = atomic_exchange(&storaged->is_expired, false);
    if (!(is_refused || identity_should_renew(&storaged->identity)) ||
        now_ns < storaged->renew_not_before_ns) {
        return;
    }
    if (renew(storaged, &err) == HEARTH_OK) {
        log_write(LOG_CERTIFICATE_RENEWED, "file=%s", storaged->settings->certificate);
        return;
    }
    log_write(LOG_CERTIFICATE_NOT_RENEWED, "code=%s reason=\"%s\"", hearth_code_name(err.code),
        err.message);
    storaged->renew_not_before_ns = now_ns + RENEWAL_RETRY_MS * UINT64_C(1000000);
}

/* ---- the recovery epoch ---- */

static void run_epoch_kept(struct loop_request *request)
{
    struct storaged *storaged = request->storaged;
    heartbeat_epoch_kept(storaged->heartbeat, storaged->epoch.kept);
    sem_post(&request->done);
}

/* Until this has worked the node ends no shard; the next heartbeat asks for it again. */
static void keep_epoch(struct storaged *storaged)
{
    struct hearth_err err;
    const uint64_t heard = atomic_load(&storaged->epoch_heard);
    if (heard <= storaged->epoch.kept) {
        return;
    }
    if (epoch_floor_keep_blocking(&storaged->epoch, heard, &err) != HEARTH_OK) {
        log_write(LOG_EPOCH_NOT_KEPT, "epoch=%" PRIu64 " reason=\"%s\"", heard, err.message);
        return;
    }
    struct loop_request request = {.run = run_epoch_kept};
    ask_loop_blocking(storaged, &request);
}

enum storaged_event storaged_run(struct storaged *storaged, int stop_fd, int reload_fd)
{
    enum { STOP, RELOAD, NEWS, FDS };
    struct pollfd polls[FDS] = {
        [STOP] = {.fd = stop_fd, .events = POLLIN},
        [RELOAD] = {.fd = reload_fd, .events = POLLIN},
        [NEWS] = {.fd = storaged->news_fd, .events = POLLIN},
    };
    while (!atomic_load(&storaged->is_volume_gone)) {
        renew_when_due(storaged);
        keep_epoch(storaged);
        int ready = poll(polls, FDS, RENEWAL_CHECK_MS);
        assert(ready >= 0 || errno == EINTR);
        eventfd_t count;
        eventfd_read(storaged->news_fd, &count);
        if ((polls[STOP].revents & POLLIN) != 0) {
            return STORAGED_STOP;
        }
        if ((polls[RELOAD].revents & POLLIN) != 0) {
            return STORAGED_RELOAD;
        }
    }
    return STORAGED_VOLUME_GONE;
}

/* ---- limits ---- */

static void run_set_limits(struct loop_request *request)
{
    struct storaged *storaged = request->storaged;
    const struct settings *limits = request->limits;
    rate_gate_set_rate(&storaged->download, limits->download);
    rate_gate_set_rate(&storaged->upload, limits->upload);
    volume_set_capacity(storaged->volume, limits->capacity_bytes);
    heartbeat_set_capacity(storaged->heartbeat, limits->capacity_bytes);
    sem_post(&request->done);
}

void storaged_set_limits(struct storaged *storaged, const struct settings *settings)
{
    struct loop_request request = {.run = run_set_limits, .limits = settings};
    ask_loop_blocking(storaged, &request);
}

/* ---- a life ---- */

static enum hearth_code start_all(struct storaged *storaged, struct hearth_err *err)
{
    storaged->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (storaged->news_fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open a descriptor for events");
    }
    if (open_identity(storaged, err) != HEARTH_OK || start_volume(storaged, err) != HEARTH_OK ||
        start_serving(storaged, err) != HEARTH_OK || start_heartbeat(storaged, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_PROCESS_STARTED, "program=hearth-storaged version=%s node=%s port=%u volume=%s",
        HEARTH_VERSION, storaged->identity.certificate.identity.id_text,
        rpc_server_port(storaged->server), storaged->settings->volume);
    return HEARTH_OK;
}

enum hearth_code storaged_start(
    const struct settings *settings, struct env *env, struct storaged **out, struct hearth_err *err)
{
    struct storaged *storaged = calloc(1, sizeof(*storaged));
    if (storaged == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "start");
    }
    storaged->settings = settings;
    storaged->env = env;
    arena_init(&storaged->arena, 0);
    if (start_all(storaged, err) != HEARTH_OK) {
        storaged_stop(storaged);
        return err->code;
    }
    *out = storaged;
    return HEARTH_OK;
}

/* What the loop works with ends while it still runs. */
static void stop_loop_blocking(struct storaged *storaged)
{
    if (storaged->server != NULL) {
        rpc_server_stop_blocking(storaged->server, (uint32_t)storaged->settings->drain_ms);
        shard_source_rpc_drain_blocking(storaged->source);
    }
    if (storaged->heartbeat != NULL) {
        struct loop_request request = {.run = run_heartbeat_stop};
        ask_loop_blocking(storaged, &request);
    }
    close_volume_blocking(storaged);
    loop_stop(storaged->loop);
}

void storaged_stop(struct storaged *storaged)
{
    if (storaged == NULL) {
        return;
    }
    if (storaged->loop_runs) {
        stop_loop_blocking(storaged);
    }
    heartbeat_destroy(storaged->heartbeat);
    coordinator_rpc_destroy(storaged->coordinator);
    rpc_server_destroy(storaged->server);
    shard_service_destroy(storaged->service);
    shard_source_rpc_destroy(storaged->source);
    rpc_runtime_destroy(storaged->runtime);
    volume_destroy(storaged->volume);
    disk_destroy(storaged->disk);
    loop_destroy(storaged->loop);
    order_check_fini(&storaged->orders);
    rpc_credentials_unref(storaged->credentials);
    identity_fini(&storaged->identity);
    if (storaged->news_fd >= 0) {
        close(storaged->news_fd);
    }
    arena_fini(&storaged->arena);
    free(storaged);
}
