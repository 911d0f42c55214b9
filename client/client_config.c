#include "client/client_config.h"

#define FIELD(name) offsetof(struct client_config, name)

static const char *const classes[] = {"client", "gateway", NULL};

static const struct config_param params[] = {
    {"coordinator", "addresses", CONFIG_ADDRESSES, FIELD(coordinators), .min = 1, .max = 8,
        .help = "Where the coordinator answers."},
    {"coordinator", "enrolment", CONFIG_ADDRESSES, FIELD(enrolment), .min = 1, .max = 8,
        .help = "Where the coordinator renews certificates."},
    {"coordinator", "ca", CONFIG_PATH, FIELD(ca), .preset = CLIENT_CONFIG_CA, .min = 1,
        .help = "The certificate of the cluster's own authority."},
    {"client", "tenant", CONFIG_TEXT, FIELD(tenant), .preset = "",
        .help = "The name of the customer's account, for people to read."},
    {"client", "class", CONFIG_CHOICE, FIELD(class), .preset = "client", .choices = classes,
        .help = "What the certificate is of: a customer's own machine, or a gateway that serves"
                " the customer."},
    {"client", "key", CONFIG_PATH, FIELD(key), .preset = CLIENT_CONFIG_KEY, .min = 1,
        .help = "The private key of this customer's machine. Who has it can write and delete."},
    {"client", "certificate", CONFIG_PATH, FIELD(certificate), .preset = CLIENT_CONFIG_CERTIFICATE,
        .min = 1, .help = "Its certificate; renewed in time, and then rewritten."},
    {"client", "root_key", CONFIG_PATH, FIELD(root_key), .preset = CLIENT_CONFIG_ROOT_KEY, .min = 1,
        .help = "What opens the tenant's data. Lost, the data is lost; keep a copy on paper."},
    {"client", "memory", CONFIG_BYTES, FIELD(memory_max), .preset = "136 MiB",
        .min = UINT64_C(16) << 20, .help = "What all transfers together may hold."},
    {"client", "transfer_memory", CONFIG_BYTES, FIELD(transfer_memory_max), .preset = "136 MiB",
        .min = UINT64_C(16) << 20, .help = "What one transfer may hold."},
    {"admin", "key", CONFIG_PATH, FIELD(admin_key), .preset = CLIENT_CONFIG_ADMIN_KEY, .min = 1,
        .help = "The operator's private key. Who has it commands the cluster."},
    {"admin", "certificate", CONFIG_PATH, FIELD(admin_certificate),
        .preset = CLIENT_CONFIG_ADMIN_CERTIFICATE, .min = 1,
        .help = "Its certificate; renewed in time, and then rewritten."},
};

const struct config_table client_config_table = {
    .params = params,
    .count = sizeof(params) / sizeof(params[0]),
    .values_size = sizeof(struct client_config),
};
