/*
 * link_world.h - a server of the link, honest callers of it, and peers with a valid certificate
 * that say whatever they like.
 *
 * It serves TEST_UP, reading to the end; TEST_BOTH, deaf and without end; TEST_DOWN, sending as
 * much as is taken; TEST_KNOCK.
 */
#ifndef HEARTH_TESTS_LIB_LINK_WORLD_H
#define HEARTH_TESTS_LIB_LINK_WORLD_H

#include "tests/lib/test_link.h"
#include "tests/lib/test_tls.h"

struct link_world {
    struct test_rpc rpc;
    SSL_CTX *context;
    struct buf *chunk;
};

/* cmocka's; *state is the struct link_world. */
int link_world_set_up(void **state);
int link_world_tear_down(void **state);

/* The server again, with other settings. */
void link_world_serve_with(struct link_world *at, const struct rpc_server_options *options);
uint16_t link_world_port(struct link_world *at);

/* Honest calls are answered, on the connection that there is and on a new one. */
void link_world_assert_well(struct link_world *at);

/* ---- the wrong client ---- */

/* TLS stands. */
void link_world_connect(struct link_world *at, struct test_tls *tls);

/* Its socket takes little, so what it does not read is felt soon. */
void link_world_narrow(const struct test_tls *tls);

/* HELLO comes next. */
bool link_world_is_greeted(struct test_tls *tls);

/* Until the server closes; true: it did, and not we ran out of patience. */
bool link_world_read_to_the_end(struct test_tls *tls);

/* Sends the script and says that nothing follows; reads until the server closes. */
void link_world_play(struct link_world *at, struct test_script *script);

/* Sends the script and waits: it is the server that ends the connection.  Frees the script. */
void link_world_assert_sent_away(struct link_world *at, struct test_script *script, unsigned which);

#endif /* HEARTH_TESTS_LIB_LINK_WORLD_H */
