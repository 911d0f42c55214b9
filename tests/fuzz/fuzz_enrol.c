/*
 * fuzz_enrol: what either side of an enrolment says in its frame.  The first byte chooses the side.
 *
 * A caller's request is decoded, and its key and signature tried as the server tries them; a
 * server's reply is decoded, and its certificates tried as the caller does.
 */
#include "common/pki.h"
#include "proto/enrol.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_request(struct view bytes, struct arena *arena)
{
    static const uint8_t proof[46] = "hearth/1/enrol";
    struct hearth_err err;
    struct wire_enrol_request request;
    struct pki_key *key;
    if (wire_decode(&wire_enrol_request_message, bytes, arena, &request, &err) != HEARTH_OK ||
        pki_key_from_public(request.public_key, &key, &err) != HEARTH_OK) {
        return;
    }
    uint8_t public_key[PKI_PUBLIC_SIZE];
    bool signed_by_it = pki_verify(key, view_of(proof, sizeof(proof)), request.signature);
    assert(!signed_by_it); /* nobody guesses a signature */
    pki_key_public(key, public_key);
    assert(view_equal(view_of(public_key, sizeof(public_key)), request.public_key));
    pki_key_destroy(key);
}

static void fuzz_reply(struct view bytes, struct arena *arena)
{
    struct hearth_err err;
    struct wire_enrol_reply reply;
    struct pki_certificate certificate;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (wire_decode(&wire_enrol_reply_message, bytes, arena, &reply, &err) != HEARTH_OK) {
        return;
    }
    enum hearth_code code = hearth_code_from_wire(reply.code);
    assert(reply.code == HEARTH_OK || code != HEARTH_OK);
    const char *ca_pem = arena_text(arena, reply.ca_certificate);
    assert(ca_pem != NULL);
    if (pki_ca_read(reply.ca_certificate, cluster, pin, &err) == HEARTH_OK) {
        (void)pki_certificate_verify(env_system(), reply.certificate, ca_pem, &certificate, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    struct arena arena;
    arena_init(&arena, 0);
    if ((fuzz_byte(&rest) & 1) == 0) {
        fuzz_request(rest, &arena);
    } else {
        fuzz_reply(rest, &arena);
    }
    arena_fini(&arena);
    return 0;
}
