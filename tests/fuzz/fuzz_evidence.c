/*
 * fuzz_evidence: records of evidence, as files that somebody hands in.  Nothing unsigned is taken;
 * what is signed and read says the same when it is written again, no bit of it can change, and
 * whatever it claims is checked without harm.
 *
 * The first two bytes choose the bit that is turned.  The rest is given as it is, and then with the
 * signature of a CA, or nothing behind it would ever be reached.
 */
#include "common/codec.h"
#include "proto/evidence_count.h"
#include "tests/fuzz/fuzz.h"
#include "tools/evidence_check.h"

static const char PURPOSE[] = "hearth/1/evidence";

struct authority {
    struct pki_key *key;
    uint8_t pin[PKI_PIN_SIZE];
};

/* One for all inputs of the process. */
static const struct authority *get_authority(void)
{
    static struct authority authority;
    struct hearth_err err;
    if (authority.key == NULL) {
        enum hearth_code code = pki_key_create(&authority.key, &err);
        assert(code == HEARTH_OK);
        pki_key_pin(authority.key, authority.pin);
    }
    return &authority;
}

/* Behind `size` bytes of a record. Returns the size of all; there is room for it. */
static size_t sign(const struct pki_key *key, uint8_t *bytes, size_t size)
{
    size_t purpose = sizeof(PURPOSE) - 1;
    uint8_t *message = malloc(purpose + size);
    struct pki_signature signature;
    assert(message != NULL);
    memcpy(message, PURPOSE, purpose);
    memcpy(message + purpose, bytes, size);
    pki_sign(key, view_of(message, purpose + size), &signature);
    free(message);
    struct writer writer = writer_of(bytes + size, PKI_PUBLIC_SIZE + 4 + PKI_SIGNATURE_MAX);
    uint8_t public_key[PKI_PUBLIC_SIZE];
    pki_key_public(key, public_key);
    writer_bytes(&writer, public_key, sizeof(public_key));
    writer_sized(&writer, view_of(signature.bytes, signature.size));
    assert(!writer.failed);
    return size + writer.size;
}

/* Read and written again it is the same, but for the signature, which is another each time. */
static void write_again(const struct evidence *evidence, struct view record)
{
    uint8_t *bytes = malloc(EVIDENCE_SIZE_MAX);
    assert(bytes != NULL);
    size_t size = evidence_encode(evidence, get_authority()->key, bytes);
    assert(size > record.size && memcmp(bytes, record.bytes, record.size) == 0);
    free(bytes);
}

static void check_counts(const struct evidence *evidence)
{
    assert(evidence->try_count <= EVIDENCE_TRIES_MAX);
    assert(evidence_strikes(evidence->tries, evidence->try_count) <= evidence->try_count);
}

static void fuzz_record(struct view record, unsigned turned)
{
    const struct authority *authority = get_authority();
    struct evidence *evidence = calloc(1, sizeof(*evidence));
    struct hearth_err err;
    uint8_t *bytes = malloc(record.size + PKI_PUBLIC_SIZE + 4 + PKI_SIGNATURE_MAX);
    assert(evidence != NULL && bytes != NULL);
    memcpy(bytes, record.bytes, record.size);
    struct view signed_record = view_of(bytes, sign(authority->key, bytes, record.size));
    enum hearth_code code = evidence_check(signed_record, authority->pin, evidence, &err);
    if (code == HEARTH_OK || code == HEARTH_CHECKSUM) {
        write_again(evidence, record);
        check_counts(evidence);
        bytes[turned / 8 % record.size] ^= (uint8_t)(1u << (turned % 8));
        code = evidence_check(signed_record, authority->pin, evidence, &err);
        assert(code != HEARTH_OK && code != HEARTH_CHECKSUM);
    }
    free(bytes);
    free(evidence);
}

/* The log of a contained cell, which is not signed: the coordinator's own row. */
static void fuzz_log(struct view log)
{
    struct evidence_try *tries = calloc(EVIDENCE_TRIES_MAX, sizeof(*tries));
    uint8_t *bytes = malloc(EVIDENCE_TRIES_MAX * EVIDENCE_TRY_SIZE);
    size_t count;
    assert(tries != NULL && bytes != NULL);
    if (evidence_tries_decode(log, tries, &count)) {
        assert(evidence_strikes(tries, count) <= count);
        size_t size = evidence_tries_encode(tries, count, bytes);
        assert(size == log.size && (size == 0 || memcmp(bytes, log.bytes, size) == 0));
    }
    free(bytes);
    free(tries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    unsigned turned = fuzz_byte(&rest);
    turned = turned << 8 | fuzz_byte(&rest);
    struct evidence *evidence = calloc(1, sizeof(*evidence));
    struct hearth_err err;
    assert(evidence != NULL);
    enum hearth_code code = evidence_check(rest, get_authority()->pin, evidence, &err);
    assert(code != HEARTH_OK && code != HEARTH_CHECKSUM); /* nobody guesses a signature */
    free(evidence);
    fuzz_log(rest);
    if (rest.size > 0) {
        fuzz_record(rest, turned);
    }
    return 0;
}
