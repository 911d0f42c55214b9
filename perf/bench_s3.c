/*
 * bench_s3.c - objects through a gateway over HTTP: puts, then gets of what was put.
 *
 *   hearth-bench-s3 [--size B] [--threads T] [--seconds S] [--only put|get]
 *                   [--payload unsigned|signed|chunked] [--tls PORT] [--run N]
 *
 * Where the gateway is and with which key is in AWS_ENDPOINT_URL (http://HOST:PORT),
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as tools/local-cluster writes them into s3.env. Each
 * thread has one connection and keys of its own, `SIZE/RUN-THREAD/NUMBER` in the bucket `bench-s3`.
 * With --run, `--only get` gets what was put with the same number, size and threads.  Without, it
 * puts an object a thread first, and whoever looks at CPU from outside sees that too.  The hash of
 * the body is calculated once, its chunks are signed each time.  One line of JSON each, as
 * bench_objects prints it.  Whatever fails ends the program.
 */
#include "common/cleanup.h"
#include "common/env.h"
#include "common/sigv4.h"
#include "perf/bench_crowd.h"
#include "perf/bench_s3_link.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKET "bench-s3"

enum { KEY_SIZE = 64, HEAD_SIZE = 2048, SIZE_MAX_MIB = 1024, CHUNK = 64 << 10, CHUNK_HEAD = 128 };

enum payload { UNSIGNED, SIGNED, CHUNKED };
static const char *const payload_names[] = {"unsigned", "signed", "chunked", NULL};

struct bench {
    const char *host; /* HOST:PORT */
    const char *access_key;
    const char *secret;
    const char *only;     /* NULL: both */
    const char *tls_port; /* NULL: in clear */
    enum payload payload;
    size_t size;
    unsigned threads;
    double seconds;
    bool has_run; /* it was given: what is got with it is there */
    uint8_t run;
    uint8_t *bytes;
    char sha256[2 * CRYPTO_SHA256_SIZE + 1]; /* of them */
    struct s3_link *links[CROWD_MAX];
    uint64_t put_counts[CROWD_MAX];
};

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "hearth-bench-s3: %s: %s\n", what, detail);
    exit(1);
}

/* ---- signing ---- */

static void hex(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

struct signing {
    char time[SIGV4_TIME_SIZE + 1];
    struct sigv4_scope scope;
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1];
};

static void begin_signing(const struct bench *bench, struct signing *signing)
{
    time_t now = time(NULL);
    struct tm at;
    gmtime_r(&now, &at);
    strftime(signing->time, sizeof(signing->time), "%Y%m%dT%H%M%SZ", &at);
    signing->scope = (struct sigv4_scope){
        .date = view_of(signing->time, SIGV4_DATE_SIZE), .region = view_text("us-east-1")};
    sigv4_derive_key(view_text(bench->secret), &signing->scope, signing->key);
}

/* What a request is about has nothing in it that would have to be encoded. */
struct ask {
    const char *method;
    const char *path;
    const char *payload;
    const char *length;  /* a header, or "" */
    const char *decoded; /* x-amz-decoded-content-length, which is signed; NULL: none */
};

/* The head of it, signed; its length. */
static int write_head(
    const struct bench *bench, struct signing *signing, const struct ask *ask, char head[HEAD_SIZE])
{
    char canonical[HEAD_SIZE];
    char decoded[64] = "";
    char line[64] = "";
    const char *names = ask->decoded == NULL
        ? "host;x-amz-content-sha256;x-amz-date"
        : "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length";
    begin_signing(bench, signing);
    if (ask->decoded != NULL) {
        snprintf(decoded, sizeof(decoded), "x-amz-decoded-content-length:%s\n", ask->decoded);
        snprintf(line, sizeof(line), "x-amz-decoded-content-length: %s\r\n", ask->decoded);
    }
    snprintf(canonical, sizeof(canonical),
        "%s\n%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n%s\n%s\n%s", ask->method,
        ask->path, bench->host, ask->payload, signing->time, decoded, names, ask->payload);
    sigv4_sign_request(signing->key, &signing->scope, view_of(signing->time, SIGV4_TIME_SIZE),
        view_text(canonical), signing->signature);
    int length = snprintf(head, HEAD_SIZE,
        "%s %s HTTP/1.1\r\nHost: %s\r\nx-amz-content-sha256: %s\r\nx-amz-date: %s\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/s3/aws4_request, "
        "SignedHeaders=%s, Signature=%s\r\n%s%s\r\n",
        ask->method, ask->path, bench->host, ask->payload, signing->time, bench->access_key,
        signing->time, names, signing->signature, ask->length, line);
    assert(length < HEAD_SIZE);
    return length;
}

/* ---- bodies ---- */

static int chunk_head(size_t size, const char *signature, char head[CHUNK_HEAD])
{
    return snprintf(head, CHUNK_HEAD, "%zx;chunk-signature=%s\r\n", size, signature);
}

static size_t chunked_size(size_t size)
{
    static const char none[SIGV4_SIGNATURE_SIZE + 1] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    char head[CHUNK_HEAD];
    size_t total = (size_t)chunk_head(0, none, head) + 2;
    for (size_t at = 0; at < size; at += CHUNK) {
        size_t piece = size - at < CHUNK ? size - at : CHUNK;
        total += (size_t)chunk_head(piece, none, head) + piece + 2;
    }
    return total;
}

static void send_chunk(struct s3_link *link, struct signing *signing, struct view bytes)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char previous[SIGV4_SIGNATURE_SIZE + 1];
    char head[CHUNK_HEAD];
    memcpy(previous, signing->signature, sizeof(previous));
    crypto_sha256(bytes, digest);
    sigv4_sign_piece(signing->key, &signing->scope, view_of(signing->time, SIGV4_TIME_SIZE),
        SIGV4_CHUNK, previous, digest, signing->signature);
    int length = chunk_head(bytes.size, signing->signature, head);
    s3_link_send(link, view_of(head, (size_t)length));
    s3_link_send(link, bytes);
    s3_link_send(link, view_text("\r\n"));
}

static void send_chunks(const struct bench *bench, struct s3_link *link, struct signing *signing)
{
    for (size_t at = 0; at < bench->size; at += CHUNK) {
        size_t piece = bench->size - at < CHUNK ? bench->size - at : CHUNK;
        send_chunk(link, signing, view_of(bench->bytes + at, piece));
    }
    send_chunk(link, signing, view_of(NULL, 0));
}

/* ---- one request ---- */

static void expect(struct s3_link *link, const char *what, unsigned status, uint64_t size)
{
    struct s3_link_answer answer;
    s3_link_answer(link, &answer);
    if (answer.status != status || (size != UINT64_MAX && answer.size != size)) {
        char text[64];
        snprintf(text, sizeof(text), "status %u, %llu bytes", answer.status,
            (unsigned long long)answer.size);
        die(what, text);
    }
}

static void put_key(struct bench *bench, struct s3_link *link, const char *path)
{
    static const char *const payloads[] = {
        [UNSIGNED] = "UNSIGNED-PAYLOAD", [CHUNKED] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"};
    bool is_chunked = bench->payload == CHUNKED;
    struct signing signing;
    char head[HEAD_SIZE];
    char size[64];
    char decoded[32];
    snprintf(size, sizeof(size), "Content-Length: %zu\r\n",
        is_chunked ? chunked_size(bench->size) : bench->size);
    snprintf(decoded, sizeof(decoded), "%zu", bench->size);
    const struct ask ask = {.method = "PUT",
        .path = path,
        .payload = bench->payload == SIGNED ? bench->sha256 : payloads[bench->payload],
        .length = size,
        .decoded = is_chunked ? decoded : NULL};
    int length = write_head(bench, &signing, &ask, head);
    s3_link_send(link, view_of(head, (size_t)length));
    if (is_chunked) {
        send_chunks(bench, link, &signing);
    } else {
        s3_link_send(link, view_of(bench->bytes, bench->size));
    }
    expect(link, path, 200, UINT64_MAX);
}

static void get_key(const struct bench *bench, struct s3_link *link, const char *path)
{
    struct signing signing;
    char head[HEAD_SIZE];
    const struct ask ask = {
        .method = "GET", .path = path, .payload = "UNSIGNED-PAYLOAD", .length = ""};
    int length = write_head(bench, &signing, &ask, head);
    s3_link_send(link, view_of(head, (size_t)length));
    expect(link, path, 200, bench->size);
}

static void write_path(
    const struct bench *bench, unsigned member, uint64_t number, char path[KEY_SIZE])
{
    snprintf(path, KEY_SIZE, "/" BUCKET "/%zu/%02x-%03u/%09ju", bench->size, bench->run, member,
        (uintmax_t)number);
}

static void put_once(struct crowd_member *member)
{
    struct bench *bench = member->context;
    char path[KEY_SIZE];
    write_path(bench, member->number, member->calls, path);
    put_key(bench, bench->links[member->number], path);
    bench->put_counts[member->number] = member->calls + 1;
}

static void get_once(struct crowd_member *member)
{
    struct bench *bench = member->context;
    uint64_t count = bench->put_counts[member->number];
    char path[KEY_SIZE];
    write_path(bench, member->number, env_random_below(env_system(), count), path);
    get_key(bench, bench->links[member->number], path);
}

/* ---- all of it ---- */

static void make_bucket(struct bench *bench)
{
    struct signing signing;
    struct s3_link_answer answer;
    char head[HEAD_SIZE];
    const struct ask ask = {.method = "PUT",
        .path = "/" BUCKET,
        .payload = "UNSIGNED-PAYLOAD",
        .length = "Content-Length: 0\r\n"};
    int length = write_head(bench, &signing, &ask, head);
    s3_link_send(bench->links[0], view_of(head, (size_t)length));
    s3_link_answer(bench->links[0], &answer);
    if (answer.status != 200 && answer.status != 409) {
        die("make bucket " BUCKET, "refused");
    }
}

static void measure(
    struct bench *bench, const char *verb, void (*once)(struct crowd_member *member))
{
    const struct crowd_plan plan = {
        .threads = bench->threads, .seconds = bench->seconds, .once = once, .context = bench};
    struct crowd_result result;
    crowd_run(&plan, &result);
    printf("{\"s3\": \"%s\", \"payload\": \"%s\", \"tls\": %s, \"size\": %zu, \"threads\": %u,"
           " \"calls\": %ju, \"per_s\": %.0f, \"mib_per_s\": %.0f, \"client_cpu_us\": %.1f,"
           " \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
        verb, payload_names[bench->payload], bench->tls_port == NULL ? "false" : "true",
        bench->size, bench->threads, (uintmax_t)result.calls, result.per_s,
        result.per_s * (double)bench->size / (1 << 20), result.cpu_us, result.p50_ms,
        result.p99_ms);
    fflush(stdout);
}

static bool is_wanted(const struct bench *bench, const char *verb)
{
    return bench->only == NULL || strcmp(bench->only, verb) == 0;
}

/* One object at least for each thread to get. */
static void provide(struct bench *bench)
{
    for (unsigned i = 0; i < bench->threads && bench->put_counts[i] == 0; i++) {
        char path[KEY_SIZE];
        write_path(bench, i, 0, path);
        if (!bench->has_run) {
            put_key(bench, bench->links[i], path);
        }
        bench->put_counts[i] = 1;
    }
}

static void run(struct bench *bench)
{
    for (unsigned i = 0; i < bench->threads; i++) {
        bench->links[i] = s3_link_open(bench->host, bench->tls_port);
        if (bench->links[i] == NULL) {
            die("connect to", bench->host);
        }
    }
    make_bucket(bench);
    if (is_wanted(bench, "put")) {
        measure(bench, "put", put_once);
    }
    if (is_wanted(bench, "get")) {
        provide(bench);
        measure(bench, "get", get_once);
    }
    for (unsigned i = 0; i < bench->threads; i++) {
        s3_link_close(bench->links[i]);
    }
}

static bool parse_payload(const char *text, enum payload *out)
{
    for (unsigned i = 0; payload_names[i] != NULL; i++) {
        if (strcmp(text, payload_names[i]) == 0) {
            *out = (enum payload)i;
            return true;
        }
    }
    return false;
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    static const struct option names[] = {{"size", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'}, {"seconds", required_argument, NULL, 's'},
        {"only", required_argument, NULL, 'o'}, {"payload", required_argument, NULL, 'p'},
        {"tls", required_argument, NULL, 'l'}, {"run", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'b': bench->size = strtoul(optarg, NULL, 10); break;
        case 't': bench->threads = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': bench->seconds = strtod(optarg, NULL); break;
        case 'o': bench->only = optarg; break;
        case 'l': bench->tls_port = optarg; break;
        case 'r':
            bench->has_run = true;
            bench->run = (uint8_t)strtoul(optarg, NULL, 10);
            break;
        case 'p':
            if (!parse_payload(optarg, &bench->payload)) {
                return false;
            }
            break;
        default: return false;
        }
    }
    return bench->seconds > 0 && bench->threads >= 1 && bench->threads <= CROWD_MAX &&
        bench->size >= 1 && bench->size <= (size_t)SIZE_MAX_MIB << 20 &&
        (bench->only == NULL || strcmp(bench->only, "put") == 0 || strcmp(bench->only, "get") == 0);
}

static bool read_environment(struct bench *bench)
{
    static const char scheme[] = "http://";
    const char *endpoint = getenv("AWS_ENDPOINT_URL");
    bench->access_key = getenv("AWS_ACCESS_KEY_ID");
    bench->secret = getenv("AWS_SECRET_ACCESS_KEY");
    if (endpoint == NULL || strncmp(endpoint, scheme, strlen(scheme)) != 0 ||
        bench->access_key == NULL || bench->secret == NULL) {
        return false;
    }
    bench->host = endpoint + strlen(scheme);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.size = 4096, .threads = 32, .seconds = 3};
    uint8_t digest[CRYPTO_SHA256_SIZE];
    if (!parse(argc, argv, &bench) || !read_environment(&bench)) {
        fprintf(stderr,
            "usage: hearth-bench-s3 [--size BYTES] [--threads 1..%d] [--seconds S]"
            " [--only put|get] [--payload unsigned|signed|chunked] [--tls PORT] [--run N]\n"
            "with AWS_ENDPOINT_URL=http://HOST:PORT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY\n",
            CROWD_MAX);
        return 2;
    }
    FREES uint8_t *bytes = calloc(1, bench.size);
    assert(bytes != NULL);
    bench.bytes = bytes;
    env_random(env_system(), bytes, bench.size);
    if (!bench.has_run) {
        env_random(env_system(), &bench.run, sizeof(bench.run));
    }
    crypto_sha256(view_of(bytes, bench.size), digest);
    hex(digest, sizeof(digest), bench.sha256);
    run(&bench);
    return 0;
}
