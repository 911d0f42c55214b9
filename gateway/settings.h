/*
 * settings.h - what a gateway can be told: one table, from which the file is read and --help
 * printed.
 */
#ifndef HEARTH_GATEWAY_SETTINGS_H
#define HEARTH_GATEWAY_SETTINGS_H

#include "common/config.h"

enum { SETTINGS_LISTEN_MAX = 4, SETTINGS_DOMAINS_MAX = 16 };

struct settings {
    struct config_addresses listen;
    struct config_addresses listen_tls;
    struct config_addresses admin;
    const char *certificate;
    const char *key;
    const char *region;
    const char *domains;
    const char *tenants;
    const char *access_log;

    uint64_t memory_max;
    uint64_t tenant_memory_max;
    uint64_t transfers_max;
    uint64_t requests_max;
    uint64_t connections_max;
    uint64_t connections_per_address_max;
    uint64_t threads;
    uint64_t idle_ms;
    uint64_t stall_ms;
    uint64_t rate_min;
    uint64_t drain_ms;
};

extern const struct config_table settings_table;

#endif /* HEARTH_GATEWAY_SETTINGS_H */
