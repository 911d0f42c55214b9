#include "storaged/settings.h"

#include "common/token_bucket.h"
#include "storaged/disk_open.h"
#include "storaged/shard_service.h"

#include <stdio.h>

#define FIELD(name) offsetof(struct settings, name)

static const struct config_param params[] = {
    {"node", "key", CONFIG_PATH, FIELD(key), .preset = SETTINGS_KEY, .min = 1,
        .help = "The node's private key. Who has it is the node."},
    {"node", "certificate", CONFIG_PATH, FIELD(certificate), .preset = SETTINGS_CERTIFICATE,
        .min = 1, .help = "The node's certificate; renewed by the daemon, which rewrites it."},
    {"node", "ca", CONFIG_PATH, FIELD(ca), .preset = SETTINGS_CA, .min = 1,
        .help = "The certificate of the cluster's own authority."},
    {"network", "listen", CONFIG_ADDRESSES, FIELD(listen), .preset = SETTINGS_LISTEN, .min = 1,
        .max = SETTINGS_LISTEN_MAX, .help = "Where clients are waited for."},
    {"network", "advertise", CONFIG_ADDRESSES, FIELD(advertise), .preset = "",
        .max = SETTINGS_ENDPOINTS_MAX,
        .help = "How clients reach this node from outside. Empty: as it listens."},
    {"coordinator", "addresses", CONFIG_ADDRESSES, FIELD(coordinators), .min = 1,
        .max = SETTINGS_COORDINATORS_MAX, .help = "Where the coordinator answers."},
    {"coordinator", "enrolment", CONFIG_ADDRESSES, FIELD(enrolment), .min = 1,
        .max = SETTINGS_COORDINATORS_MAX, .help = "Where the coordinator renews certificates."},
    {"volume", "directory", CONFIG_PATH, FIELD(volume), .preset = SETTINGS_VOLUME, .min = 1,
        .help = "Where shards are kept. The daemon alone writes there."},
    {"volume", "capacity", CONFIG_BYTES, FIELD(capacity_bytes), .preset = "0", .live = true,
        .help = "The most the volume may occupy. 0: all there is. Less than it occupies: nothing "
                "is lost, and nothing new comes."},
    {"volume", "disk", CONFIG_CHOICE, FIELD(disk), .preset = "auto", .choices = disk_choice_names,
        .help = "How files are read and written. auto: io_uring where the kernel has it."},
    {"limits", "upload", CONFIG_RATE, FIELD(upload), .preset = "none", .max = TOKEN_RATE_MAX,
        .live = true,
        .help = "The most that leaves this home, in a second: shards that others read."},
    {"limits", "download", CONFIG_RATE, FIELD(download), .preset = "none", .max = TOKEN_RATE_MAX,
        .live = true, .help = "The most that comes in, in a second: shards that others store."},
    {"limits", "streams", CONFIG_INTEGER, FIELD(streams), .preset = "32", .min = 1,
        .max = SHARD_SERVICE_STREAMS_MAX,
        .help = "Shards that come or go at once; each may take 1 MiB of memory."},
    {"limits", "drain", CONFIG_DURATION, FIELD(drain_ms), .preset = "4s", .max = 8000,
        .help = "How long a stop waits for requests under way."},
};

const struct config_table storaged_settings_table = {
    .params = params,
    .count = sizeof(params) / sizeof(params[0]),
    .values_size = sizeof(struct settings),
};

struct identity_files settings_identity(const struct settings *settings)
{
    return (struct identity_files){
        .class = PEER_NODE,
        .key = settings->key,
        .certificate = settings->certificate,
        .ca = settings->ca,
        .enrolment = &settings->enrolment,
    };
}

enum hearth_code settings_beside_key(
    const struct settings *settings, const char *name, char path[PATH_MAX], struct hearth_err *err)
{
    const char *slash = strrchr(settings->key, '/');
    int folder_length = slash == NULL ? 0 : (int)(slash - settings->key) + 1;
    int length = snprintf(path, PATH_MAX, "%.*s%s", folder_length, settings->key, name);
    return length < PATH_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "%s: the path is too long", settings->key);
}
