#include "gateway/settings.h"

#define FIELD(name) offsetof(struct settings, name)

static const struct config_param params[] = {
    {"gateway", "listen", CONFIG_ADDRESSES, FIELD(listen), .preset = "127.0.0.1:9000",
        .max = SETTINGS_LISTEN_MAX,
        .help = "Where S3 is spoken in clear; empty: nowhere. Signatures keep strangers out, but"
                " anybody on the way can read what passes."},
    {"gateway", "listen_tls", CONFIG_ADDRESSES, FIELD(listen_tls), .preset = "",
        .max = SETTINGS_LISTEN_MAX, .help = "Where S3 is spoken over TLS 1.3 or 1.2."},
    {"gateway", "certificate", CONFIG_PATH, FIELD(certificate), .preset = "certificate.pem",
        .min = 1,
        .help = "For TLS: PEM, with its chain. For virtual-host style it names *.DOMAIN too. SIGHUP"
                " reads it anew."},
    {"gateway", "key", CONFIG_PATH, FIELD(key), .preset = "key.pem", .min = 1,
        .help = "For TLS: the private key of the certificate, PEM."},
    {"gateway", "admin", CONFIG_ADDRESSES, FIELD(admin), .preset = "127.0.0.1:9001", .max = 1,
        .help = "Where /metrics, /health/live and /health/ready answer without a signature; empty:"
                " nowhere. For machines of the operator's own."},
    {"gateway", "region", CONFIG_TEXT, FIELD(region), .preset = "us-east-1", .min = 1, .max = 64,
        .help = "S3's name for where this is; clients sign for it."},
    {"gateway", "domains", CONFIG_TEXT, FIELD(domains), .preset = "",
        .help = "Domains of virtual-host style, with commas between: s3.example.org makes"
                " photos.s3.example.org the bucket photos."},
    {"gateway", "tenants", CONFIG_PATH, FIELD(tenants), .preset = "tenants", .min = 1,
        .help = "The folder that `join` puts tenants in, with their root keys. Who can read it can"
                " read all their objects."},
    {"gateway", "access_log", CONFIG_PATH, FIELD(access_log), .preset = "",
        .help = "A file that gets a line for each request; empty: none. SIGHUP opens it anew."},

    {"limits", "memory", CONFIG_BYTES, FIELD(memory_max), .preset = "768 MiB",
        .min = UINT64_C(64) << 20,
        .help = "What all transfers may hold together; beyond: SlowDown."},
    {"limits", "tenant_memory", CONFIG_BYTES, FIELD(tenant_memory_max), .preset = "768 MiB",
        .min = UINT64_C(64) << 20,
        .help = "Of that, what those of one tenant may hold; beyond: SlowDown."},
    {"limits", "transfers", CONFIG_INTEGER, FIELD(transfers_max), .preset = "64", .min = 1,
        .max = 1024, .help = "Objects that come and go at once; beyond: SlowDown."},
    {"limits", "requests", CONFIG_INTEGER, FIELD(requests_max), .preset = "256", .min = 1,
        .max = 65536, .help = "Requests that wait for their turn; beyond: SlowDown."},
    {"limits", "connections", CONFIG_INTEGER, FIELD(connections_max), .preset = "1000", .min = 8,
        .max = 65536, .help = "Open connections; beyond: they wait to be accepted."},
    {"limits", "connections_per_address", CONFIG_INTEGER, FIELD(connections_per_address_max),
        .preset = "500", .min = 1, .max = 65536,
        .help = "Of these, from one address; beyond: closed at once."},
    {"limits", "threads", CONFIG_INTEGER, FIELD(threads), .preset = "2", .min = 1, .max = 64,
        .help = "That move bytes between sockets and handlers; one for each core is enough."},
    {"limits", "idle", CONFIG_DURATION, FIELD(idle_ms), .preset = "60s", .min = 100,
        .max = 3600 * 1000,
        .help = "How long a connection may ask nothing, and how long a request's head may take."},
    {"limits", "stall", CONFIG_DURATION, FIELD(stall_ms), .preset = "30s", .min = 100,
        .max = 3600 * 1000, .help = "How long a client may neither send nor read when it should."},
    {"limits", "slowest", CONFIG_RATE, FIELD(rate_min), .preset = "8KiB/s", .min = 1,
        .help = "What a client must send or read in the long run."},
    {"limits", "drain", CONFIG_DURATION, FIELD(drain_ms), .preset = "8s", .max = 3600 * 1000,
        .help = "How long requests may go on when the gateway is stopped."},
};

const struct config_table settings_table = {
    .params = params,
    .count = sizeof(params) / sizeof(params[0]),
    .values_size = sizeof(struct settings),
};
