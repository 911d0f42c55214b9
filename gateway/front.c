#include "gateway/front.h"

#include "common/log.h"
#include "gateway/body.h"
#include "gateway/call.h"

enum { CALL_MEMORY_MAX = 16 << 20 };

/* One request on its way through. */
struct passage {
    struct front *front;
    struct arena arena;
    struct request request;
    struct call call;
    struct hearth_source raw;     /* the body as it comes */
    struct hearth_source decoded; /* as it was meant */
    struct body *body;
    uint64_t received;
    uint64_t begun_ns;
};

/* ---- begin ---- */

static void draw_id(struct env *env, char text[REQUEST_ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t id[(REQUEST_ID_TEXT_SIZE - 1) / 2];
    env_random(env, id, sizeof(id));
    for (size_t i = 0; i < sizeof(id); i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    text[REQUEST_ID_TEXT_SIZE - 1] = '\0';
}

static enum hearth_code read_counted(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct passage *passage = context;
    enum hearth_code code = passage->raw.read(passage->raw.context, bytes, size, out_got, err);
    if (code == HEARTH_OK) {
        passage->received += *out_got;
    } else {
        passage->call.body_error =
            code == HEARTH_DEADLINE ? S3_ERROR_REQUEST_TIMEOUT : S3_ERROR_INCOMPLETE_BODY;
    }
    return code;
}

static bool wait_raw(void *context, unsigned wait_ms)
{
    struct passage *passage = context;
    return passage->raw.wait(passage->raw.context, wait_ms);
}

static void begin(struct passage *passage, struct front *front, struct http_exchange *exchange)
{
    *passage = (struct passage){
        .front = front,
        .raw = http_exchange_body(exchange),
        .begun_ns = env_now_ns(front->env),
    };
    arena_init(&passage->arena, CALL_MEMORY_MAX);
    passage->request.head = http_exchange_head(exchange);
    draw_id(front->env, passage->request.id);
    passage->call = (struct call){
        .env = front->env,
        .exchange = exchange,
        .request = &passage->request,
        .region = front->region,
        .arena = &passage->arena,
    };
}

/* ---- through ---- */

static bool fail(struct passage *passage, enum s3_error error, const char *why)
{
    if (error == S3_ERROR_NONE) {
        return true;
    }
    if (why == NULL) {
        call_fail(&passage->call, error, NULL);
    } else {
        call_fail(&passage->call, error, "%s", why);
    }
    return false;
}

static bool understand(struct passage *passage)
{
    const struct front *front = passage->front;
    char allowed[ROUTE_ALLOWED_SIZE];
    enum s3_error error =
        request_parse(passage->request.head, &front->domains, &passage->arena, &passage->request);
    if (error == S3_ERROR_NONE) {
        error = route_find(&passage->request, &passage->call.route);
    }
    if (error == S3_ERROR_METHOD_NOT_ALLOWED) {
        route_allowed(&passage->request, allowed);
        call_refusal_header(&passage->call, "Allow", "%s", allowed);
    }
    return fail(passage, error, NULL);
}

/* Who fears that a bucket has become somebody else's says whose it should be. */
static bool has_expected_owner(struct passage *passage)
{
    static const char *const names[] = {
        "x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"};
    const char *owner = passage->call.tenant;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *expected = http_head_find(passage->request.head, names[i]);
        if (expected != NULL && (owner == NULL || strcmp(expected, owner) != 0)) {
            return fail(passage, S3_ERROR_ACCESS_DENIED, "The bucket is another account's.");
        }
    }
    return true;
}

static bool admit(struct passage *passage)
{
    struct call *call = &passage->call;
    const char *why;
    enum s3_error error = auth_admit(
        passage->front->auth, call->request, call->route, call->arena, &call->proof, &why);
    if (error == S3_ERROR_NONE) {
        call->hearth = auth_proof_hearth(call->proof);
        call->tenant = tenants_name(passage->front->tenants, call->hearth);
    }
    return fail(passage, error, why) && has_expected_owner(passage);
}

/* Whether the request moves an object, and so needs one of the few places for that. */
static bool is_transfer(const struct route *route)
{
    return route->body == ROUTE_BODY_OBJECT ||
        (route->right == ROUTE_READ && strcmp(route->method, "GET") == 0);
}

/* Why it failed is known best here, and told by call_fail_hearth() on the way out. */
static enum hearth_code note_failure(struct passage *passage, enum hearth_code code)
{
    if (code != HEARTH_OK && body_error(passage->body) != S3_ERROR_NONE) {
        passage->call.body_error = body_error(passage->body);
    }
    return code;
}

static enum hearth_code read_decoded(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct passage *passage = context;
    return note_failure(
        passage, passage->decoded.read(passage->decoded.context, bytes, size, out_got, err));
}

static void see_decoded(void *context, struct view bytes)
{
    const struct passage *passage = context;
    passage->decoded.see(passage->decoded.context, bytes);
}

static enum hearth_code vouch_for_decoded(void *context, struct hearth_err *err)
{
    struct passage *passage = context;
    return note_failure(passage, passage->decoded.vouch(passage->decoded.context, err));
}

static bool wait_decoded(void *context, unsigned wait_ms)
{
    struct passage *passage = context;
    return passage->decoded.wait(passage->decoded.context, wait_ms);
}

static bool open_body(struct passage *passage)
{
    struct call *call = &passage->call;
    const struct hearth_source counted = {
        .read = read_counted, .wait = wait_raw, .context = passage};
    const char *why = NULL;
    enum s3_error error = body_open(call->proof, call->request, call->route, counted,
        http_exchange_body_size(call->exchange), call->arena, &passage->body, &why);
    if (error == S3_ERROR_NONE) {
        passage->decoded = body_source(passage->body);
        call->body = (struct hearth_source){
            .read = read_decoded,
            .wait = wait_decoded,
            .see = see_decoded,
            .vouch = vouch_for_decoded,
            .context = passage,
        };
        call->verifier = passage->body;
        call->body_size = body_size(passage->body);
        call->checksums = body_checksums(passage->body);
    }
    return fail(passage, error, why);
}

static void run(struct passage *passage)
{
    struct front *front = passage->front;
    const struct route *route = passage->call.route;
    if (!is_transfer(route)) {
        route->handler(&passage->call);
        return;
    }
    if (atomic_fetch_add(&front->transfers, 1) < front->transfers_max) {
        route->handler(&passage->call);
    } else {
        fail(passage, S3_ERROR_SLOW_DOWN, NULL);
    }
    atomic_fetch_sub(&front->transfers, 1);
}

static void pass(struct passage *passage)
{
    if (understand(passage) && admit(passage) && open_body(passage)) {
        run(passage);
    }
}

/* ---- end ---- */

static void write_line(struct passage *passage, uint64_t duration_us)
{
    const struct call *call = &passage->call;
    const struct access_line line = {
        .now_unix_ms = env_unix_ms(passage->front->env),
        .request = &passage->request,
        .tenant = call->tenant,
        .operation = call->route == NULL ? NULL : call->route->operation,
        .status = call->status,
        .error = call->error == S3_ERROR_NONE ? NULL : s3_error_code(call->error),
        .received = passage->received,
        .sent = call->sent,
        .duration_us = duration_us,
    };
    access_log_write(passage->front->access_log, &line);
}

/* Clients are told "try again"; why it was needed is for the operator. */
static void write_cause(const struct passage *passage)
{
    const struct call *call = &passage->call;
    if (call->cause[0] != '\0' && call->error != S3_ERROR_NONE &&
        s3_error_status(call->error) >= 500) {
        log_write(LOG_REQUEST_FAILED, "req=%s operation=%s error=%s why=%s", passage->request.id,
            call->route->operation, s3_error_code(call->error), call->cause);
    }
}

static void end(struct passage *passage)
{
    const struct call *call = &passage->call;
    uint64_t duration_us = (env_now_ns(passage->front->env) - passage->begun_ns) / 1000;
    const struct metrics_request request = {
        .route = call->route,
        .status = call->status,
        .error = call->error,
        .duration_us = duration_us,
        .first_byte_us =
            call->begun_ns == 0 ? duration_us : (call->begun_ns - passage->begun_ns) / 1000,
    };
    metrics_count(passage->front->metrics, &request);
    write_line(passage, duration_us);
    write_cause(passage);
    body_close(passage->body);
    auth_proof_end(call->proof);
    arena_fini(&passage->arena);
}

/* Health is nobody's secret, and asked by machines that have no key. */
static bool is_signed(const struct http_head *head)
{
    return http_head_find(head, "authorization") != NULL;
}

void front_handle(void *context, struct http_exchange *exchange)
{
    struct front *front = context;
    struct passage passage;
    if (!is_signed(http_exchange_head(exchange)) && health_answer(front->health, exchange)) {
        return;
    }
    begin(&passage, front, exchange);
    pass(&passage);
    end(&passage);
}

static enum s3_error error_of_status(unsigned status)
{
    return status == 503 ? S3_ERROR_SLOW_DOWN
        : status == 431  ? S3_ERROR_REQUEST_HEADER_SECTION_TOO_LARGE
                         : S3_ERROR_INVALID_REQUEST;
}

void front_refuse(void *context, struct http_exchange *exchange, unsigned status, const char *why)
{
    struct passage passage;
    begin(&passage, context, exchange);
    fail(&passage, error_of_status(status), why);
    end(&passage);
}
