/*
 * test_http.h - an HTTP client that sends exactly the bytes a test says, right or wrong.
 *
 * Answers are read one at a time, whether they have a length or come in chunks.
 */
#ifndef HEARTH_TESTS_LIB_TEST_HTTP_H
#define HEARTH_TESTS_LIB_TEST_HTTP_H

#include "common/view.h"

enum { TEST_HTTP_HEAD_MAX = 16 << 10, TEST_HTTP_WAIT_S = 60 };

struct test_http {
    int fd;
    void *ssl;               /* SSL *; NULL: in clear */
    uint8_t ahead[64 << 10]; /* received and not read yet */
    size_t ahead_used;
};

struct test_http_answer {
    unsigned status;
    char head[TEST_HTTP_HEAD_MAX]; /* from the status line to the empty line */
    uint8_t *body;
    size_t body_size;
    bool is_whole; /* false: the connection ended before the body did */
};

/* To 127.0.0.1. */
void test_http_open(struct test_http *http, unsigned port);
void test_http_open_tls(struct test_http *http, unsigned port);
void test_http_close(struct test_http *http);

/* Whether somebody takes connections there. */
bool test_http_is_open(unsigned port);

/* False: the other side does not take it any more. */
bool test_http_send(struct test_http *http, struct view bytes);
bool test_http_say(struct test_http *http, const char *text);

/* Up to `size` bytes; 0: the other side has ended, or reset. */
size_t test_http_read(struct test_http *http, void *bytes, size_t size);

/* The next answer; false: there is none, the connection has ended.  "100 Continue" is an answer. */
bool test_http_answer(struct test_http *http, bool to_head, struct test_http_answer *out);
void test_http_answer_fini(struct test_http_answer *answer);

/* Say, then answer, which must come. */
void test_http_ask(struct test_http *http, const char *text, struct test_http_answer *out);

/* Copies the value of a header into `value`; false: it is not there. */
bool test_http_header(
    const struct test_http_answer *answer, const char *name, char *value, size_t value_size);

/* No more comes: the connection was ended.  clean: with close_notify, over TLS. */
bool test_http_has_ended(struct test_http *http);
bool test_http_has_ended_cleanly(struct test_http *http);

#endif /* HEARTH_TESTS_LIB_TEST_HTTP_H */
