/*
 * identity.h - who this process is: its key, its certificate, and the authority it trusts.
 *
 *   invitation --enrol--> certificate, CA, coordinators          (init)
 *   files      --load---> identity --> credentials               (every start)
 *   2/3 of the certificate's life --renew--> certificate --> file, credentials
 *
 * Nodes, customers and operators are the same in this.  One that was off for months comes back by
 * itself: renewal asks only for the key.
 *
 * Everything blocks.  Thread-safety: none; one thread at a time.
 */
#ifndef HEARTH_PROTO_IDENTITY_H
#define HEARTH_PROTO_IDENTITY_H

#include "common/config.h"
#include "proto/invite.h"
#include "proto/rpc_credentials.h"
#include "proto/wire_messages.h"

/* Where it is kept, as a configuration says; everything borrowed. */
struct identity_files {
    enum peer_class class; /* what the certificate has to be of */
    const char *key;
    const char *certificate;
    const char *ca;
    const struct config_addresses *enrolment; /* where it is renewed */
};

struct identity {
    struct env *env;
    struct identity_files files;
    struct pki_key *key;
    uint8_t id[PKI_ID_SIZE];
    char *ca_pem;
    uint8_t ca_pin[PKI_PIN_SIZE];
    char *certificate_pem;
    struct pki_certificate certificate;
};

/* HEARTH_INVALID: the files are not what they should be, or do not belong together. */
enum hearth_code identity_load(struct identity *identity, struct env *env,
    const struct identity_files *files, struct hearth_err *err);

/* Also after a failed load. */
void identity_fini(struct identity *identity);

/* *out: one reference, the caller's. */
enum hearth_code identity_credentials(
    const struct identity *identity, struct rpc_credentials **out, struct hearth_err *err);

/* Two thirds of the certificate's life have passed. */
bool identity_should_renew(const struct identity *identity);

/* Asks the enrolment addresses in turn; on success the new certificate is on disk, and here. */
enum hearth_code identity_renew(struct identity *identity, struct hearth_err *err);

/* ---- joining ---- */

/*
 * What an invitation for a peer of this class says, and where it is to be shown; all of it lives in
 * the arena.  HEARTH_INVALID also: it is for another class.
 */
enum hearth_code identity_read_invite(const char *text, enum peer_class class, struct arena *arena,
    struct invite *out, struct config_addresses *enrolment, struct hearth_err *err);

/* Addresses of the coordinator as invitations and replies name them; hosts live in the arena. */
enum hearth_code identity_read_addresses(const struct view *texts, size_t count,
    struct arena *arena, struct config_addresses *out, struct hearth_err *err);

/* Asks each of the addresses ("host:port") until one answers; `token` empty: renewal. */
struct identity_enrolment {
    struct env *env;
    const struct pki_key *key;
    const uint8_t *ca_pin;
    struct view token;
    const struct config_addresses *addresses;
};

/* *reply lives in the arena. Errors are those of the last address that was tried. */
enum hearth_code identity_enrol(const struct identity_enrolment *enrolment, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err);

#endif /* HEARTH_PROTO_IDENTITY_H */
