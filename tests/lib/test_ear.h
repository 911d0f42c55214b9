/*
 * test_ear.h - what a process says on standard error, as a test hears it.
 */
#ifndef HEARTH_TESTS_LIB_TEST_EAR_H
#define HEARTH_TESTS_LIB_TEST_EAR_H

struct test_ear {
    int memory_fd;
    int saved_fd;
};

/* Standard error goes to memory until test_listen_end(). */
void test_listen_begin(struct test_ear *ear);

/* All that was said; the caller frees it. */
char *test_listen_end(struct test_ear *ear);

#endif /* HEARTH_TESTS_LIB_TEST_EAR_H */
