/*
 * codec.h - the one bounds-checked reader and writer of every binary format of ours.
 *
 * Integers are little-endian and of fixed width.  A reader that runs past its end, or a writer
 * past its room, remembers that it failed and yields zeros from then on: check `failed` once at
 * the end, not after each field.
 */
#ifndef HEARTH_COMMON_CODEC_H
#define HEARTH_COMMON_CODEC_H

#include "common/view.h"

struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct writer {
    uint8_t *start;
    size_t size; /* written so far */
    size_t capacity;
    bool failed;
};

struct reader reader_of(struct view bytes);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
/* Copies `size` bytes out; zeros when they are not there. */
void reader_bytes(struct reader *reader, void *out, size_t size);
/* Borrows the next `size` bytes; empty when they are not there. */
struct view reader_view(struct reader *reader, size_t size);
/* A u32 length and that many bytes. */
struct view reader_sized(struct reader *reader);
/* Everything was there and nothing is left over. */
bool reader_at_end(const struct reader *reader);

struct writer writer_of(void *bytes, size_t capacity);
void writer_u8(struct writer *writer, uint8_t value);
void writer_u16(struct writer *writer, uint16_t value);
void writer_u32(struct writer *writer, uint32_t value);
void writer_u64(struct writer *writer, uint64_t value);
void writer_bytes(struct writer *writer, const void *bytes, size_t size);
/* A u32 length and the bytes. */
void writer_sized(struct writer *writer, struct view bytes);

/* Lower-case hexadecimal. `text` has room for 2 * size + 1 characters. */
void hex_encode(const void *bytes, size_t size, char *text);
/* Exactly `size` bytes from 2 * size digits of either case; false: not that. */
bool hex_decode(struct view text, void *bytes, size_t size);

/* Base64 with its padding. `text` has room for 4 * ((size + 2) / 3) + 1 characters. */
void base64_encode(const void *bytes, size_t size, char *text);
/* Exactly `size` bytes, in the one way that encodes them; false: not that. */
bool base64_decode(struct view text, void *bytes, size_t size);

#endif /* HEARTH_COMMON_CODEC_H */
