#include "proto/identity.h"

#include "common/file.h"
#include "proto/enrol.h"

#include <stdlib.h>

enum { REPLY_ARENA_MAX = 256 * 1024, CERTIFICATE_MODE = 0644 };

/* ---- the files ---- */

static enum hearth_code load_text(const char *path, char **out, struct hearth_err *err)
{
    struct arena arena;
    struct view text;
    arena_init(&arena, 0);
    if (file_read_whole(path, PKI_PEM_MAX, &arena, &text, err) == HEARTH_OK) {
        *out = strndup((const char *)text.bytes, text.size);
        if (*out == NULL) {
            hearth_fail(err, HEARTH_NO_MEMORY, "read %s", path);
        }
    }
    arena_fini(&arena);
    return *out == NULL ? err->code : HEARTH_OK;
}

static enum hearth_code load_ca(struct identity *identity, struct hearth_err *err)
{
    const char *path = identity->files.ca;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    if (load_text(path, &identity->ca_pem, err) != HEARTH_OK) {
        return err->code;
    }
    if (pki_ca_read(view_text(identity->ca_pem), cluster, identity->ca_pin, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    return HEARTH_OK;
}

/* Whether it is still in date is for the peers to say: an expired one is renewed. */
static enum hearth_code load_certificate(struct identity *identity, struct hearth_err *err)
{
    const char *path = identity->files.certificate;
    if (load_text(path, &identity->certificate_pem, err) != HEARTH_OK) {
        return err->code;
    }
    if (pki_certificate_read(view_text(identity->certificate_pem), &identity->certificate, err) !=
        HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    if (identity->certificate.identity.class != identity->files.class ||
        memcmp(identity->certificate.identity.id, identity->id, PKI_ID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "%s: is not the certificate of the key in %s", path,
            identity->files.key);
    }
    return HEARTH_OK;
}

enum hearth_code identity_load(struct identity *identity, struct env *env,
    const struct identity_files *files, struct hearth_err *err)
{
    *identity = (struct identity){.env = env, .files = *files};
    if (pki_key_load(files->key, &identity->key, err) != HEARTH_OK) {
        return err->code;
    }
    pki_key_id(identity->key, identity->id);
    if (load_ca(identity, err) != HEARTH_OK) {
        return err->code;
    }
    return load_certificate(identity, err);
}

void identity_fini(struct identity *identity)
{
    pki_key_destroy(identity->key);
    free(identity->ca_pem);
    free(identity->certificate_pem);
}

enum hearth_code identity_credentials(
    const struct identity *identity, struct rpc_credentials **out, struct hearth_err *err)
{
    return rpc_credentials_create(
        identity->ca_pem, identity->certificate_pem, identity->key, out, err);
}

/* ---- invitations ---- */

enum hearth_code identity_read_addresses(const struct view *texts, size_t count,
    struct arena *arena, struct config_addresses *out, struct hearth_err *err)
{
    static_assert(
        (int)WIRE_COORDINATORS_MAX <= (int)CONFIG_ADDRESSES_MAX, "all that were decoded fit");
    assert(count <= CONFIG_ADDRESSES_MAX);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = arena_text(arena, texts[i]);
        if (text == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "addresses of the coordinator");
        }
        if (config_parse_address(text, arena, &out->items[i], err) != HEARTH_OK) {
            return hearth_err_prefix(err, "an address of the coordinator");
        }
        out->count++;
    }
    return HEARTH_OK;
}

enum hearth_code identity_read_invite(const char *text, enum peer_class class, struct arena *arena,
    struct invite *out, struct config_addresses *enrolment, struct hearth_err *err)
{
    if (invite_parse(view_text(text), arena, out, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "read the invitation");
    }
    if (out->kind != class) {
        return hearth_fail(err, HEARTH_INVALID, "the invitation is for a %s, not for a %s",
            peer_class_text(out->kind), peer_class_text(class));
    }
    return identity_read_addresses(out->addresses, out->address_count, arena, enrolment, err);
}

/* ---- enrolment and renewal ---- */

static enum hearth_code ask(const struct identity_enrolment *enrolment,
    const struct config_address *address, struct arena *arena, struct wire_enrol_reply *reply,
    struct hearth_err *err)
{
    char text[CONFIG_ADDRESS_TEXT_SIZE];
    config_format_address(address, text);
    const struct enrol_call call = {
        .env = enrolment->env,
        .address = text,
        .ca_pin = enrolment->ca_pin,
        .token = enrolment->token,
        .key = enrolment->key,
    };
    return enrol_call_blocking(&call, arena, reply, err);
}

enum hearth_code identity_enrol(const struct identity_enrolment *enrolment, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_UNREACHABLE;
    assert(enrolment->addresses->count > 0);
    for (unsigned i = 0; i < enrolment->addresses->count; i++) {
        code = ask(enrolment, &enrolment->addresses->items[i], arena, reply, err);
        if (code != HEARTH_UNREACHABLE) {
            break;
        }
    }
    return code;
}

bool identity_should_renew(const struct identity *identity)
{
    const struct pki_certificate *certificate = &identity->certificate;
    uint64_t life_ms = certificate->not_after_unix_ms - certificate->not_before_unix_ms;
    return env_unix_ms(identity->env) >= certificate->not_before_unix_ms + life_ms / 3 * 2;
}

static enum hearth_code take_certificate(
    struct identity *identity, struct view pem, struct hearth_err *err)
{
    struct pki_certificate certificate;
    char *text = strndup((const char *)pem.bytes, pem.size);
    if (text == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "new certificate");
    }
    if (pki_certificate_read(pem, &certificate, err) != HEARTH_OK ||
        file_write_atomically(identity->files.certificate, pem, CERTIFICATE_MODE, err) !=
            HEARTH_OK) {
        free(text);
        return err->code;
    }
    free(identity->certificate_pem);
    identity->certificate_pem = text;
    identity->certificate = certificate;
    return HEARTH_OK;
}

enum hearth_code identity_renew(struct identity *identity, struct hearth_err *err)
{
    const struct identity_enrolment enrolment = {
        .env = identity->env,
        .key = identity->key,
        .ca_pin = identity->ca_pin,
        .addresses = identity->files.enrolment,
    };
    struct wire_enrol_reply reply;
    struct arena arena;
    arena_init(&arena, REPLY_ARENA_MAX);
    enum hearth_code code = identity_enrol(&enrolment, &arena, &reply, err);
    if (code == HEARTH_OK) {
        code = take_certificate(identity, reply.certificate, err);
    }
    arena_fini(&arena);
    return code;
}
