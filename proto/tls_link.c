#include "proto/tls_link.h"

#include "common/codec.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>

enum { LENGTH_SIZE = 4, NS_PER_MS = 1000000 };

void tls_link_init(struct tls_link *link, SSL_CTX *context, int fd, int stop_fd, struct env *env,
    unsigned timeout_ms, enum tls_side side)
{
    *link = (struct tls_link){.ssl = SSL_new(context),
        .fd = fd,
        .stop_fd = stop_fd,
        .env = env,
        .deadline_ns = env_now_ns(env) + (uint64_t)timeout_ms * NS_PER_MS,
        .side = side};
    assert(link->ssl != NULL);
    int rc = SSL_set_fd(link->ssl, fd);
    assert(rc == 1);
}

void tls_link_fini(struct tls_link *link)
{
    SSL_shutdown(link->ssl); /* one alert, if the socket takes it; nobody waits for the answer */
    SSL_free(link->ssl);
    ERR_clear_error();
    close(link->fd);
    link->fd = -1;
}

/* Rounded up, so that a wait never ends before the deadline and spins. */
static int ms_left(const struct tls_link *link)
{
    const uint64_t now_ns = env_now_ns(link->env);
    if (now_ns >= link->deadline_ns) {
        return 0;
    }
    return (int)((link->deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

enum hearth_code tls_link_wait(struct tls_link *link, short events, struct hearth_err *err)
{
    struct pollfd polled[2] = {
        {.fd = link->fd, .events = events}, {.fd = link->stop_fd, .events = POLLIN}};
    int ready = poll(polled, 2, ms_left(link));
    if (ready < 0 && errno != EINTR) {
        return hearth_fail_sys(err, HEARTH_UNREACHABLE, errno, "wait for the connection");
    }
    if (ready > 0 && polled[1].revents != 0) {
        return hearth_fail(err, HEARTH_CANCELLED, "stopping");
    }
    if (ready == 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "the other end was too slow");
    }
    return HEARTH_OK;
}

/* After an SSL call that returned `rc` <= 0: waits until it is worth repeating. */
static enum hearth_code wait_for_tls(
    struct tls_link *link, int rc, const char *doing, struct hearth_err *err)
{
    int reason = SSL_get_error(link->ssl, rc);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
        return tls_link_wait(link, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, err);
    }
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return hearth_fail(err, HEARTH_UNREACHABLE, "%s: %s", doing,
        text != NULL ? text : "the other end closed the connection");
}

enum hearth_code tls_link_handshake(struct tls_link *link, struct hearth_err *err)
{
    for (;;) {
        ERR_clear_error();
        int rc = link->side == TLS_ANSWERER ? SSL_accept(link->ssl) : SSL_connect(link->ssl);
        if (rc == 1) {
            return HEARTH_OK;
        }
        if (wait_for_tls(link, rc, "TLS handshake", err) != HEARTH_OK) {
            return err->code;
        }
    }
}

const char *tls_link_certificate(const struct tls_link *link, int nth, struct arena *arena)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(link->ssl);
    if (chain == NULL || nth >= sk_X509_num(chain)) {
        return NULL;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    assert(bio != NULL);
    int rc = PEM_write_bio_X509(bio, sk_X509_value(chain, nth));
    assert(rc == 1);
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    const char *text = arena_text(arena, view_of(bytes, (size_t)size));
    BIO_free(bio);
    return text;
}

static enum hearth_code write_all(
    struct tls_link *link, const uint8_t *bytes, size_t size, struct hearth_err *err)
{
    while (size > 0) {
        size_t done = 0;
        ERR_clear_error();
        int rc = SSL_write_ex(link->ssl, bytes, size, &done);
        if (rc != 1 && wait_for_tls(link, rc, "send", err) != HEARTH_OK) {
            return err->code;
        }
        bytes += done;
        size -= done;
    }
    return HEARTH_OK;
}

static enum hearth_code read_all(
    struct tls_link *link, uint8_t *bytes, size_t size, struct hearth_err *err)
{
    while (size > 0) {
        size_t done = 0;
        ERR_clear_error();
        int rc = SSL_read_ex(link->ssl, bytes, size, &done);
        if (rc != 1 && wait_for_tls(link, rc, "receive", err) != HEARTH_OK) {
            return err->code;
        }
        bytes += done;
        size -= done;
    }
    return HEARTH_OK;
}

enum hearth_code tls_link_send(struct tls_link *link, struct view message, struct hearth_err *err)
{
    uint8_t length[LENGTH_SIZE];
    struct writer writer = writer_of(length, sizeof(length));
    writer_u32(&writer, (uint32_t)message.size);
    if (write_all(link, length, sizeof(length), err) != HEARTH_OK) {
        return err->code;
    }
    return write_all(link, message.bytes, message.size, err);
}

enum hearth_code tls_link_receive(
    struct tls_link *link, size_t size_max, struct buf **out, struct hearth_err *err)
{
    uint8_t length[LENGTH_SIZE];
    if (read_all(link, length, sizeof(length), err) != HEARTH_OK) {
        return err->code;
    }
    struct reader reader = reader_of(view_of(length, sizeof(length)));
    const size_t size = reader_u32(&reader);
    if (size > size_max) {
        return hearth_fail(
            err, HEARTH_INVALID, "a frame of %zu bytes, at most %zu are taken", size, size_max);
    }
    struct buf *buf = buf_create(size);
    if (buf == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu bytes", size);
    }
    if (read_all(link, buf->bytes, size, err) != HEARTH_OK) {
        buf_unref(buf);
        return err->code;
    }
    buf->size = size;
    *out = buf;
    return HEARTH_OK;
}
