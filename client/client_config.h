/*
 * client_config.h - what hearth.conf can say: how a customer and an operator reach their cluster.
 *
 * One table for libhearth, `hearth` and `hearth-admin`, so that one file serves them all.  Each
 * needs only its own keys: an operator's file may have no [client] files beside it, and a
 * customer's none of [admin].
 */
#ifndef HEARTH_CLIENT_CLIENT_CONFIG_H
#define HEARTH_CLIENT_CLIENT_CONFIG_H

#include "common/config.h"

/* Beside the configuration, unless it says otherwise. */
#define CLIENT_CONFIG_CA                "ca.pem"
#define CLIENT_CONFIG_KEY               "client-key.pem"
#define CLIENT_CONFIG_CERTIFICATE       "client-certificate.pem"
#define CLIENT_CONFIG_ROOT_KEY          "root.key"
#define CLIENT_CONFIG_ADMIN_KEY         "admin-key.pem"
#define CLIENT_CONFIG_ADMIN_CERTIFICATE "admin-certificate.pem"

/* As whom the cluster knows this machine. */
enum client_class {
    CLIENT_CLASS_CLIENT,
    CLIENT_CLASS_GATEWAY,
};

struct client_config {
    struct config_addresses coordinators; /* their RPC service */
    struct config_addresses enrolment;    /* where certificates are renewed */
    const char *ca;

    const char *tenant;
    uint64_t class; /* enum client_class */
    const char *key;
    const char *certificate;
    const char *root_key;
    uint64_t memory_max;
    uint64_t transfer_memory_max;

    const char *admin_key;
    const char *admin_certificate;
};

extern const struct config_table client_config_table;

#endif /* HEARTH_CLIENT_CLIENT_CONFIG_H */
