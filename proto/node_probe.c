#include "proto/node_probe.h"

#include "proto/tls_link.h"

enum { TIMEOUT_MS = 5000 };

static enum hearth_code check_node(
    const struct node_probe *probe, const struct tls_link *link, struct hearth_err *err)
{
    struct arena arena;
    struct pki_certificate certificate;
    arena_init(&arena, 0);
    const char *pem = tls_link_certificate(link, 0, &arena);
    enum hearth_code code = pki_certificate_verify(
        link->env, view_text(pem != NULL ? pem : ""), probe->ca_pem, &certificate, err);
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        return code;
    }
    if (certificate.identity.class != PEER_NODE ||
        (probe->id != NULL && memcmp(certificate.identity.id, probe->id, PKI_ID_SIZE) != 0)) {
        return hearth_fail(err, HEARTH_DENIED, "%s %s answers there",
            peer_class_text(certificate.identity.class), certificate.identity.id_text);
    }
    if (probe->met_id != NULL) {
        memcpy(probe->met_id, certificate.identity.id, PKI_ID_SIZE);
    }
    return HEARTH_OK;
}

enum hearth_code node_probe_blocking(const struct node_probe *probe, struct hearth_err *err)
{
    char name[PKI_DNS_NAME_SIZE];
    struct tls_link link;
    pki_dns_name(PEER_NODE, probe->id, name);
    const struct tls_dial dial = {.env = probe->env != NULL ? probe->env : env_system(),
        .address = probe->address,
        .server_name = name,
        .timeout_ms = probe->timeout_ms != 0 ? probe->timeout_ms : TIMEOUT_MS,
        .stop_fd = probe->stop_fd};
    enum hearth_code code = tls_dial(&dial, &link, err);
    if (code == HEARTH_OK) {
        code = check_node(probe, &link, err);
        tls_link_fini(&link);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "dial %s", probe->address);
}
