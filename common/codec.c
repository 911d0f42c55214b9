#include "common/codec.h"

struct reader reader_of(struct view bytes)
{
    return (struct reader){.at = bytes.bytes, .left = bytes.size};
}

struct view reader_view(struct reader *reader, size_t size)
{
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return (struct view){0};
    }
    struct view view = view_of(reader->at, size);
    reader->at += size;
    reader->left -= size;
    return view;
}

void reader_bytes(struct reader *reader, void *out, size_t size)
{
    struct view view = reader_view(reader, size);
    if (view.size == size && size > 0) {
        memcpy(out, view.bytes, size);
    } else if (size > 0) {
        memset(out, 0, size);
    }
}

static uint64_t read_little_endian(struct reader *reader, size_t size)
{
    uint8_t bytes[sizeof(uint64_t)] = {0};
    reader_bytes(reader, bytes, size);
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_little_endian(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_little_endian(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_little_endian(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_little_endian(reader, 8);
}

struct view reader_sized(struct reader *reader)
{
    return reader_view(reader, reader_u32(reader));
}

bool reader_at_end(const struct reader *reader)
{
    return !reader->failed && reader->left == 0;
}

struct writer writer_of(void *bytes, size_t capacity)
{
    return (struct writer){.start = bytes, .capacity = capacity};
}

void writer_bytes(struct writer *writer, const void *bytes, size_t size)
{
    if (writer->failed || size > writer->capacity - writer->size) {
        writer->failed = true;
        return;
    }
    if (size > 0) {
        memcpy(writer->start + writer->size, bytes, size);
    }
    writer->size += size;
}

static void write_little_endian(struct writer *writer, uint64_t value, size_t size)
{
    uint8_t bytes[sizeof(value)];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    writer_bytes(writer, bytes, size);
}

void writer_u8(struct writer *writer, uint8_t value)
{
    write_little_endian(writer, value, 1);
}

void writer_u16(struct writer *writer, uint16_t value)
{
    write_little_endian(writer, value, 2);
}

void writer_u32(struct writer *writer, uint32_t value)
{
    write_little_endian(writer, value, 4);
}

void writer_u64(struct writer *writer, uint64_t value)
{
    write_little_endian(writer, value, 8);
}

void writer_sized(struct writer *writer, struct view bytes)
{
    if (bytes.size > UINT32_MAX) {
        writer->failed = true;
        return;
    }
    writer_u32(writer, (uint32_t)bytes.size);
    writer_bytes(writer, bytes.bytes, bytes.size);
}

void hex_encode(const void *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[at[i] >> 4];
        text[2 * i + 1] = digits[at[i] & 15];
    }
    text[2 * size] = '\0';
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct view text, void *bytes, size_t size)
{
    if (text.size != 2 * size) {
        return false;
    }
    uint8_t *out = bytes;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.bytes[2 * i]);
        int low = hex_digit(text.bytes[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- base64 ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t size, char *text)
{
    const uint8_t *in = bytes;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
            (left > 2 ? in[i + 2] : 0u);
        *text++ = base64_digits[group >> 18];
        *text++ = base64_digits[group >> 12 & 63];
        *text++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *text++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    *text = '\0';
}

/* 0 to 63; 64: no digit. */
static uint32_t base64_value(uint8_t digit)
{
    const char *at = digit != 0 ? strchr(base64_digits, digit) : NULL;
    return at != NULL ? (uint32_t)(at - base64_digits) : 64;
}

/* Whoever encodes what came out gets the same text: no bits of a last digit are left over. */
bool base64_decode(struct view text, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    size_t digits = (8 * size + 5) / 6;
    uint32_t bits = 0;
    unsigned count = 0; /* of them waiting for the next digit */
    if (text.size != 4 * ((size + 2) / 3)) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        uint32_t value = base64_value(text.bytes[i]);
        if (value == 64) {
            return false;
        }
        bits = bits << 6 | value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = (uint8_t)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    for (size_t i = digits; i < text.size; i++) {
        if (text.bytes[i] != '=') {
            return false;
        }
    }
    return bits == 0;
}
