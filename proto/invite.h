/*
 * invite.h - an invitation as one word to paste: everything a machine needs to enrol.
 *
 *   hearth1<base32 of: kind, expiry, token, pin, addresses, owner, place, check>
 *
 * Lower-case letters and digits only, so that a double click takes all of it and no shell, mail
 * program or telephone changes it; upper case is read too.  The check (4 bytes of SHA-256) tells a
 * word that was cut or misread from one that was refused.
 *
 * Whoever has the word can enrol once, as what it says, until it expires: hand it over like a key.
 *
 * Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_INVITE_H
#define HEARTH_PROTO_INVITE_H

#include "common/arena.h"
#include "common/pki.h"

enum {
    INVITE_TOKEN_SIZE = 16,
    INVITE_ADDRESSES_MAX = 4,
    INVITE_ADDRESS_MAX = 255, /* bytes of "host:port" */
    INVITE_NAME_MAX = 255,    /* bytes of owner, of place */
    INVITE_TEXT_MAX = 2564,   /* with all of these at their largest; usual are about 180 */
};

struct invite {
    enum peer_class kind; /* node, client, gateway or admin */
    uint64_t expires_unix_ms;
    uint8_t token[INVITE_TOKEN_SIZE];
    uint8_t ca_pin[PKI_PIN_SIZE];                /* SHA-256 of the public key of the cluster's CA */
    struct view addresses[INVITE_ADDRESSES_MAX]; /* of the enrolment port: "host:port" */
    unsigned address_count;                      /* at least one */
    struct view owner; /* for people to read: what counts is what the coordinator noted */
    struct view place;
};

/* The word, with a terminating zero. Asserts the limits above. */
void invite_encode(const struct invite *invite, char text[INVITE_TEXT_MAX + 1]);

/*
 * Blanks and line ends around the word are passed over.  Texts of *out live in the arena.
 * HEARTH_INVALID: not an invitation, or not copied whole.  HEARTH_UNKNOWN_FORMAT: a newer one.
 * Expiry is not judged here.
 */
enum hearth_code invite_parse(
    struct view text, struct arena *arena, struct invite *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_INVITE_H */
