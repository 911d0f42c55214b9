#include "tests/lib/test_http.h"

#include "tests/lib/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- connection ---- */

/* A new socket; the result is that of connect(). */
static int dial(unsigned port, int *out_fd)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *out_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*out_fd >= 0);
    return connect(*out_fd, (const struct sockaddr *)&at, sizeof(at));
}

bool test_http_is_open(unsigned port)
{
    int fd;
    int rc = dial(port, &fd);
    close(fd);
    return rc == 0;
}

void test_http_open(struct test_http *http, unsigned port)
{
    const struct timeval wait = {.tv_sec = TEST_HTTP_WAIT_S};
    memset(http, 0, sizeof(*http));
    assert_int_equal(dial(port, &http->fd), 0);
    setsockopt(http->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(http->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

void test_http_open_tls(struct test_http *http, unsigned port)
{
    test_http_open(http, port);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, http->fd);
    assert_int_equal(SSL_connect(ssl), 1);
    http->ssl = ssl;
}

void test_http_close(struct test_http *http)
{
    SSL_free(http->ssl);
    close(http->fd);
}

bool test_http_send(struct test_http *http, struct view bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = http->ssl != NULL ? SSL_write(http->ssl, bytes.bytes, (int)bytes.size)
                                         : send(http->fd, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes = view_of(bytes.bytes + sent, bytes.size - (size_t)sent);
    }
    return true;
}

bool test_http_say(struct test_http *http, const char *text)
{
    return test_http_send(http, view_text(text));
}

static size_t receive(struct test_http *http, void *bytes, size_t size)
{
    ssize_t got =
        http->ssl != NULL ? SSL_read(http->ssl, bytes, (int)size) : recv(http->fd, bytes, size, 0);
    return got > 0 ? (size_t)got : 0;
}

size_t test_http_read(struct test_http *http, void *bytes, size_t size)
{
    if (http->ahead_used == 0) {
        return receive(http, bytes, size);
    }
    size_t taken = size < http->ahead_used ? size : http->ahead_used;
    memcpy(bytes, http->ahead, taken);
    memmove(http->ahead, http->ahead + taken, http->ahead_used - taken);
    http->ahead_used -= taken;
    return taken;
}

/* ---- an answer ---- */

/* With its end; false: the connection ended. */
static bool read_line(struct test_http *http, char *line, size_t size)
{
    for (;;) {
        uint8_t *end = memchr(http->ahead, '\n', http->ahead_used);
        if (end != NULL) {
            size_t length = (size_t)(end - http->ahead) + 1;
            assert_true(length < size);
            test_http_read(http, line, length);
            line[length] = '\0';
            return true;
        }
        assert_true(http->ahead_used < sizeof(http->ahead));
        size_t got =
            receive(http, http->ahead + http->ahead_used, sizeof(http->ahead) - http->ahead_used);
        if (got == 0) {
            return false;
        }
        http->ahead_used += got;
    }
}

static bool read_head(struct test_http *http, struct test_http_answer *out)
{
    char line[8192];
    size_t used = 0;
    do {
        if (!read_line(http, line, sizeof(line))) {
            return false;
        }
        assert_true(used + strlen(line) < sizeof(out->head));
        memcpy(out->head + used, line, strlen(line) + 1);
        used += strlen(line);
    } while (strcmp(line, "\r\n") != 0);
    assert_int_equal(sscanf(out->head, "HTTP/1.%*[01] %u", &out->status), 1);
    return true;
}

bool test_http_header(
    const struct test_http_answer *answer, const char *name, char *value, size_t value_size)
{
    size_t length = strlen(name);
    const char *line = strstr(answer->head, "\r\n") + 2;
    for (; strcmp(line, "\r\n") != 0; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *start = line + length + 1 + strspn(line + length + 1, " ");
            snprintf(value, value_size, "%.*s", (int)(strstr(start, "\r\n") - start), start);
            return true;
        }
    }
    return false;
}

static bool read_exactly(struct test_http *http, struct test_http_answer *out, size_t size)
{
    out->body = realloc(out->body, out->body_size + size + 1);
    for (size_t left = size; left > 0;) {
        size_t got = test_http_read(http, out->body + out->body_size, left);
        if (got == 0) {
            return false;
        }
        left -= got;
        out->body_size += got;
    }
    out->body[out->body_size] = '\0';
    return true;
}

static bool read_chunks(struct test_http *http, struct test_http_answer *out)
{
    char line[256];
    for (;;) {
        if (!read_line(http, line, sizeof(line))) {
            return false;
        }
        size_t size = strtoul(line, NULL, 16);
        if (size == 0) {
            return read_line(http, line, sizeof(line)); /* no trailers */
        }
        if (!read_exactly(http, out, size) || !read_line(http, line, sizeof(line))) {
            return false;
        }
    }
}

bool test_http_answer(struct test_http *http, bool to_head, struct test_http_answer *out)
{
    char value[64];
    memset(out, 0, sizeof(*out));
    if (!read_head(http, out)) {
        return false;
    }
    if (to_head || out->status < 200 || out->status == 204 || out->status == 304) {
        out->is_whole = true;
    } else if (test_http_header(out, "transfer-encoding", value, sizeof(value))) {
        out->is_whole = read_chunks(http, out);
    } else if (test_http_header(out, "content-length", value, sizeof(value))) {
        out->is_whole = read_exactly(http, out, strtoul(value, NULL, 10));
    }
    return true;
}

void test_http_answer_fini(struct test_http_answer *answer)
{
    free(answer->body);
    memset(answer, 0, sizeof(*answer));
}

void test_http_ask(struct test_http *http, const char *text, struct test_http_answer *out)
{
    assert_true(test_http_say(http, text));
    assert_true(test_http_answer(http, strncmp(text, "HEAD ", 5) == 0, out));
}

bool test_http_has_ended(struct test_http *http)
{
    uint8_t byte;
    return test_http_read(http, &byte, 1) == 0;
}

bool test_http_has_ended_cleanly(struct test_http *http)
{
    uint8_t byte;
    assert_int_equal(http->ahead_used, 0);
    int got = SSL_read(http->ssl, &byte, 1);
    return got == 0 && SSL_get_error(http->ssl, got) == SSL_ERROR_ZERO_RETURN;
}
