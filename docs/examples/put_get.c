/*
 * put_get.c - stores a text with libhearth and reads it back.
 *
 *   put_get CONFIG BUCKET KEY TEXT      CONFIG: as written by `hearth init`
 *
 *   cc put_get.c $(pkg-config --cflags --libs hearth) -o put_get
 */
#include <hearth/hearth.h>

#include <stdio.h>
#include <string.h>

/* Where the bytes come from: a text, of which `rest` has not been read yet. */
static enum hearth_code read_text(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct view *rest = context;
    size_t part = rest->size < size ? rest->size : size;
    memcpy(bytes, rest->bytes, part);
    *rest = view_of(rest->bytes + part, rest->size - part);
    *out_got = part; /* 0 is the end */
    return HEARTH_OK;
}

/* Where they go: standard output.  What fails here ends the call with the same words. */
static enum hearth_code write_out(void *context, struct view bytes, struct hearth_err *err)
{
    FILE *out = context;
    if (fwrite(bytes.bytes, 1, bytes.size, out) != bytes.size) {
        return hearth_fail(err, HEARTH_IO, "write to standard output");
    }
    return HEARTH_OK;
}

static enum hearth_code make_bucket(
    struct hearth *hearth, const char *bucket, struct hearth_err *err)
{
    enum hearth_code code = hearth_bucket_create(hearth, bucket, NULL, err);
    return code == HEARTH_EXISTS ? HEARTH_OK : code;
}

static enum hearth_code put_and_get(struct hearth *hearth, const char *bucket, struct view key,
    struct view text, struct hearth_err *err)
{
    const struct hearth_source source = {.read = read_text, .context = &text};
    const struct hearth_put_options options = {.size_expected = text.size};
    struct hearth_put_result stored;
    enum hearth_code code = hearth_put(hearth, bucket, key, &source, &options, &stored, err);
    if (code != HEARTH_OK) {
        return code; /* HEARTH_UNKNOWN: it may be there; anything else: it is not */
    }
    fprintf(stderr, "stored, version %s, ETag %s\n", stored.version, stored.etag);
    const struct hearth_sink sink = {.write = write_out, .context = stdout};
    return hearth_get(hearth, bucket, key, &sink, NULL, err);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: put_get CONFIG BUCKET KEY TEXT\n");
        return 2;
    }
    struct hearth *hearth;
    struct hearth_err err;
    const struct hearth_options options = {.config_path = argv[1]};
    enum hearth_code code = hearth_open(&options, &hearth, &err);
    if (code == HEARTH_OK) {
        code = make_bucket(hearth, argv[2], &err);
        if (code == HEARTH_OK) {
            code = put_and_get(hearth, argv[2], view_text(argv[3]), view_text(argv[4]), &err);
        }
        hearth_close(hearth);
    }
    if (code != HEARTH_OK) {
        fprintf(stderr, "put_get: %s\n", err.message);
        return 1;
    }
    return 0;
}
