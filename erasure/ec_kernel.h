/*
 * ec_kernel.h - the inner loop of the code: rows of coefficients times cells, over GF(2^8).
 *
 *   target[r] = sum over s of  coefficient[r][s] x source[s]     for every byte of a cell
 *
 *   coefficients --prepare--> tables, once --apply--> cells, again and again
 *
 * There is one kernel for each kind of processor; ec_kernel_best() looks at this one.  All give
 * the same bytes: the field is the one of ISA-L (polynomial x^8 + x^4 + x^3 + x^2 + 1).
 *
 *   isal   ISA-L's vectors, on every processor it knows
 *   gfni   one instruction multiplies 64 bytes; AVX-512 machines since 2019.  For 16 + 24 it takes
 *          a quarter of the time of the other
 *
 * Pure computation; thread-safe.
 */
#ifndef HEARTH_ERASURE_EC_KERNEL_H
#define HEARTH_ERASURE_EC_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { EC_KERNEL_TABLE_MAX = 32 }; /* largest table_size of any kernel */

struct ec_kernel {
    const char *name;
    size_t table_size; /* bytes of tables for each coefficient */

    /* `tables` has table_size bytes for each of the row_count * source_count coefficients. */
    void (*prepare)(
        unsigned source_count, unsigned row_count, const uint8_t coefficients[], uint8_t tables[]);

    /* Sources are read, targets written, each cell_size bytes of any alignment. */
    void (*apply)(size_t cell_size, unsigned source_count, unsigned row_count,
        const uint8_t tables[], uint8_t *const sources[], uint8_t *const targets[]);
};

extern const struct ec_kernel ec_kernel_isal;

/* NULL where the compiler or the processor does not have it. */
const struct ec_kernel *ec_kernel_gfni(void);

/* The fastest this processor has. */
const struct ec_kernel *ec_kernel_best(void);

#endif /* HEARTH_ERASURE_EC_KERNEL_H */
