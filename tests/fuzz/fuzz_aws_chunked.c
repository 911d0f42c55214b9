/*
 * fuzz_aws_chunked: a body in pieces is refused, or has exactly as many bytes as were said; and a
 * signed one, whose key nobody here has, is refused always.
 *
 * The first byte says which mode and how much is read at once, the second how many bytes there are
 * said to be; the rest is the body.
 */
#include "gateway/body_chunks.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX = 4096 };

struct raw {
    struct view bytes;
    size_t part_max;
};

static enum hearth_code read_raw(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct raw *raw = context;
    size_t part = size < raw->part_max ? size : raw->part_max;
    *out_got = part < raw->bytes.size ? part : raw->bytes.size;
    memcpy(bytes, raw->bytes.bytes, *out_got);
    raw->bytes = view_of(raw->bytes.bytes + *out_got, raw->bytes.size - *out_got);
    return HEARTH_OK;
}

/* How many bytes came before the end; false: it was refused. */
static bool read_all(struct body_chunks *chunks, size_t at_once, uint64_t *out_size)
{
    static uint8_t out[OUT_MAX];
    struct hearth_err err;
    size_t got;
    *out_size = 0;
    do {
        if (body_chunks_read(chunks, out, at_once, &got, &err) != HEARTH_OK) {
            assert(chunks->error != S3_ERROR_NONE && err.message[0] != '\0');
            return false;
        }
        *out_size += got;
        assert(*out_size <= chunks->options.size);
    } while (got > 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[CRYPTO_KEY_SIZE] = {1};
    static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    if (size < 2) {
        return 0;
    }
    struct raw raw = {view_of(data + 2, size - 2), 1 + (data[0] >> 2)};
    const struct body_chunks_options options = {
        .raw = {.read = read_raw, .context = &raw},
        .size = data[1],
        .is_signed = data[0] & 1,
        .has_trailer = data[0] & 2,
        .key = key,
        .scope = {view_text("20130524"), view_text("us-east-1")},
        .time = view_text("20130524T000000Z"),
        .seed = seed,
    };
    struct body_digest digest = {.kind = NULL};
    struct body_chunks *chunks = malloc(sizeof(*chunks));
    uint64_t got;
    if (options.has_trailer) {
        body_digest_announce(&digest, view_text("x-amz-checksum-crc32"));
    }
    body_chunks_init(chunks, &options, &digest);
    if (read_all(chunks, 1 + (data[0] >> 4), &got)) {
        assert(got == options.size && !options.is_signed && raw.bytes.size == 0);
    }
    body_chunks_fini(chunks);
    body_digest_fini(&digest);
    free(chunks);
    return 0;
}
