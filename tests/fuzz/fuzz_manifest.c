/*
 * fuzz_manifest: whatever bytes were sealed as a manifest, they are refused, or understood and then
 * encoded to the same bytes again: there is one way to write a manifest.
 */
#include "client/manifest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hearth_err err;
    struct arena arena;
    struct manifest manifest;
    struct view bytes = view_of(data, size);
    arena_init(&arena, 0);
    if (manifest_decode(bytes, &arena, &manifest, &err) == HEARTH_OK) {
        struct view again;
        enum hearth_code code = manifest_encode(&manifest, &arena, &again, &err);
        assert(code == HEARTH_OK);
        assert(view_equal(again, bytes));
    }
    assert(arena.bytes_total <= 64 * 1024 + 16 * size); /* a count that lies takes no memory */
    arena_fini(&arena);
    return 0;
}
