#include "coordinator/service/invitation.h"

#include "coordinator/service/service.h"
#include "proto/invite.h"

#include <stdio.h>

enum { VALID_DEFAULT_S = 24 * 60 * 60, VALID_MAX_S = 365 * 24 * 60 * 60 };

/* The classes that are invited, as the metadata has them. 0: this one is not. */
static enum meta_class class_of(enum peer_class kind)
{
    switch (kind) {
    case PEER_NODE: return META_CLASS_NODE;
    case PEER_CLIENT: return META_CLASS_CLIENT;
    case PEER_GATEWAY: return META_CLASS_GATEWAY;
    case PEER_ADMIN: return META_CLASS_ADMIN;
    case PEER_WORKER:
    case PEER_SESSION:
    case PEER_COORDINATOR:
    case PEER_CLASSES: break;
    }
    return 0;
}

static enum hearth_code check(const struct invitation *invitation, struct hearth_err *err)
{
    if (class_of(invitation->kind) == 0) {
        return hearth_fail(
            err, HEARTH_INVALID, "a %s cannot be invited", peer_class_text(invitation->kind));
    }
    if (invitation->kind == PEER_NODE && invitation->owner.size == 0) {
        return hearth_fail(err, HEARTH_INVALID, "a node needs an owner: --owner NAME");
    }
    if (invitation->owner.size > INVITE_NAME_MAX || invitation->place.size > INVITE_NAME_MAX ||
        invitation->network.size > INVITE_NAME_MAX || invitation->tenant.size > META_NAME_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "a name is longer than %d bytes", INVITE_NAME_MAX);
    }
    if (invitation->kind != PEER_NODE && invitation->uplink_bits > 0) {
        return hearth_fail(err, HEARTH_INVALID, "only a node has an uplink that counts");
    }
    if (invitation->valid_s > VALID_MAX_S) {
        return hearth_fail(err, HEARTH_INVALID, "an invitation is valid for at most a year");
    }
    return HEARTH_OK;
}

/* An operator's name for a network becomes a prefix that no address has: family 0, then its hash.
 */
static struct view network_of(struct view name, uint8_t prefix[META_NETWORK_SIZE])
{
    if (name.size == 0) {
        return (struct view){0};
    }
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(name, digest);
    prefix[0] = 0;
    memcpy(prefix + 1, digest, META_NETWORK_SIZE - 1);
    return view_of(prefix, META_NETWORK_SIZE);
}

static enum hearth_code remember(struct coordinator *coordinator,
    const struct invitation *invitation, const struct invite *invite, struct hearth_err *err)
{
    uint8_t prefix[META_NETWORK_SIZE];
    struct meta_invite row = {
        .class = class_of(invitation->kind),
        .owner = invitation->owner,
        .network = network_of(invitation->network, prefix),
        .place = invitation->place,
        .rights = SERVICE_ALL,
        .expires_ms = invite->expires_unix_ms,
        .uplink_bits = invitation->uplink_bits,
    };
    crypto_sha256(view_of(invite->token, sizeof(invite->token)), row.token_hash);
    if (invitation->kind == PEER_CLIENT || invitation->kind == PEER_GATEWAY) {
        struct arena arena;
        struct meta_tenant tenant;
        struct view name = invitation->tenant.size == 0 ? view_text("default") : invitation->tenant;
        arena_init(&arena, 0);
        enum hearth_code code = meta_tenant_ensure(coordinator->store, name, &arena, &tenant, err);
        row.tenant = tenant.id;
        arena_fini(&arena);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    return meta_invite_put(coordinator->store, &row, err);
}

/* Where the word says to enrol. */
static enum hearth_code add_addresses(const struct settings *settings, struct arena *arena,
    struct invite *invite, struct hearth_err *err)
{
    const struct config_addresses *addresses = settings->advertise_enrolment.count > 0
        ? &settings->advertise_enrolment
        : &settings->enrolment;
    for (unsigned i = 0; i < addresses->count && i < INVITE_ADDRESSES_MAX; i++) {
        struct view text = coordinator_address_text(&addresses->items[i], arena);
        if (text.bytes == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "addresses of an invitation");
        }
        invite->addresses[invite->address_count++] = text;
    }
    return HEARTH_OK;
}

enum hearth_code invitation_make(struct coordinator *coordinator,
    const struct invitation *invitation, struct arena *arena, const char **word,
    uint64_t *expires_unix_ms, struct hearth_err *err)
{
    uint64_t valid_s = invitation->valid_s == 0 ? VALID_DEFAULT_S : invitation->valid_s;
    struct invite invite = {
        .kind = invitation->kind,
        .expires_unix_ms = meta_now_ms(coordinator->store) + 1000 * valid_s,
        .owner = invitation->owner,
        .place = invitation->place,
    };
    env_random(coordinator->env, invite.token, sizeof(invite.token));
    memcpy(invite.ca_pin, coordinator->cluster->ca_pin, sizeof(invite.ca_pin));

    char *text = arena_take(arena, INVITE_TEXT_MAX + 1);
    enum hearth_code code = check(invitation, err);
    if (code == HEARTH_OK && text == NULL) {
        code = hearth_fail(err, HEARTH_NO_MEMORY, "invitation");
    }
    if (code == HEARTH_OK) {
        code = add_addresses(coordinator->settings, arena, &invite, err);
    }
    if (code == HEARTH_OK) {
        code = remember(coordinator, invitation, &invite, err);
    }
    if (code == HEARTH_OK) {
        invite_encode(&invite, text);
        *word = text;
        *expires_unix_ms = invite.expires_unix_ms;
    }
    return code;
}
