/*
 * pki: a certificate proves one identity, of one cluster, for a time; everything else is refused.
 * Time is stepped; forged certificates are made with OpenSSL from honest ones.
 */
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/pki.h"
#include "common/pki_names.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_forge.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DAY_S = 86400 };

static const uint8_t cluster[PKI_CLUSTER_SIZE] = {0xc1, 0x05, 0x7e, 0x12};

struct fixture {
    struct test_env env;
    struct pki_key *ca_key;
    struct pki_key *key;
    char *ca_pem;
    char *pem; /* of `key`, a node, for 30 days */
    struct hearth_err err;
};

static void issue(struct fixture *at, const struct pki_key *key, enum peer_class class, char **pem)
{
    struct pki_subject subject = {.key = key, .class = class, .lifetime_s = 30 * DAY_S};
    assert_ok(pki_issue(&at->env.env, at->ca_key, at->ca_pem, &subject, pem, &at->err), &at->err);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 7);
    assert_ok(pki_key_create(&at->ca_key, &at->err), &at->err);
    assert_ok(pki_key_create(&at->key, &at->err), &at->err);
    at->ca_pem = pki_ca_certificate(&at->env.env, at->ca_key, cluster, 3650 * DAY_S);
    issue(at, at->key, PEER_NODE, &at->pem);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    pki_key_destroy(at->ca_key);
    pki_key_destroy(at->key);
    free(at->ca_pem);
    free(at->pem);
    free(at);
    return 0;
}

static enum hearth_code verify(struct fixture *at, const char *pem, struct pki_certificate *out)
{
    return pki_certificate_verify(&at->env.env, view_text(pem), at->ca_pem, out, &at->err);
}

static void a_certificate_names_its_holder_by_the_hash_of_its_key(void **state)
{
    struct fixture *at = *state;
    struct pki_certificate read;
    assert_ok(verify(at, at->pem, &read), &at->err);

    uint8_t id[PKI_ID_SIZE];
    pki_key_id(at->key, id);
    assert_memory_equal(read.identity.id, id, sizeof(id));
    assert_memory_equal(read.pin, id, sizeof(id));
    assert_memory_equal(read.identity.cluster, cluster, sizeof(cluster));
    assert_int_equal(read.identity.class, PEER_NODE);
    assert_int_equal(strlen(read.identity.id_text), 40);
    assert_int_equal(pki_seconds_left(&at->env.env, &read), 30 * DAY_S);
}

static void every_class_comes_back_as_it_was_issued(void **state)
{
    struct fixture *at = *state;
    for (unsigned class = 0; class < PEER_CLASSES; class ++) {
        char *pem = NULL;
        issue(at, at->key, (enum peer_class) class, &pem);
        struct pki_certificate read;
        assert_ok(verify(at, pem, &read), &at->err);
        assert_int_equal(read.identity.class, class);
        free(pem);
    }
}

static bool certificate_has_host(const char *pem, const char *host)
{
    X509 *x509 = pki_x509_from_pem(view_text(pem));
    bool matches = X509_check_host(x509, host, 0, 0, NULL) == 1;
    X509_free(x509);
    return matches;
}

static void tls_finds_the_name_it_asks_for(void **state)
{
    struct fixture *at = *state;
    uint8_t id[PKI_ID_SIZE];
    pki_key_id(at->key, id);
    char name[PKI_DNS_NAME_SIZE];
    pki_dns_name(PEER_NODE, id, name);
    assert_true(certificate_has_host(at->pem, name));
    assert_false(certificate_has_host(at->pem, "node.hearth"));

    char *pem = NULL;
    issue(at, at->key, PEER_COORDINATOR, &pem);
    assert_true(certificate_has_host(pem, "coordinator.hearth"));
    free(pem);
}

static void a_certificate_ends_with_its_lifetime_and_begins_a_little_early(void **state)
{
    struct fixture *at = *state;
    struct pki_certificate read;
    at->env.unix_ms -= PKI_BACKDATE_S * 1000;
    assert_ok(verify(at, at->pem, &read), &at->err);
    at->env.unix_ms -= 2000;
    assert_int_equal(verify(at, at->pem, &read), HEARTH_EXPIRED);

    at->env.unix_ms += (PKI_BACKDATE_S + 2 + UINT64_C(30) * DAY_S - 1) * 1000;
    assert_ok(verify(at, at->pem, &read), &at->err);
    at->env.unix_ms += 2000;
    assert_int_equal(verify(at, at->pem, &read), HEARTH_EXPIRED);
    assert_true(pki_seconds_left(&at->env.env, &read) < 0);
}

static void no_certificate_outlives_its_ca(void **state)
{
    struct fixture *at = *state;
    struct pki_subject subject = {.key = at->key, .lifetime_s = UINT64_C(7300) * DAY_S};
    char *pem = NULL;
    assert_ok(pki_issue(&at->env.env, at->ca_key, at->ca_pem, &subject, &pem, &at->err), &at->err);
    struct pki_certificate read;
    assert_ok(verify(at, pem, &read), &at->err);
    assert_int_equal(pki_seconds_left(&at->env.env, &read), 3650 * DAY_S);
    free(pem);
}

static void another_ca_is_denied_even_under_the_same_cluster_name(void **state)
{
    struct fixture *at = *state;
    struct pki_key *other = NULL;
    assert_ok(pki_key_create(&other, &at->err), &at->err);
    char *other_pem = pki_ca_certificate(&at->env.env, other, cluster, 3650 * DAY_S);
    struct pki_certificate read;
    assert_int_equal(
        pki_certificate_verify(&at->env.env, view_text(at->pem), other_pem, &read, &at->err),
        HEARTH_DENIED);

    struct pki_subject subject = {.key = at->key, .lifetime_s = DAY_S};
    char *pem = NULL;
    assert_int_equal(
        pki_issue(&at->env.env, other, at->ca_pem, &subject, &pem, &at->err), HEARTH_INVALID);
    assert_null(pem);
    free(other_pem);
    pki_key_destroy(other);
}

/* The CA of the same key, but for another cluster. */
static void a_certificate_of_another_cluster_is_denied(void **state)
{
    struct fixture *at = *state;
    const uint8_t other[PKI_CLUSTER_SIZE] = {1};
    char *other_pem = pki_ca_certificate(&at->env.env, at->ca_key, other, 3650 * DAY_S);
    struct pki_certificate read;
    assert_int_equal(
        pki_certificate_verify(&at->env.env, view_text(at->pem), other_pem, &read, &at->err),
        HEARTH_DENIED);
    free(other_pem);
}

static void an_id_that_is_not_of_the_key_is_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_key *other = NULL;
    assert_ok(pki_key_create(&other, &at->err), &at->err);
    char *pem = test_forge(at->pem, at->ca_key, other, NULL);
    struct pki_certificate read;
    assert_int_equal(verify(at, pem, &read), HEARTH_INVALID);
    free(pem);
    pki_key_destroy(other);
}

static void names_in_any_other_spelling_are_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_certificate read;
    assert_ok(verify(at, at->pem, &read), &at->err);
    const char *id = read.identity.id_text;
    char c[PKI_CLUSTER_TEXT_SIZE];
    hex_encode(cluster, sizeof(cluster), c);

    char names[8][512];
    snprintf(names[0], 512, "URI:hearth://%s/king/%s,DNS:%s.king.hearth", c, id, id);
    snprintf(names[1], 512, "URI:hearth://%s/node/%s/x,DNS:%s.node.hearth", c, id, id);
    snprintf(names[2], 512, "URI:http://%s/node/%s,DNS:%s.node.hearth", c, id, id);
    snprintf(names[3], 512, "URI:hearth://%s/node/%s", c, id);
    snprintf(names[4], 512, "DNS:%s.node.hearth", id);
    snprintf(names[5], 512, "URI:hearth://%s/node/%s,DNS:%s.admin.hearth", c, id, id);
    snprintf(names[6], 512, "URI:hearth://%s/node/%s,URI:hearth://%s/admin/%s,DNS:%s.node.hearth",
        c, id, c, id, id);
    snprintf(names[7], 512, "URI:hearth://%s/node,DNS:%s.node.hearth", c, id);
    for (unsigned i = 0; i < 8; i++) {
        char *pem = test_forge(at->pem, at->ca_key, NULL, names[i]);
        assert_int_equal(verify(at, pem, &read), HEARTH_INVALID);
        free(pem);
    }
}

/* Every byte of the text in turn; a change that OpenSSL still reads must not verify as another. */
static void a_certificate_changed_anywhere_never_proves_another_identity(void **state)
{
    struct fixture *at = *state;
    struct pki_certificate honest;
    assert_ok(verify(at, at->pem, &honest), &at->err);
    size_t size = strlen(at->pem);
    for (size_t i = 0; i < size; i++) {
        FREES char *changed = strdup(at->pem);
        changed[i] ^= 1;
        struct pki_certificate read;
        if (verify(at, changed, &read) == HEARTH_OK) {
            assert_memory_equal(&read, &honest, sizeof(read));
        }
    }
}

static void a_node_certificate_is_no_ca(void **state)
{
    struct fixture *at = *state;
    uint8_t read_cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    uint8_t expected[PKI_PIN_SIZE];
    assert_ok(pki_ca_read(view_text(at->ca_pem), read_cluster, pin, &at->err), &at->err);
    pki_key_pin(at->ca_key, expected);
    assert_memory_equal(pin, expected, sizeof(pin));
    assert_memory_equal(read_cluster, cluster, sizeof(cluster));
    assert_int_equal(pki_ca_read(view_text(at->pem), read_cluster, pin, &at->err), HEARTH_INVALID);
    assert_int_equal(pki_ca_read(view_text("hello"), read_cluster, pin, &at->err), HEARTH_INVALID);
}

static void a_public_half_checks_what_the_pair_signed(void **state)
{
    struct fixture *at = *state;
    uint8_t der[PKI_PUBLIC_SIZE];
    pki_key_public(at->key, der);
    struct pki_key *public = NULL;
    assert_ok(pki_key_from_public(view_of(der, sizeof(der)), &public, &at->err), &at->err);

    struct pki_signature signature;
    pki_sign(at->key, view_text("enrol me"), &signature);
    struct view signed_as = view_of(signature.bytes, signature.size);
    assert_true(pki_verify(public, view_text("enrol me"), signed_as));
    assert_false(pki_verify(public, view_text("enrol him"), signed_as));
    assert_false(pki_verify(at->ca_key, view_text("enrol me"), signed_as));
    assert_false(pki_verify(public, view_text("enrol me"), view_text("nonsense")));
    assert_false(pki_verify(public, view_text("enrol me"), view_of(NULL, 0)));
    pki_key_destroy(public);
}

static void public_halves_that_are_no_point_are_refused(void **state)
{
    struct fixture *at = *state;
    uint8_t der[PKI_PUBLIC_SIZE];
    pki_key_public(at->key, der);
    der[PKI_PUBLIC_SIZE - 1] ^= 1; /* off the curve */
    struct pki_key *key = NULL;
    assert_int_equal(
        pki_key_from_public(view_of(der, sizeof(der)), &key, &at->err), HEARTH_INVALID);
    assert_int_equal(pki_key_from_public(view_of(der, 90), &key, &at->err), HEARTH_INVALID);
    assert_null(key);
}

static void a_saved_key_is_private_and_never_overwritten(void **state)
{
    struct fixture *at = *state;
    char directory[] = "/tmp/test_pki.XXXXXX";
    assert_non_null(mkdtemp(directory));
    char path[64];
    snprintf(path, sizeof(path), "%s/key.pem", directory);
    assert_ok(pki_key_save(at->key, path, &at->err), &at->err);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(pki_key_save(at->ca_key, path, &at->err), HEARTH_EXISTS);

    struct pki_key *loaded = NULL;
    assert_ok(pki_key_load(path, &loaded, &at->err), &at->err);
    uint8_t saved_id[PKI_ID_SIZE];
    uint8_t loaded_id[PKI_ID_SIZE];
    pki_key_id(at->key, saved_id);
    pki_key_id(loaded, loaded_id);
    assert_memory_equal(saved_id, loaded_id, PKI_ID_SIZE);
    pki_key_destroy(loaded);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(pki_key_load(path, &loaded, &at->err), HEARTH_DENIED);
    unlink(path);
    assert_int_equal(pki_key_load(path, &loaded, &at->err), HEARTH_NOT_FOUND);
    rmdir(directory);
}

static void text_that_is_no_key_is_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_key *key = NULL;
    assert_int_equal(pki_key_from_pem(view_text(at->pem), &key, &at->err), HEARTH_INVALID);
    assert_int_equal(pki_key_from_pem(view_text(""), &key, &at->err), HEARTH_INVALID);
    assert_int_equal(pki_key_from_pem(view_of(NULL, 0), &key, &at->err), HEARTH_INVALID);

    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, p384, NULL, NULL, 0, NULL, NULL);
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    assert_int_equal(
        pki_key_from_pem(view_of(bytes, (size_t)size), &key, &at->err), HEARTH_INVALID);
    BIO_free(bio);
    EVP_PKEY_free(p384);
    assert_null(key);
}

/* A message whose certificate field is missing has no bytes at all. */
static void a_missing_certificate_is_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_certificate read;
    uint8_t other_cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    assert_int_equal(pki_certificate_read(view_of(NULL, 0), &read, &at->err), HEARTH_INVALID);
    assert_int_equal(pki_ca_read(view_of(NULL, 0), other_cluster, pin, &at->err), HEARTH_INVALID);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(a_certificate_names_its_holder_by_the_hash_of_its_key),
        with_fixture(every_class_comes_back_as_it_was_issued),
        with_fixture(tls_finds_the_name_it_asks_for),
        with_fixture(a_certificate_ends_with_its_lifetime_and_begins_a_little_early),
        with_fixture(no_certificate_outlives_its_ca),
        with_fixture(another_ca_is_denied_even_under_the_same_cluster_name),
        with_fixture(a_certificate_of_another_cluster_is_denied),
        with_fixture(an_id_that_is_not_of_the_key_is_refused),
        with_fixture(names_in_any_other_spelling_are_refused),
        with_fixture(a_certificate_changed_anywhere_never_proves_another_identity),
        with_fixture(a_node_certificate_is_no_ca),
        with_fixture(a_public_half_checks_what_the_pair_signed),
        with_fixture(public_halves_that_are_no_point_are_refused),
        with_fixture(a_saved_key_is_private_and_never_overwritten),
        with_fixture(text_that_is_no_key_is_refused),
        with_fixture(a_missing_certificate_is_refused),
    };
    return cmocka_run_group_tests_name("pki", tests, NULL, NULL);
}
