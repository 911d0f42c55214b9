/*
 * crypto: each primitive gives the answers its standard publishes, also when one key is used for
 * many messages in both directions, and opening refuses every altered bit.
 */
#include "common/codec.h"
#include "common/crypto.h"
#include "tests/lib/test.h"

#include <pthread.h>

enum { HEX_BYTES_MAX = 256 };

struct hex {
    uint8_t bytes[HEX_BYTES_MAX];
    struct view view;
};

static struct view unhex(struct hex *hex, const char *text)
{
    size_t size = strlen(text) / 2;
    assert_true(size <= sizeof(hex->bytes));
    assert_true(hex_decode(view_text(text), hex->bytes, size));
    hex->view = view_of(hex->bytes, size);
    return hex->view;
}

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[2 * HEX_BYTES_MAX + 1];
    assert_true(size <= HEX_BYTES_MAX);
    hex_encode(bytes, size, text);
    assert_string_equal(text, expected);
}

/* ---- hashing ---- */

static void hashes_match_fips_180_and_rfc_1321(void **state)
{
    (void)state;
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(view_text("abc"), digest);
    assert_hex(
        digest, sizeof(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

    struct crypto_hash *md5 = crypto_hash_create(CRYPTO_MD5);
    crypto_hash_update(md5, view_text("abc"));
    crypto_hash_final(md5, digest);
    assert_hex(digest, CRYPTO_MD5_SIZE, "900150983cd24fb0d6963f7d28e17f72");
    struct crypto_hash *sha1 = crypto_hash_create(CRYPTO_SHA1);
    crypto_hash_update(sha1, view_text("abc"));
    crypto_hash_final(sha1, digest);
    crypto_hash_destroy(sha1);
    assert_hex(digest, CRYPTO_SHA1_SIZE, "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_hash_destroy(md5);
}

static void a_finished_hash_starts_a_new_message(void **state)
{
    (void)state;
    uint8_t in_one[CRYPTO_SHA256_SIZE];
    uint8_t in_pieces[CRYPTO_SHA256_SIZE];
    crypto_sha256(view_text("hearth"), in_one);

    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    crypto_hash_update(hash, view_text("an earlier message"));
    crypto_hash_final(hash, in_pieces);
    crypto_hash_update(hash, view_text("hea"));
    crypto_hash_update(hash, (struct view){0});
    crypto_hash_update(hash, view_text("rth"));
    crypto_hash_final(hash, in_pieces);
    crypto_hash_destroy(hash);
    assert_memory_equal(in_pieces, in_one, sizeof(in_one));
}

/* ---- keys ---- */

static void hmac_matches_rfc_4231(void **state)
{
    (void)state;
    uint8_t mac[CRYPTO_SHA256_SIZE];
    struct hex key;

    crypto_hmac_sha256(
        unhex(&key, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), view_text("Hi There"), mac);
    assert_hex(
        mac, sizeof(mac), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

    crypto_hmac_sha256(view_text("Jefe"), view_text("what do ya want for nothing?"), mac);
    assert_hex(
        mac, sizeof(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

    memset(key.bytes, 0xaa, 131); /* longer than a block: hashed first */
    crypto_hmac_sha256(view_of(key.bytes, 131),
        view_text("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_hex(
        mac, sizeof(mac), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hkdf_matches_rfc_5869_without_salt_and_info(void **state)
{
    (void)state;
    struct hex secret;
    uint8_t out[42];
    crypto_hkdf(unhex(&secret, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), (struct view){0},
        out, sizeof(out));
    assert_hex(out, sizeof(out),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        "9d201395faa4b61a96c8");
}

/* The RFC has no vector with info and no salt, so its two formulas are written out here. */
static void hkdf_is_extract_then_expand_with_info(void **state)
{
    (void)state;
    const uint8_t salt[CRYPTO_SHA256_SIZE] = {0};
    uint8_t extracted[CRYPTO_SHA256_SIZE];
    uint8_t expected[CRYPTO_SHA256_SIZE];
    uint8_t out[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256(view_of(salt, sizeof(salt)), view_text("secret"), extracted);
    crypto_hmac_sha256(view_of(extracted, sizeof(extracted)), view_text("info\x01"), expected);

    crypto_hkdf(view_text("secret"), view_text("info"), out, sizeof(out));
    assert_memory_equal(out, expected, sizeof(out));
}

static void equal_sees_every_bit(void **state)
{
    (void)state;
    uint8_t a[16] = {0};
    uint8_t b[16] = {0};
    assert_true(crypto_equal(a, b, sizeof(a)));
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        a[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(crypto_equal(a, b, sizeof(a)));
        a[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(a, 1, sizeof(a));
    crypto_wipe(a, sizeof(a));
    assert_memory_equal(a, b, sizeof(a));
}

/* ---- sealing and tags ---- */

struct gcm_case {
    const char *key, *nonce, *associated, *plain, *sealed;
};

/* McGrew and Viega, "The Galois/Counter Mode of Operation" (NIST's submission), cases 13 to 16. */
#define ZERO_KEY "0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT_KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define TEXT_60                                                                                    \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"   \
    "a6b525b16aedf5aa0de657ba637b39"
#define CIPHER_60                                                                                  \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"   \
    "828838c5f61e6393ba7a0abcc9f662"

static const struct gcm_case gcm_cases[] = {
    {ZERO_KEY, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {ZERO_KEY, "000000000000000000000000", "", "00000000000000000000000000000000",
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {TEXT_KEY, "cafebabefacedbaddecaf888", "", TEXT_60 "1aafd255",
        CIPHER_60 "898015adb094dac5d93471bdec1a502270e3cc6c"},
    {TEXT_KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT_60,
        CIPHER_60 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void check_gcm_case(struct crypto_gcm *gcm, const struct gcm_case *row)
{
    struct hex nonce, associated, plain, sealed;
    uint8_t out[HEX_BYTES_MAX];
    unhex(&nonce, row->nonce);
    unhex(&associated, row->associated);
    unhex(&plain, row->plain);
    unhex(&sealed, row->sealed);

    crypto_gcm_seal(gcm, nonce.bytes, associated.view, plain.view, out);
    assert_memory_equal(out, sealed.bytes, sealed.view.size);
    assert_true(crypto_gcm_open(gcm, nonce.bytes, associated.view, sealed.view, out));
    assert_memory_equal(out, plain.bytes, plain.view.size);
}

static void gcm_matches_its_published_cases_with_one_key_many_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(gcm_cases) / sizeof(gcm_cases[0]); i++) {
        struct hex key;
        unhex(&key, gcm_cases[i].key);
        struct crypto_gcm *gcm = crypto_gcm_create(key.bytes);
        check_gcm_case(gcm, &gcm_cases[i]);
        check_gcm_case(gcm, &gcm_cases[i]);
        crypto_gcm_destroy(gcm);
    }
}

static void gcm_works_in_place(void **state)
{
    (void)state;
    const struct gcm_case *row = &gcm_cases[3];
    struct hex key, nonce, associated, plain, sealed;
    struct crypto_gcm *gcm = crypto_gcm_create(unhex(&key, row->key).bytes);
    unhex(&nonce, row->nonce);
    unhex(&associated, row->associated);
    unhex(&plain, row->plain);
    unhex(&sealed, row->sealed);

    uint8_t bytes[HEX_BYTES_MAX];
    memcpy(bytes, plain.bytes, plain.view.size);
    crypto_gcm_seal(gcm, nonce.bytes, associated.view, view_of(bytes, plain.view.size), bytes);
    assert_memory_equal(bytes, sealed.bytes, sealed.view.size);
    assert_true(crypto_gcm_open(
        gcm, nonce.bytes, associated.view, view_of(bytes, sealed.view.size), bytes));
    assert_memory_equal(bytes, plain.bytes, plain.view.size);
    crypto_gcm_destroy(gcm);
}

static void open_refuses_every_flipped_bit_and_leaves_zeros(void **state)
{
    (void)state;
    const struct gcm_case *row = &gcm_cases[3];
    struct hex key, nonce, associated, sealed;
    struct crypto_gcm *gcm = crypto_gcm_create(unhex(&key, row->key).bytes);
    unhex(&nonce, row->nonce);
    unhex(&associated, row->associated);
    unhex(&sealed, row->sealed);

    const uint8_t zeros[HEX_BYTES_MAX] = {0};
    uint8_t out[HEX_BYTES_MAX];
    for (size_t bit = 0; bit < 8 * sealed.view.size; bit++) {
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(out, 0xee, sizeof(out));
        assert_false(crypto_gcm_open(gcm, nonce.bytes, associated.view, sealed.view, out));
        assert_memory_equal(out, zeros, sealed.view.size - CRYPTO_TAG_SIZE);
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(crypto_gcm_open(gcm, nonce.bytes, associated.view, sealed.view, out));
    crypto_gcm_destroy(gcm);
}

static void open_refuses_other_associated_data_another_nonce_and_short_input(void **state)
{
    (void)state;
    const struct gcm_case *row = &gcm_cases[3];
    struct hex key, nonce, associated, sealed;
    struct crypto_gcm *gcm = crypto_gcm_create(unhex(&key, row->key).bytes);
    unhex(&nonce, row->nonce);
    unhex(&associated, row->associated);
    unhex(&sealed, row->sealed);

    uint8_t out[HEX_BYTES_MAX];
    assert_false(crypto_gcm_open(gcm, nonce.bytes, (struct view){0}, sealed.view, out));
    for (size_t size = 0; size < sealed.view.size; size++) {
        struct view cut = view_of(sealed.bytes, size);
        assert_false(crypto_gcm_open(gcm, nonce.bytes, associated.view, cut, out));
    }
    nonce.bytes[0] ^= 1;
    assert_false(crypto_gcm_open(gcm, nonce.bytes, associated.view, sealed.view, out));
    crypto_gcm_destroy(gcm);
}

/* NIST CAVS 14.0, gcmEncryptExtIV256.rsp, PTlen 0, AADlen 128, count 0. */
static void gmac_matches_nist_and_follows_a_seal_with_the_same_key(void **state)
{
    (void)state;
    struct hex key, nonce, message;
    unhex(&key, "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223");
    unhex(&nonce, "d79cf22d504cc793c3fb6c8a");
    unhex(&message, "b96baa8c1c75a671bfb2d08d06be5f36");

    struct crypto_gcm *gcm = crypto_gcm_create(key.bytes);
    uint8_t out[64];
    uint8_t tag[CRYPTO_TAG_SIZE];
    crypto_gcm_seal(gcm, nonce.bytes, (struct view){0}, view_text("anything"), out);
    crypto_gmac(gcm, nonce.bytes, message.view, tag);
    assert_hex(tag, sizeof(tag), "3e5d486aa2e30b22e040b85723a06e76");
    crypto_gcm_destroy(gcm);
}

/* ---- one block ---- */

static void a_block_matches_fips_197_both_ways(void **state)
{
    (void)state;
    struct hex key, plain;
    unhex(&key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    unhex(&plain, "00112233445566778899aabbccddeeff");
    uint8_t block[CRYPTO_BLOCK_SIZE];
    crypto_aes256_encrypt_block(key.bytes, plain.bytes, block);
    assert_hex(block, sizeof(block), "8ea2b7ca516745bfeafc49904b496089");
    crypto_aes256_decrypt_block(key.bytes, block, block);
    assert_memory_equal(block, plain.bytes, sizeof(block));
}

static void *hash_in_a_thread(void *digest)
{
    crypto_sha256(view_text("abc"), digest);
    return NULL;
}

static void many_threads_may_come_first(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint8_t digests[THREADS][CRYPTO_SHA256_SIZE];
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_a_thread, digests[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_memory_equal(digests[i], digests[0], sizeof(digests[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_may_come_first),
        cmocka_unit_test(hashes_match_fips_180_and_rfc_1321),
        cmocka_unit_test(a_finished_hash_starts_a_new_message),
        cmocka_unit_test(hmac_matches_rfc_4231),
        cmocka_unit_test(hkdf_matches_rfc_5869_without_salt_and_info),
        cmocka_unit_test(hkdf_is_extract_then_expand_with_info),
        cmocka_unit_test(equal_sees_every_bit),
        cmocka_unit_test(gcm_matches_its_published_cases_with_one_key_many_times),
        cmocka_unit_test(gcm_works_in_place),
        cmocka_unit_test(open_refuses_every_flipped_bit_and_leaves_zeros),
        cmocka_unit_test(open_refuses_other_associated_data_another_nonce_and_short_input),
        cmocka_unit_test(gmac_matches_nist_and_follows_a_seal_with_the_same_key),
        cmocka_unit_test(a_block_matches_fips_197_both_ways),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
