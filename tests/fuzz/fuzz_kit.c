/*
 * fuzz_kit: a recovery kit as somebody may have typed it in, or lines with checks that fit.
 * What is understood is printed as a kit again, and that means the same.
 */
#include "common/codec.h"
#include "coordinator/rescue/kit.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 16 * 1024, LINES_MAX = 200, LINE_CHECK = 2, END_CHECK = 4 };

static void assert_same(const struct kit *a, const struct kit *b)
{
    assert(memcmp(a->cluster, b->cluster, sizeof(a->cluster)) == 0);
    assert(memcmp(a->master, b->master, sizeof(a->master)) == 0);
    assert(view_equal(a->ca_key_pem, b->ca_key_pem) && view_equal(a->ca_pem, b->ca_pem));
    assert(a->node_count == b->node_count);
    for (unsigned i = 0; i < a->node_count; i++) {
        assert(memcmp(a->nodes[i].id, b->nodes[i].id, PKI_ID_SIZE) == 0);
        assert(view_equal(a->nodes[i].address, b->nodes[i].address));
    }
}

static bool fuzz_text(struct view text)
{
    struct hearth_err err;
    struct arena arena;
    struct kit kit;
    struct kit again;
    char *printed = NULL;
    size_t size = 0;
    arena_init(&arena, 0);
    bool is_kit = kit_read(text, &arena, &kit, &err) == HEARTH_OK;
    if (is_kit) {
        FILE *memory = open_memstream(&printed, &size);
        assert(memory != NULL);
        kit_print(&kit, memory);
        fclose(memory);
        enum hearth_code code = kit_read(view_of(printed, size), &arena, &again, &err);
        assert(code == HEARTH_OK);
        assert_same(&kit, &again);
        free(printed);
    }
    arena_fini(&arena);
    return is_kit;
}

/* One line with its number and its check; what it is a hash of goes into `all`. */
static void print_line(FILE *out, unsigned number, struct view line, struct crypto_hash *all)
{
    char text[INPUT_MAX + 16];
    char check[2 * LINE_CHECK + 1];
    uint8_t digest[CRYPTO_SHA256_SIZE];
    snprintf(text, sizeof(text), "%02u %.*s", number, VIEW_ARGS(line));
    crypto_sha256(view_text(text), digest);
    hex_encode(digest, LINE_CHECK, check);
    crypto_hash_update(all, view_text(text));
    fprintf(out, "%s %s\n", text, check);
}

/* Lines without number and check, both set; then the end. */
static void fuzz_lines(struct view lines)
{
    struct crypto_hash *all = crypto_hash_create(CRYPTO_SHA256);
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char end[2 * END_CHECK + 5] = "end ";
    char *text = NULL;
    size_t size = 0;
    unsigned number = 0;
    FILE *out = open_memstream(&text, &size);
    assert(out != NULL);
    fputs("HEARTH RECOVERY KIT 1\n", out);
    while (lines.size > 0 && number < LINES_MAX) {
        const uint8_t *stop = memchr(lines.bytes, '\n', lines.size);
        size_t length = stop == NULL ? lines.size : (size_t)(stop - lines.bytes);
        print_line(out, ++number, fuzz_take(&lines, length), all);
        fuzz_byte(&lines);
    }
    crypto_hash_final(all, digest);
    hex_encode(digest, END_CHECK, end + 4);
    crypto_hash_destroy(all);
    all = crypto_hash_create(CRYPTO_SHA256);
    print_line(out, ++number, view_text(end), all);
    crypto_hash_destroy(all);
    fclose(out);
    fuzz_text(view_of(text, size));
    free(text);
}

/* Begins with "lines\n": what follows are such; anything else is text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    if (size > 6 && memcmp(data, "lines\n", 6) == 0) {
        fuzz_lines(view_of(data + 6, size - 6));
    } else {
        fuzz_text(view_of(data, size));
    }
    return 0;
}
