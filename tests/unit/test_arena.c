/*
 * arena: pieces are zeroed, aligned and apart, and the stated limit holds.
 */
#include "common/arena.h"
#include "tests/lib/test.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    uint8_t *last = NULL;
    for (size_t size = 1; size < 9000; size = size * 3 + 1) {
        uint8_t *piece = arena_take(&arena, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(piece[i], 0);
        }
        memset(piece, 0xff, size);
        assert_ptr_not_equal(piece, last);
        last = piece;
    }
    arena_fini(&arena);
}

static void what_would_pass_the_limit_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    assert_non_null(arena_take(&arena, 100));
    assert_null(arena_take(&arena, 9000));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take_array(&arena, SIZE_MAX / 2, 4));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(what_would_pass_the_limit_is_refused),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
