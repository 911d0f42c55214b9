#include "perf/bench_s3_link.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 << 10 };

struct s3_link {
    int fd;
    SSL *ssl; /* NULL: in clear */
    size_t used;
    size_t taken;
    char buffer[BUFFER_SIZE];
};

static void die(const char *why)
{
    fprintf(stderr, "hearth-bench-s3: %s\n", why);
    exit(1);
}

static int dial(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int on = 1;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

static SSL *shake_hands(int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) {
        die("the TLS handshake failed");
    }
    return ssl;
}

struct s3_link *s3_link_open(const char *host, const char *tls_port)
{
    char name[256];
    const char *colon = strrchr(host, ':');
    struct s3_link *link = calloc(1, sizeof(*link));
    if (link == NULL || colon == NULL) {
        free(link);
        return NULL;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(colon - host), host);
    link->fd = dial(name, tls_port == NULL ? colon + 1 : tls_port);
    if (link->fd < 0) {
        free(link);
        return NULL;
    }
    link->ssl = tls_port == NULL ? NULL : shake_hands(link->fd);
    return link;
}

void s3_link_close(struct s3_link *link)
{
    if (link != NULL) {
        SSL_free(link->ssl);
        close(link->fd);
        free(link);
    }
}

void s3_link_send(struct s3_link *link, struct view bytes)
{
    while (bytes.size > 0) {
        size_t size = bytes.size < 1 << 20 ? bytes.size : 1 << 20;
        ssize_t sent = link->ssl != NULL ? SSL_write(link->ssl, bytes.bytes, (int)size)
                                         : send(link->fd, bytes.bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            die("the gateway takes no more");
        }
        bytes = view_of(bytes.bytes + sent, bytes.size - (size_t)sent);
    }
}

/* Makes room at the front first; what is in the buffer stays. */
static void receive(struct s3_link *link)
{
    memmove(link->buffer, link->buffer + link->taken, link->used - link->taken);
    link->used -= link->taken;
    link->taken = 0;
    size_t room = sizeof(link->buffer) - 1 - link->used;
    ssize_t got = link->ssl != NULL ? SSL_read(link->ssl, link->buffer + link->used, (int)room)
                                    : recv(link->fd, link->buffer + link->used, room, 0);
    if (room == 0 || got <= 0) {
        die("the gateway has ended the connection");
    }
    link->used += (size_t)got;
    link->buffer[link->used] = '\0';
}

/* Up to and with the empty line; its length. */
static size_t receive_head(struct s3_link *link)
{
    for (;;) {
        const char *end =
            link->used == link->taken ? NULL : strstr(link->buffer + link->taken, "\r\n\r\n");
        if (end != NULL) {
            return (size_t)(end - link->buffer) + 4 - link->taken;
        }
        receive(link);
    }
}

void s3_link_answer(struct s3_link *link, struct s3_link_answer *out)
{
    size_t length = receive_head(link);
    const char *head = link->buffer + link->taken;
    const char *size = strcasestr(head, "\r\nContent-Length:");
    if (sscanf(head, "HTTP/1.1 %u", &out->status) != 1 || size == NULL || size > head + length) {
        die("this is no answer with a length");
    }
    out->size = strtoull(size + strlen("\r\nContent-Length:"), NULL, 10);
    link->taken += length;
    for (uint64_t left = out->size; left > 0;) {
        if (link->taken == link->used) {
            receive(link);
        }
        size_t there = link->used - link->taken;
        size_t taken = there < left ? there : (size_t)left;
        link->taken += taken;
        left -= taken;
    }
}
