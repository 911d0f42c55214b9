/*
 * ec_kernel: every kernel computes what multiplying byte by byte in the field does.
 * All coefficients, all counts of rows up to two blocks and one, all sizes up to two blocks and a
 * tail; guard bytes show that nothing else is written.
 */
#include "erasure/ec_kernel.h"
#include "tests/lib/test.h"

#include <string.h>

enum { SOURCES = 5, ROWS_MAX = 13, SIZE_MAX_HERE = 600, GUARD = 64, ODD = 3 };

struct cells {
    uint8_t bytes[SOURCES + ROWS_MAX][GUARD + SIZE_MAX_HERE + GUARD];
    uint8_t *cells[SOURCES + ROWS_MAX]; /* not aligned: GUARD + ODD into their bytes */
};

/* By hand: shift and add, polynomial x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b != 0; b >>= 1) {
        product ^= b & 1 ? a : 0;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0));
    }
    return product;
}

static void cells_init(struct cells *cells)
{
    for (unsigned i = 0; i < SOURCES + ROWS_MAX; i++) {
        for (unsigned at = 0; at < sizeof(cells->bytes[i]); at++) {
            cells->bytes[i][at] = (uint8_t)(i * 97 + at * at * 13 + at / 7);
        }
        cells->cells[i] = &cells->bytes[i][GUARD + ODD];
    }
}

static void expect(struct cells *cells, size_t size, unsigned row_count, const uint8_t factors[])
{
    for (unsigned row = 0; row < row_count; row++) {
        for (size_t at = 0; at < size; at++) {
            uint8_t sum = 0;
            for (unsigned source = 0; source < SOURCES; source++) {
                sum ^= multiply(cells->cells[source][at], factors[row * SOURCES + source]);
            }
            cells->cells[SOURCES + row][at] = sum;
        }
    }
}

static void check(
    const struct ec_kernel *kernel, size_t size, unsigned row_count, const uint8_t factors[])
{
    static struct cells done, expected; /* large for a stack under the sanitizers */
    uint8_t tables[SOURCES * ROWS_MAX * EC_KERNEL_TABLE_MAX];
    cells_init(&done);
    cells_init(&expected);
    expect(&expected, size, row_count, factors);
    kernel->prepare(SOURCES, row_count, factors, tables);
    kernel->apply(size, SOURCES, row_count, tables, done.cells, done.cells + SOURCES);
    assert_memory_equal(done.bytes, expected.bytes, sizeof(done.bytes));
}

static void check_all(const struct ec_kernel *kernel)
{
    uint8_t factors[SOURCES * ROWS_MAX];
    assert_true(kernel->table_size <= EC_KERNEL_TABLE_MAX);
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned i = 0; i < sizeof(factors); i++) {
            factors[i] = (uint8_t)(first + i * 29);
        }
        check(kernel, 64 + first, 1 + first % ROWS_MAX, factors);
    }
    for (size_t size = 1; size <= SIZE_MAX_HERE - ODD; size++) {
        check(kernel, size, 1 + (unsigned)size % ROWS_MAX, factors);
    }
}

static void isal_multiplies_as_by_hand(void **state)
{
    (void)state;
    check_all(&ec_kernel_isal);
}

static void gfni_multiplies_as_by_hand(void **state)
{
    (void)state;
    const struct ec_kernel *kernel = ec_kernel_gfni();
    if (kernel == NULL) {
        print_message("this processor has no GFNI with AVX-512\n");
        skip();
    }
    check_all(kernel);
}

static void the_best_kernel_is_one_this_processor_has(void **state)
{
    (void)state;
    const struct ec_kernel *best = ec_kernel_best();
    assert_true(best == &ec_kernel_isal || best == ec_kernel_gfni());
    check_all(best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isal_multiplies_as_by_hand),
        cmocka_unit_test(gfni_multiplies_as_by_hand),
        cmocka_unit_test(the_best_kernel_is_one_this_processor_has),
    };
    return cmocka_run_group_tests_name("ec_kernel", tests, NULL, NULL);
}
