#include "proto/invite.h"

#include "common/codec.h"
#include "common/crypto.h"
#include "proto/wire_messages.h"

#include <assert.h>
#include <strings.h>

/*
 * Inside the base32, integers little-endian:
 *
 *   kind 1 | expiry 8 | token 16 | pin 32 | count 1, then each: length 1, address |
 *   length 1, owner | length 1, place | check 4
 *
 * The version is the digit of the prefix.
 */
enum {
    CHECK_SIZE = 4,
    BODY_MAX = 1 + 8 + INVITE_TOKEN_SIZE + PKI_PIN_SIZE + 1 +
        INVITE_ADDRESSES_MAX * (1 + INVITE_ADDRESS_MAX) + 2 * (1 + INVITE_NAME_MAX) + CHECK_SIZE,
    BITS_PER_DIGIT = 5,
};

static const char word[] = "hearth";
static const char version_digit = '1';
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, no padding */

enum { PREFIX_SIZE = sizeof(word) }; /* the word and the digit */
static_assert(PREFIX_SIZE + (BODY_MAX * 8 + BITS_PER_DIGIT - 1) / BITS_PER_DIGIT <= INVITE_TEXT_MAX,
    "the largest invitation fits into the largest text");
static_assert((INVITE_TEXT_MAX - PREFIX_SIZE) * BITS_PER_DIGIT / 8 <= BODY_MAX,
    "and the largest text into a body");
static_assert(INVITE_TEXT_MAX <= (int)WIRE_INVITE_MAX, "and into InviteReply");

/* Who may enrol; the number in an invitation is the index and never means another. */
static const enum peer_class kinds[] = {PEER_NODE, PEER_CLIENT, PEER_GATEWAY, PEER_ADMIN};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static uint8_t kind_number(enum peer_class kind)
{
    uint8_t number = 0;
    while (number < KINDS && kinds[number] != kind) {
        number++;
    }
    assert(number < KINDS);
    return number;
}

/* ---- base32 ---- */

static size_t base32_encode(struct view bytes, char *text)
{
    uint32_t window = 0;
    unsigned bits = 0;
    size_t length = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        window = window << 8 | bytes.bytes[i];
        for (bits += 8; bits >= BITS_PER_DIGIT; bits -= BITS_PER_DIGIT) {
            text[length++] = digits[window >> (bits - BITS_PER_DIGIT) & 31];
        }
    }
    if (bits > 0) {
        text[length++] = digits[window << (BITS_PER_DIGIT - bits) & 31];
    }
    return length;
}

/* -1: not a digit. */
static int digit_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (uint8_t)(c - 'A' + 'a');
    }
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Only what base32_encode() makes is taken: leftover bits have to be zero.  `bytes` has room. */
static bool base32_decode(struct view text, uint8_t *bytes, size_t *size)
{
    uint32_t window = 0;
    unsigned bits = 0;
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = digit_value(text.bytes[i]);
        if (value < 0) {
            return false;
        }
        window = window << BITS_PER_DIGIT | (uint32_t)value;
        bits += BITS_PER_DIGIT;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*size)++] = (uint8_t)(window >> bits);
        }
    }
    return bits < BITS_PER_DIGIT && (window & ((1U << bits) - 1)) == 0;
}

static void check_of(struct view body, uint8_t check[CHECK_SIZE])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(body, digest);
    memcpy(check, digest, CHECK_SIZE);
}

/* ---- the body ---- */

static void write_text(struct writer *writer, struct view text, size_t size_max)
{
    assert(text.size <= size_max);
    writer_u8(writer, (uint8_t)text.size);
    writer_bytes(writer, text.bytes, text.size);
}

void invite_encode(const struct invite *invite, char text[INVITE_TEXT_MAX + 1])
{
    assert(invite->address_count > 0 && invite->address_count <= INVITE_ADDRESSES_MAX);
    uint8_t body[BODY_MAX];
    struct writer writer = writer_of(body, sizeof(body));
    writer_u8(&writer, kind_number(invite->kind));
    writer_u64(&writer, invite->expires_unix_ms);
    writer_bytes(&writer, invite->token, sizeof(invite->token));
    writer_bytes(&writer, invite->ca_pin, sizeof(invite->ca_pin));
    writer_u8(&writer, (uint8_t)invite->address_count);
    for (unsigned i = 0; i < invite->address_count; i++) {
        write_text(&writer, invite->addresses[i], INVITE_ADDRESS_MAX);
    }
    write_text(&writer, invite->owner, INVITE_NAME_MAX);
    write_text(&writer, invite->place, INVITE_NAME_MAX);
    uint8_t check[CHECK_SIZE];
    check_of(view_of(body, writer.size), check);
    writer_bytes(&writer, check, sizeof(check));
    assert(!writer.failed);

    memcpy(text, word, sizeof(word) - 1);
    text[sizeof(word) - 1] = version_digit;
    size_t length = PREFIX_SIZE + base32_encode(view_of(body, writer.size), text + PREFIX_SIZE);
    assert(length <= INVITE_TEXT_MAX);
    text[length] = '\0';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct view trim(struct view text)
{
    while (text.size > 0 && is_blank(text.bytes[0])) {
        text = view_of(text.bytes + 1, text.size - 1);
    }
    while (text.size > 0 && is_blank(text.bytes[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* "hearth1" off the front; what is left is base32. */
static enum hearth_code strip_prefix(struct view *text, struct hearth_err *err)
{
    if (text->size < PREFIX_SIZE ||
        strncasecmp((const char *)text->bytes, word, sizeof(word) - 1)) {
        return hearth_fail(err, HEARTH_INVALID,
            "this is not an invitation: those begin with \"%s%c\"", word, version_digit);
    }
    const uint8_t version = text->bytes[sizeof(word) - 1];
    if (version != version_digit) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "this invitation is of a format that this version does not know; it knows %c",
            version_digit);
    }
    *text = view_of(text->bytes + PREFIX_SIZE, text->size - PREFIX_SIZE);
    return HEARTH_OK;
}

/* Checked and without the check. */
static enum hearth_code decode_body(
    struct view text, uint8_t body[BODY_MAX], struct view *out, struct hearth_err *err)
{
    uint8_t check[CHECK_SIZE];
    size_t size = 0;
    if (text.size > INVITE_TEXT_MAX - PREFIX_SIZE || !base32_decode(text, body, &size) ||
        size < CHECK_SIZE) {
        return hearth_fail(err, HEARTH_INVALID, "this invitation was not copied whole");
    }
    *out = view_of(body, size - CHECK_SIZE);
    check_of(*out, check);
    if (!crypto_equal(check, body + out->size, CHECK_SIZE)) {
        return hearth_fail(err, HEARTH_INVALID, "this invitation was not copied whole");
    }
    return HEARTH_OK;
}

static struct view read_text(struct reader *reader)
{
    return reader_view(reader, reader_u8(reader));
}

/* Views into the body; false: not of this format. */
static bool read_body(struct view body, struct invite *out)
{
    struct reader reader = reader_of(body);
    const uint8_t kind = reader_u8(&reader);
    if (kind >= KINDS) {
        return false;
    }
    *out = (struct invite){.kind = kinds[kind]};
    out->expires_unix_ms = reader_u64(&reader);
    reader_bytes(&reader, out->token, sizeof(out->token));
    reader_bytes(&reader, out->ca_pin, sizeof(out->ca_pin));
    out->address_count = reader_u8(&reader);
    if (out->address_count == 0 || out->address_count > INVITE_ADDRESSES_MAX) {
        return false;
    }
    for (unsigned i = 0; i < out->address_count; i++) {
        out->addresses[i] = read_text(&reader);
    }
    out->owner = read_text(&reader);
    out->place = read_text(&reader);
    return reader_at_end(&reader);
}

/* The texts move from the body to the arena. */
static bool keep_texts(struct arena *arena, struct invite *invite)
{
    struct view *texts[INVITE_ADDRESSES_MAX + 2] = {&invite->owner, &invite->place};
    size_t count = 2;
    for (unsigned i = 0; i < invite->address_count; i++) {
        texts[count++] = &invite->addresses[i];
    }
    for (size_t i = 0; i < count; i++) {
        const bool was_empty = texts[i]->size == 0;
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->bytes == NULL && !was_empty) {
            return false;
        }
    }
    return true;
}

enum hearth_code invite_parse(
    struct view text, struct arena *arena, struct invite *out, struct hearth_err *err)
{
    uint8_t bytes[BODY_MAX];
    struct view body;
    struct invite invite;
    text = trim(text);
    if (strip_prefix(&text, err) != HEARTH_OK ||
        decode_body(text, bytes, &body, err) != HEARTH_OK) {
        return err->code;
    }
    if (!read_body(body, &invite)) {
        return hearth_fail(err, HEARTH_INVALID, "this invitation is malformed");
    }
    if (!keep_texts(arena, &invite)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "invitation");
    }
    *out = invite;
    return HEARTH_OK;
}
