/*
 * settings.h - what a storage daemon can be told: one table, from which the file is read, --help is
 * printed and `init` writes.  Those marked live change while it runs (reload.h).
 */
#ifndef HEARTH_STORAGED_SETTINGS_H
#define HEARTH_STORAGED_SETTINGS_H

#include "common/config.h"
#include "proto/identity.h"

#include <limits.h>

/* The names of the files that `init` makes in a node's folder, which are also the defaults. */
#define SETTINGS_FILE        "hearth-storaged.conf"
#define SETTINGS_KEY         "key.pem"
#define SETTINGS_CERTIFICATE "certificate.pem"
#define SETTINGS_CA          "ca.pem"
#define SETTINGS_VOLUME      "volume"
#define SETTINGS_VOLUME_ID   "volume.id"
#define SETTINGS_EPOCH       "recovery.epoch"
#define SETTINGS_LISTEN      "0.0.0.0:7410"

enum {
    SETTINGS_LISTEN_MAX = 4,
    SETTINGS_ENDPOINTS_MAX = 4, /* of a node */
    SETTINGS_COORDINATORS_MAX = 8,
};

struct settings {
    const char *key;
    const char *certificate;
    const char *ca;
    struct config_addresses listen;
    struct config_addresses advertise;
    struct config_addresses coordinators; /* their RPC service */
    struct config_addresses enrolment;    /* their enrolment port */
    const char *volume;
    uint64_t disk;           /* enum disk_choice */
    uint64_t capacity_bytes; /* 0: only the disk's size limits it */
    uint64_t streams;
    uint64_t drain_ms;
    uint64_t upload;   /* bytes a second; 0: no limit */
    uint64_t download; /* likewise */
};

extern const struct config_table storaged_settings_table;

/* Where the node's identity is kept; borrowed from the settings. */
struct identity_files settings_identity(const struct settings *settings);

/* A file in the folder of the node's key. HEARTH_INVALID: its path is too long. */
enum hearth_code settings_beside_key(
    const struct settings *settings, const char *name, char path[PATH_MAX], struct hearth_err *err);

#endif /* HEARTH_STORAGED_SETTINGS_H */
