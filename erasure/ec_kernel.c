#include "erasure/ec_kernel.h"

#include <assert.h>
#include <isa-l.h>
#include <limits.h>

/* ISA-L only reads coefficients, tables and pointers; its prototypes do not say so. */

static void isal_prepare(
    unsigned source_count, unsigned row_count, const uint8_t coefficients[], uint8_t tables[])
{
    ec_init_tables((int)source_count, (int)row_count, (uint8_t *)(uintptr_t)coefficients, tables);
}

static void isal_apply(size_t cell_size, unsigned source_count, unsigned row_count,
    const uint8_t tables[], uint8_t *const sources[], uint8_t *const targets[])
{
    assert(cell_size <= INT_MAX);
    ec_encode_data((int)cell_size, (int)source_count, (int)row_count, (uint8_t *)(uintptr_t)tables,
        (uint8_t **)(uintptr_t)sources, (uint8_t **)(uintptr_t)targets);
}

const struct ec_kernel ec_kernel_isal = {
    .name = "isal", .table_size = 32, .prepare = isal_prepare, .apply = isal_apply};

const struct ec_kernel *ec_kernel_best(void)
{
    const struct ec_kernel *gfni = ec_kernel_gfni();
    return gfni != NULL ? gfni : &ec_kernel_isal;
}
