#include "common/crypto.h"
#include "proto/enrol.h"
#include "proto/enrol_proof.h"

/* ---- is the other end the coordinator of the pinned cluster? ---- */

static enum hearth_code check_ca(
    struct view ca_pem, const uint8_t *expected_pin, struct hearth_err *err)
{
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (pki_ca_read(ca_pem, cluster, pin, err) != HEARTH_OK ||
        !crypto_equal(pin, expected_pin, sizeof(pin))) {
        return hearth_fail(
            err, HEARTH_DENIED, "whoever answers is not of the cluster we were invited to");
    }
    return HEARTH_OK;
}

/* The server sends its certificate and its CA's; TLS has shown that it holds the first one's key.
 */
static enum hearth_code check_server(const struct enrol_call *call, const struct tls_link *link,
    struct arena *arena, struct hearth_err *err)
{
    const char *pem = tls_link_certificate(link, 0, arena);
    const char *ca_pem = tls_link_certificate(link, 1, arena);
    struct pki_certificate server;
    if (check_ca(view_text(ca_pem != NULL ? ca_pem : ""), call->ca_pin, err) != HEARTH_OK ||
        pki_certificate_verify(link->env, view_text(pem), ca_pem, &server, err) != HEARTH_OK) {
        return err->code;
    }
    if (server.identity.class != PEER_COORDINATOR) {
        return hearth_fail(err, HEARTH_DENIED, "this is a %s of the cluster, not its coordinator",
            peer_class_text(server.identity.class));
    }
    return HEARTH_OK;
}

/* ---- the conversation ---- */

static enum hearth_code send_request(
    const struct enrol_call *call, struct tls_link *link, struct hearth_err *err)
{
    uint8_t proof[ENROL_PROOF_SIZE];
    uint8_t public_key[PKI_PUBLIC_SIZE];
    struct pki_signature signature;
    enrol_proof(link, proof);
    pki_key_public(call->key, public_key);
    pki_sign(call->key, view_of(proof, sizeof(proof)), &signature);
    const struct wire_enrol_request request = {.format = ENROL_FORMAT,
        .token = call->token,
        .public_key = view_of(public_key, sizeof(public_key)),
        .signature = view_of(signature.bytes, signature.size)};
    struct buf *bytes;
    if (wire_encode(&wire_enrol_request_message, &request, &bytes, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = tls_link_send(link, buf_view(bytes), err);
    buf_unref(bytes);
    return code;
}

/* What the coordinator gave is of our key and of the cluster we asked. */
static enum hearth_code check_reply(const struct enrol_call *call, const struct tls_link *link,
    struct arena *arena, const struct wire_enrol_reply *reply, struct hearth_err *err)
{
    uint8_t id[PKI_ID_SIZE];
    struct pki_certificate certificate;
    const char *ca_pem = arena_text(arena, reply->ca_certificate);
    if (ca_pem == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "certificates");
    }
    if (check_ca(reply->ca_certificate, call->ca_pin, err) != HEARTH_OK ||
        pki_certificate_verify(link->env, reply->certificate, ca_pem, &certificate, err) !=
            HEARTH_OK) {
        return err->code;
    }
    pki_key_id(call->key, id);
    if (memcmp(certificate.identity.id, id, sizeof(id)) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the certificate is for another key");
    }
    return HEARTH_OK;
}

static enum hearth_code receive_reply(const struct enrol_call *call, struct tls_link *link,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct buf *bytes;
    if (tls_link_receive(link, ENROL_REPLY_MAX, &bytes, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_enrol_reply received;
    enum hearth_code code =
        wire_decode(&wire_enrol_reply_message, buf_view(bytes), arena, &received, err);
    buf_unref(bytes);
    if (code != HEARTH_OK) {
        return code;
    }
    if (received.code != HEARTH_OK) {
        return hearth_fail(
            err, hearth_code_from_wire(received.code), "%.*s", VIEW_ARGS(received.message));
    }
    if (check_reply(call, link, arena, &received, err) != HEARTH_OK) {
        return err->code;
    }
    *reply = received;
    return HEARTH_OK;
}

static enum hearth_code converse(const struct enrol_call *call, struct tls_link *link,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    if (check_server(call, link, arena, err) != HEARTH_OK ||
        send_request(call, link, err) != HEARTH_OK) {
        return err->code;
    }
    return receive_reply(call, link, arena, reply, err);
}

enum hearth_code enrol_call_blocking(const struct enrol_call *call, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err)
{
    char name[PKI_DNS_NAME_SIZE];
    struct tls_link link;
    pki_dns_name(PEER_COORDINATOR, NULL, name);
    const struct tls_dial dial = {.env = call->env != NULL ? call->env : env_system(),
        .address = call->address,
        .server_name = name,
        .timeout_ms = call->timeout_ms != 0 ? call->timeout_ms : ENROL_TIMEOUT_MS};
    enum hearth_code code = tls_dial(&dial, &link, err);
    if (code == HEARTH_OK) {
        code = converse(call, &link, arena, reply, err);
        tls_link_fini(&link);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "enrol at %s", call->address);
}
