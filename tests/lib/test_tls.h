/*
 * test_tls.h - a peer made of OpenSSL alone, which may send whatever it likes.
 *
 * Connections have a receive timeout of TEST_WAIT_S.
 */
#ifndef HEARTH_TESTS_LIB_TEST_TLS_H
#define HEARTH_TESTS_LIB_TEST_TLS_H

#include "tests/lib/test_rpc.h"

#include <openssl/ssl.h>
#include <stdint.h>

/* A TCP connection to a port of 127.0.0.1. */
int test_tcp_connect(uint16_t port);

/* A socket that listens on a free port of 127.0.0.1. */
int test_tcp_listen(uint16_t *port);

#define TEST_TLS_HTTP2 "h2"
#define TEST_TLS_LINK  "hearth/1"

/* One process's side of TLS, for one of the protocols. key NULL: without a certificate. */
SSL_CTX *test_tls_context(
    const struct test_ca *ca, const struct pki_key *key, const char *pem, const char *protocol);

struct test_tls {
    SSL *ssl;
    int fd;
};

/* A handshake as client or server over fd, which it takes. false: it failed. */
bool test_tls_open(struct test_tls *tls, SSL_CTX *context, int fd, bool server);
void test_tls_close(struct test_tls *tls);

/* false: the other end is gone. */
bool test_tls_write(struct test_tls *tls, struct view bytes);

/* Up to size bytes; 0: the other end is gone, or silent for too long. */
size_t test_tls_read(struct test_tls *tls, uint8_t *bytes, size_t size);

/* A node of a cluster that the test plays itself. */
struct test_played_node {
    SSL_CTX *context;
    int listener;
    uint8_t id[PKI_ID_SIZE];
    char address[32];
};

/* It listens.  Returns how the cluster's client reaches it, borrowed from the node. */
struct rpc_channel_options test_played_node_init(
    struct test_played_node *node, struct test_rpc *rpc, const char *protocol);
void test_played_node_fini(struct test_played_node *node);

#endif /* HEARTH_TESTS_LIB_TEST_TLS_H */
