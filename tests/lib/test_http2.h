/*
 * test_http2.h - HTTP/2 by hand (RFC 9113, RFC 7541), so that it can also be made wrong.
 *
 * A script is a run of bytes that one end would send.  Honest ones are built frame by frame;
 * test_http2_mutate() damages them the same way for the same seed.
 */
#ifndef HEARTH_TESTS_LIB_TEST_HTTP2_H
#define HEARTH_TESTS_LIB_TEST_HTTP2_H

#include "common/view.h"

enum {
    HTTP2_DATA = 0,
    HTTP2_HEADERS = 1,
    HTTP2_PRIORITY = 2,
    HTTP2_RST_STREAM = 3,
    HTTP2_SETTINGS = 4,
    HTTP2_PUSH_PROMISE = 5,
    HTTP2_PING = 6,
    HTTP2_GOAWAY = 7,
    HTTP2_WINDOW_UPDATE = 8,
    HTTP2_CONTINUATION = 9,

    HTTP2_END_STREAM = 1,
    HTTP2_ACK = 1,
    HTTP2_END_HEADERS = 4,
    HTTP2_PADDED = 8,
};

struct test_script {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

void test_script_fini(struct test_script *script);
void test_script_add(struct test_script *script, struct view bytes);
void test_script_add_byte(struct test_script *script, uint8_t byte, size_t times);
struct view test_script_view(const struct test_script *script);

/* ---- pieces ---- */

void test_http2_preface(struct test_script *script);
/* The head alone: `length` is only claimed. */
void test_http2_frame_head(
    struct test_script *script, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream);
void test_http2_frame(
    struct test_script *script, uint8_t type, uint8_t flags, uint32_t stream, struct view payload);
void test_http2_setting(struct test_script *script, uint16_t id, uint32_t value);

/* A literal header without indexing, into a header block. */
void test_hpack_header(struct test_script *block, const char *name, const char *value);

/* ---- honest scripts ---- */

/* The request's header block. `path`: the method's. */
void test_http2_request_block(struct test_script *block, const char *path);
/* A gRPC message: flag, length, bytes. */
void test_grpc_message(
    struct test_script *script, uint8_t flag, uint32_t length, struct view bytes);

/* Preface, settings and one unary call with a few bytes. */
void test_http2_client_script(struct test_script *script, const char *path);

/* Settings and the answer to the call on stream 1: headers, a message, trailers. */
void test_http2_server_script(struct test_script *script);

/* ---- damage ---- */

/* 1 to 8 changes: bytes flipped or set, runs cut, doubled, moved or made up. */
void test_http2_mutate(struct test_script *script, uint64_t seed);

#endif /* HEARTH_TESTS_LIB_TEST_HTTP2_H */
