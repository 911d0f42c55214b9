#include "tests/lib/test_http2.h"

#include "tests/lib/test_env.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void test_script_fini(struct test_script *script)
{
    free(script->bytes);
    *script = (struct test_script){0};
}

static void make_room(struct test_script *script, size_t size)
{
    while (script->capacity - script->size < size) {
        script->capacity = script->capacity > 0 ? 2 * script->capacity : 4096;
        script->bytes = realloc(script->bytes, script->capacity);
        assert(script->bytes != NULL);
    }
}

void test_script_add(struct test_script *script, struct view bytes)
{
    make_room(script, bytes.size);
    if (bytes.size > 0) {
        memcpy(script->bytes + script->size, bytes.bytes, bytes.size);
        script->size += bytes.size;
    }
}

void test_script_add_byte(struct test_script *script, uint8_t byte, size_t times)
{
    make_room(script, times);
    memset(script->bytes + script->size, byte, times);
    script->size += times;
}

struct view test_script_view(const struct test_script *script)
{
    return view_of(script->bytes, script->size);
}

/* ---- pieces ---- */

static void add_big_endian(struct test_script *script, uint32_t value, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--) {
        test_script_add_byte(script, (uint8_t)(value >> (8 * (i - 1))), 1);
    }
}

void test_http2_preface(struct test_script *script)
{
    test_script_add(script, view_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

void test_http2_frame_head(
    struct test_script *script, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    add_big_endian(script, length, 3);
    test_script_add_byte(script, type, 1);
    test_script_add_byte(script, flags, 1);
    add_big_endian(script, stream, 4);
}

void test_http2_frame(
    struct test_script *script, uint8_t type, uint8_t flags, uint32_t stream, struct view payload)
{
    test_http2_frame_head(script, (uint32_t)payload.size, type, flags, stream);
    test_script_add(script, payload);
}

void test_http2_setting(struct test_script *script, uint16_t id, uint32_t value)
{
    struct test_script payload = {0};
    add_big_endian(&payload, id, 2);
    add_big_endian(&payload, value, 4);
    test_http2_frame(script, HTTP2_SETTINGS, 0, 0, test_script_view(&payload));
    test_script_fini(&payload);
}

static void add_short_string(struct test_script *block, const char *text)
{
    size_t length = strlen(text);
    assert(length < 127);
    test_script_add_byte(block, (uint8_t)length, 1);
    test_script_add(block, view_of(text, length));
}

void test_hpack_header(struct test_script *block, const char *name, const char *value)
{
    test_script_add_byte(block, 0, 1);
    add_short_string(block, name);
    add_short_string(block, value);
}

/* ---- honest scripts ---- */

void test_http2_request_block(struct test_script *block, const char *path)
{
    test_hpack_header(block, ":method", "POST");
    test_hpack_header(block, ":scheme", "https");
    test_hpack_header(block, ":path", path);
    test_hpack_header(block, ":authority", "x.node.hearth");
    test_hpack_header(block, "te", "trailers");
    test_hpack_header(block, "content-type", "application/grpc");
    test_hpack_header(block, "grpc-timeout", "2S");
    test_hpack_header(block, "hearth-request-bin", "AAECAwQFBgcICQoLDA0ODw==");
}

void test_grpc_message(struct test_script *script, uint8_t flag, uint32_t length, struct view bytes)
{
    test_script_add_byte(script, flag, 1);
    add_big_endian(script, length, 4);
    test_script_add(script, bytes);
}

/* wire_backup_chunk{"hello"} */
static const char hello[] = "\x0a\x05hello";

static void add_hello(struct test_script *script, uint8_t flags)
{
    struct test_script data = {0};
    test_grpc_message(&data, 0, sizeof(hello) - 1, view_of(hello, sizeof(hello) - 1));
    test_http2_frame(script, HTTP2_DATA, flags, 1, test_script_view(&data));
    test_script_fini(&data);
}

void test_http2_client_script(struct test_script *script, const char *path)
{
    struct test_script block = {0};
    test_http2_preface(script);
    test_http2_setting(script, 4, 1 << 20);
    test_http2_request_block(&block, path);
    test_http2_frame(script, HTTP2_HEADERS, HTTP2_END_HEADERS, 1, test_script_view(&block));
    test_http2_frame(script, HTTP2_SETTINGS, HTTP2_ACK, 0, view_of(NULL, 0));
    test_http2_frame(script, HTTP2_PING, 0, 0, view_of("12345678", 8));
    add_hello(script, HTTP2_END_STREAM);
    test_script_fini(&block);
}

void test_http2_server_script(struct test_script *script)
{
    struct test_script block = {0};
    struct test_script trailers = {0};
    test_http2_setting(script, 3, 100);
    test_http2_frame(script, HTTP2_SETTINGS, HTTP2_ACK, 0, view_of(NULL, 0));
    test_hpack_header(&block, ":status", "200");
    test_hpack_header(&block, "content-type", "application/grpc");
    test_http2_frame(script, HTTP2_HEADERS, HTTP2_END_HEADERS, 1, test_script_view(&block));
    add_hello(script, 0);
    test_hpack_header(&trailers, "grpc-status", "0");
    test_http2_frame(script, HTTP2_HEADERS, HTTP2_END_HEADERS | HTTP2_END_STREAM, 1,
        test_script_view(&trailers));
    test_script_fini(&block);
    test_script_fini(&trailers);
}

/* ---- damage ---- */

static size_t below(struct test_env *chance, size_t bound)
{
    return (size_t)env_random_below(&chance->env, bound);
}

/* A run of up to 64 bytes inside the script. */
static void draw_run(
    const struct test_script *script, struct test_env *chance, size_t *start, size_t *length)
{
    *start = below(chance, script->size);
    size_t left = script->size - *start;
    *length = 1 + below(chance, left < 64 ? left : 64);
}

static void insert(struct test_script *script, size_t at, const uint8_t *bytes, size_t size)
{
    make_room(script, size);
    memmove(script->bytes + at + size, script->bytes + at, script->size - at);
    memcpy(script->bytes + at, bytes, size);
    script->size += size;
}

static void change_once(struct test_script *script, struct test_env *chance)
{
    uint8_t run[64];
    size_t start;
    size_t length;
    draw_run(script, chance, &start, &length);
    memcpy(run, script->bytes + start, length);
    switch (below(chance, 7)) {
    case 0: script->bytes[start] ^= (uint8_t)(1u << below(chance, 8)); break;
    case 1: script->bytes[start] = (uint8_t)below(chance, 256); break;
    case 2: script->bytes[start] = below(chance, 2) == 0 ? 0xff : 0x80; break;
    case 3: /* cut out */
        memmove(
            script->bytes + start, script->bytes + start + length, script->size - start - length);
        script->size -= length;
        break;
    case 4: insert(script, start, run, length); break;
    case 5: insert(script, below(chance, script->size + 1), run, length); break;
    default:
        env_random(&chance->env, run, length);
        insert(script, start, run, length);
        break;
    }
}

void test_http2_mutate(struct test_script *script, uint64_t seed)
{
    struct test_env chance;
    test_env_init(&chance, seed);
    size_t changes = 1 + below(&chance, 8);
    for (size_t i = 0; i < changes && script->size > 64; i++) {
        change_once(script, &chance);
    }
}
