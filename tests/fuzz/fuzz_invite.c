/*
 * fuzz_invite: an invitation as somebody may have pasted it, or any bytes with a check that fits.
 * What is understood has one spelling, and that means the same.
 */
#include "common/crypto.h"
#include "proto/invite.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 4096, PREFIX_SIZE = 7, CHECK_SIZE = 4 };

static void fuzz_text(struct view text)
{
    struct hearth_err err;
    struct arena arena;
    struct invite invite;
    struct invite again;
    char word[INVITE_TEXT_MAX + 1];
    char word_again[INVITE_TEXT_MAX + 1];
    arena_init(&arena, 0);
    if (invite_parse(text, &arena, &invite, &err) == HEARTH_OK) {
        assert(invite.address_count >= 1 && invite.address_count <= INVITE_ADDRESSES_MAX);
        invite_encode(&invite, word);
        enum hearth_code code = invite_parse(view_text(word), &arena, &again, &err);
        assert(code == HEARTH_OK);
        assert(view_equal(invite.place, again.place) && view_equal(invite.owner, again.owner));
        invite_encode(&again, word_again);
        assert(strcmp(word, word_again) == 0);
    }
    arena_fini(&arena);
}

/* The body of a word, written as one: base32 of RFC 4648, its check set. */
static void fuzz_body(struct view body)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char text[PREFIX_SIZE + (INPUT_MAX + CHECK_SIZE) * 2] = "hearth1";
    uint8_t bytes[INPUT_MAX + CHECK_SIZE];
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(body, digest);
    memcpy(bytes, body.bytes, body.size);
    memcpy(bytes + body.size, digest, CHECK_SIZE);
    size_t bit_count = (body.size + CHECK_SIZE) * 8;
    size_t length = PREFIX_SIZE;
    for (size_t bit = 0; bit < bit_count; length++) {
        unsigned digit = 0;
        for (unsigned i = 0; i < 5; i++, bit++) {
            digit = digit << 1 | (bit < bit_count && (bytes[bit / 8] >> (7 - bit % 8) & 1));
        }
        text[length] = digits[digit];
    }
    fuzz_text(view_of(text, length));
}

/* Begins with "body": what follows is one; anything else is text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    if (size > 4 && memcmp(data, "body", 4) == 0) {
        fuzz_body(view_of(data + 4, size - 4));
    } else {
        fuzz_text(view_of(data, size));
    }
    return 0;
}
