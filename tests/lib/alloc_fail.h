/*
 * alloc_fail.h - memory that runs out at the nth allocation, and what has to be true then.
 *
 *   alloc_fail_at(n, ALLOC_FAIL_ONCE);
 *   code = what_is_tested();
 *   bool was_reached = alloc_fail_end();
 *
 * For programs linked with the library alloc_fail, whose --wrap options put these functions in
 * front of malloc, calloc, realloc and posix_memalign in our own objects; libraries are left alone,
 * and so is what crypto.h says of contexts: without memory for one of those the process aborts.
 *
 * The simulated disk is the world, not what is tested, and is compiled to allocate beside it
 * (tests/unit/CMakeLists.txt).
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_ALLOC_FAIL_H
#define HEARTH_TESTS_LIB_ALLOC_FAIL_H

#include <stdbool.h>

enum alloc_fail_mode {
    ALLOC_FAIL_ONCE, /* only the nth */
    ALLOC_FAIL_FROM, /* the nth and all after it */
    ALLOC_FAIL_MODES,
};

/* n from 1 on. */
void alloc_fail_at(unsigned long n, enum alloc_fail_mode mode);

/* Memory is there again. false: there were fewer than n allocations. */
bool alloc_fail_end(void);

#endif /* HEARTH_TESTS_LIB_ALLOC_FAIL_H */
