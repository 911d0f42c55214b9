#include "gateway/call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { HEADERS_FIRST = 16 };

/* ---- headers ---- */

/* What may not stand in a header would end it, and begin another. */
static void make_clean(char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte == '\t') {
            *text = ' '; /* libmicrohttpd takes none, and to HTTP both are white space */
        } else if (byte < 0x20 || byte == 0x7f) {
            *text = '?';
        }
    }
}

static bool make_room(struct call *call)
{
    if (call->header_count < call->header_capacity) {
        return true;
    }
    unsigned capacity = call->header_capacity == 0 ? HEADERS_FIRST : call->header_capacity * 2;
    struct http_header *headers = arena_take_array(call->arena, capacity, sizeof(*headers));
    if (headers == NULL) {
        return false;
    }
    for (unsigned i = 0; i < call->header_count; i++) {
        headers[i] = call->headers[i];
    }
    call->headers = headers;
    call->header_capacity = capacity;
    return true;
}

static void add_header(struct call *call, const char *name, char *value)
{
    assert(call->status == 0);
    if (!http_is_token(name)) {
        return; /* of metadata that did not come in by HTTP */
    }
    if (value == NULL || !make_room(call)) {
        call->out_of_memory = true;
        return;
    }
    make_clean(value);
    call->headers[call->header_count++] = (struct http_header){name, value};
}

/* In the arena; NULL: no memory. */
static char *format(struct call *call, const char *fmt, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = length >= 0 ? arena_take(call->arena, (size_t)length + 1) : NULL;
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, fmt, arguments);
    }
    return text;
}

void call_header(struct call *call, const char *name, const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    add_header(call, name, format(call, fmt, arguments));
    va_end(arguments);
}

void call_refusal_header(struct call *call, const char *name, const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    call->refusal_name = name;
    call->refusal_value = format(call, fmt, arguments);
    va_end(arguments);
}

void call_header_view(struct call *call, const char *name, struct view value)
{
    char *text = arena_text(call->arena, value);
    for (size_t i = 0; text != NULL && i < value.size; i++) {
        text[i] = text[i] == '\0' ? '?' : text[i];
    }
    add_header(call, name, text);
}

void call_header_date(struct call *call, const char *name, uint64_t unix_ms)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm at = {0};
    gmtime_r(&seconds, &at); /* no strftime: its words are those of a locale */
    call_header(call, name, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[at.tm_wday], at.tm_mday,
        months[at.tm_mon], at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

/* ---- answers ---- */

static void add_common_headers(struct call *call)
{
    call_header(call, "x-amz-request-id", "%s", call->request->id);
    call_header(call, "Server", "Hearth");
}

static void answer(struct call *call, unsigned status, struct view body)
{
    add_common_headers(call);
    if (call->out_of_memory) {
        status = s3_error_status(S3_ERROR_SLOW_DOWN);
        call->error = S3_ERROR_SLOW_DOWN;
        body = view_of("", 0);
    }
    call->status = status;
    call->begun_ns = env_now_ns(call->env);
    call->sent = body.size;
    http_answer(call->exchange, status, call->header_count, call->headers, body);
}

void call_answer(struct call *call, unsigned status)
{
    answer(call, status, view_of("", 0));
}

void call_answer_xml(struct call *call, unsigned status, struct xml_out *xml)
{
    struct view document = xml_out_finish(xml);
    call->out_of_memory |= document.bytes == NULL;
    call_header(call, "Content-Type", "application/xml");
    answer(call, status, document);
}

static void write_error(
    struct call *call, struct xml_out *xml, enum s3_error error, const char *message)
{
    const struct request *request = call->request;
    xml_out_init(xml, call->arena);
    xml_out_open(xml, "Error");
    xml_out_text(xml, "Code", s3_error_code(error));
    xml_out_text(xml, "Message", message);
    if (request->bucket != NULL) {
        xml_out_text(xml, "BucketName", request->bucket);
    }
    if (request->key.size > 0) {
        xml_out_view(xml, "Key", request->key);
    }
    if (error == S3_ERROR_AUTHORIZATION_HEADER_MALFORMED) {
        xml_out_text(xml, "Region", call->region);
    }
    xml_out_view(
        xml, "Resource", view_of(request->head->target, strcspn(request->head->target, "?")));
    xml_out_text(xml, "RequestId", request->id);
    xml_out_close(xml, "Error");
}

/* After call_start() it is too late for words. */
static void fail(struct call *call, enum s3_error error, const char *message)
{
    struct xml_out xml;
    call->error = error;
    if (call->status != 0) {
        http_answer_abort(call->exchange);
    } else if (error == S3_ERROR_NOT_MODIFIED) {
        call_answer(call, s3_error_status(error)); /* with what headers it was given */
    } else {
        call->header_count = 0; /* those were for success */
        if (call->refusal_name != NULL) {
            add_header(call, call->refusal_name, call->refusal_value);
        }
        write_error(call, &xml, error, message);
        call_answer_xml(call, s3_error_status(error), &xml);
    }
}

void call_fail(struct call *call, enum s3_error error, const char *fmt, ...)
{
    char message[HEARTH_ERR_MESSAGE_SIZE];
    va_list arguments;
    if (fmt == NULL) {
        fail(call, error, s3_error_message(error));
        return;
    }
    va_start(arguments, fmt);
    vsnprintf(message, sizeof(message), fmt, arguments);
    va_end(arguments);
    fail(call, error, message);
}

static bool bucket_is_there(struct call *call)
{
    struct hearth_err err;
    struct hearth_buckets *buckets;
    if (hearth_bucket_head(call->hearth, call->request->bucket, &buckets, &err) != HEARTH_OK) {
        return err.code != HEARTH_NOT_FOUND;
    }
    hearth_buckets_destroy(buckets);
    return true;
}

void call_fail_hearth(struct call *call, enum s3_about about, const struct hearth_err *err)
{
    enum s3_error error =
        call->body_error != S3_ERROR_NONE ? call->body_error : s3_error_of(err->code, about);
    bool is_about_a_key = error == S3_ERROR_NO_SUCH_KEY || error == S3_ERROR_NO_SUCH_UPLOAD;
    if (is_about_a_key && call->status == 0 && !bucket_is_there(call)) {
        error = S3_ERROR_NO_SUCH_BUCKET;
    }
    /* For the operator, by request id: it names machines of the cluster, which clients are not
     * told. */
    snprintf(call->cause, sizeof(call->cause), "%s", err->message);
    fail(call, error, s3_error_message(error));
}

/* ---- streams ---- */

void call_start(struct call *call, unsigned status, uint64_t size)
{
    add_common_headers(call);
    call->status = status;
    call->begun_ns = env_now_ns(call->env);
    http_answer_start(call->exchange, status, call->header_count, call->headers, size);
}

enum hearth_code call_write(struct call *call, struct view bytes, struct hearth_err *err)
{
    enum hearth_code code = http_answer_write(call->exchange, bytes, err);
    if (code == HEARTH_OK) {
        call->sent += bytes.size;
    }
    return code;
}

void call_end(struct call *call)
{
    http_answer_end(call->exchange);
}

/* ---- small help ---- */

struct hearth_control call_control(const struct call *call)
{
    return (struct hearth_control){.cancel = http_exchange_cancelled(call->exchange)};
}

const char *call_param(const struct call *call, const char *name)
{
    return request_text(call->request, name);
}

const char *call_request_header(const struct call *call, const char *name)
{
    return http_head_find(call->request->head, name);
}

static bool read_up_to(struct call *call, uint8_t *bytes, size_t size_max, size_t *out_size)
{
    struct hearth_err err;
    size_t got;
    for (*out_size = 0; *out_size <= size_max; *out_size += got) {
        if (call->body.read(call->body.context, bytes + *out_size, size_max + 1 - *out_size, &got,
                &err) != HEARTH_OK) {
            call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
            return false;
        }
        if (got == 0) {
            return true;
        }
    }
    call_fail(call, S3_ERROR_MAX_MESSAGE_LENGTH, NULL);
    return false;
}

bool call_read_body(struct call *call, size_t size_max, struct view *out)
{
    size_t size = call->body_size < size_max ? (size_t)call->body_size : size_max;
    size_t used;
    if (call->body_size != HEARTH_SIZE_UNKNOWN && call->body_size > size_max) {
        call_fail(call, S3_ERROR_MAX_MESSAGE_LENGTH, NULL);
        return false;
    }
    uint8_t *bytes = arena_take(call->arena, size + 2); /* one to see that there is more, a zero */
    if (bytes == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    if (!read_up_to(call, bytes, size, &used)) {
        return false;
    }
    *out = view_of(bytes, used);
    return true;
}
