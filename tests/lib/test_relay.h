/*
 * test_relay.h - a wire between two ends that a test can cut or freeze: 127.0.0.1 to 127.0.0.1.
 */
#ifndef HEARTH_TESTS_LIB_TEST_RELAY_H
#define HEARTH_TESTS_LIB_TEST_RELAY_H

#include <stdint.h>

struct test_relay;

/* Listens on a free port and passes on what comes, both ways, to `target`. */
struct test_relay *test_relay_start(uint16_t target);
uint16_t test_relay_port(const struct test_relay *relay);

/* Every connection is reset, as when a machine dies and another answers for it; new ones are too.
 */
void test_relay_cut(struct test_relay *relay);

/* Nothing passes any more and nobody is told, as when a house loses power. */
void test_relay_freeze(struct test_relay *relay);

void test_relay_stop(struct test_relay *relay);

#endif /* HEARTH_TESTS_LIB_TEST_RELAY_H */
