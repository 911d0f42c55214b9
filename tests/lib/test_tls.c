#include "tests/lib/test_tls.h"

#include "common/cleanup.h"
#include "tests/lib/test.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { DAY_S = 86400 };

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

int test_tcp_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = loopback(port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int test_tcp_listen(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x509);
    return x509;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *context)
{
    (void)ssl;
    (void)in;
    (void)in_size;
    *out = context;
    *out_size = (unsigned char)strlen(context);
    return SSL_TLSEXT_ERR_OK;
}

static void offer_protocol(SSL_CTX *context, const char *protocol)
{
    unsigned char list[32];
    size_t size = strlen(protocol);
    list[0] = (unsigned char)size;
    memcpy(list + 1, protocol, size);
    SSL_CTX_set_alpn_protos(context, list, (unsigned)size + 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, (void *)protocol);
}

SSL_CTX *test_tls_context(
    const struct test_ca *ca, const struct pki_key *key, const char *pem, const char *protocol)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    assert_non_null(context);
    X509 *root = read_certificate(ca->pem);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root);
    X509_free(root);
    if (key != NULL) {
        X509 *own = read_certificate(pem);
        assert_int_equal(SSL_CTX_use_certificate(context, own), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, pki_key_evp(key)), 1);
        X509_free(own);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4); /* to resume */
    offer_protocol(context, protocol);
    return context;
}

bool test_tls_open(struct test_tls *tls, SSL_CTX *context, int fd, bool server)
{
    struct timeval patience = {.tv_sec = TEST_WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    tls->fd = fd;
    tls->ssl = SSL_new(context);
    assert_non_null(tls->ssl);
    SSL_set_fd(tls->ssl, fd);
    return (server ? SSL_accept(tls->ssl) : SSL_connect(tls->ssl)) == 1;
}

void test_tls_close(struct test_tls *tls)
{
    SSL_free(tls->ssl);
    close(tls->fd);
}

bool test_tls_write(struct test_tls *tls, struct view bytes)
{
    while (bytes.size > 0) {
        int part = bytes.size < INT_MAX ? (int)bytes.size : INT_MAX;
        int sent = SSL_write(tls->ssl, bytes.bytes, part);
        if (sent <= 0) {
            return false;
        }
        bytes = view_of(bytes.bytes + sent, bytes.size - (size_t)sent);
    }
    return true;
}

size_t test_tls_read(struct test_tls *tls, uint8_t *bytes, size_t size)
{
    int got = SSL_read(tls->ssl, bytes, size < INT_MAX ? (int)size : INT_MAX);
    return got > 0 ? (size_t)got : 0;
}

/* ---- a node ---- */

struct rpc_channel_options test_played_node_init(
    struct test_played_node *node, struct test_rpc *rpc, const char *protocol)
{
    struct pki_key *key;
    char *pem;
    uint16_t port;
    test_issue(&rpc->ca, env_system(), PEER_NODE, DAY_S, &key, &pem);
    node->context = test_tls_context(&rpc->ca, key, pem, protocol);
    node->listener = test_tcp_listen(&port);
    pki_key_id(key, node->id);
    snprintf(node->address, sizeof(node->address), "127.0.0.1:%u", port);
    pki_key_destroy(key);
    free(pem);
    struct rpc_channel_options options = test_rpc_options(rpc, rpc->client_credentials);
    options.address = node->address;
    options.peer_id = node->id;
    return options;
}

void test_played_node_fini(struct test_played_node *node)
{
    close(node->listener);
    SSL_CTX_free(node->context);
}
