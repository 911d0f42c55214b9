#include "gateway/metrics.h"

#include "common/prometheus.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPERATIONS_MAX = 128, /* rows of the route table, and one for what is none of them */
    ERRORS_MAX = 128,
};

static const unsigned statuses[] = {200, 204, 206, 301, 304, 400, 403, 404, 405, 409, 411, 412, 416,
    431, 500, 501, 503, 0 /* another */};
enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };

/* Upper ends, in microseconds. */
static const uint64_t bounds_us[] = {1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000, 60000000};
enum { BOUNDS = sizeof(bounds_us) / sizeof(bounds_us[0]) };

struct histogram {
    atomic_uint_least64_t counts[BOUNDS + 1]; /* the last: more than all bounds */
    atomic_uint_least64_t sum_us;
};

struct metrics {
    atomic_uint_least64_t requests[OPERATIONS_MAX][STATUSES];
    struct histogram durations[OPERATIONS_MAX];
    struct histogram first_bytes[OPERATIONS_MAX];
    atomic_uint_least64_t errors[ERRORS_MAX];
};

struct metrics *metrics_create(void)
{
    assert(route_count < OPERATIONS_MAX);
    return calloc(1, sizeof(struct metrics));
}

void metrics_destroy(struct metrics *metrics)
{
    free(metrics);
}

/* ---- counting ---- */

static unsigned row_of(const struct route *route)
{
    return route == NULL ? route_count : (unsigned)(route - route_table);
}

static unsigned column_of(unsigned status)
{
    unsigned column = 0;
    while (column < STATUSES - 1 && statuses[column] != status) {
        column++;
    }
    return column;
}

static void observe(struct histogram *histogram, uint64_t us)
{
    unsigned i = 0;
    while (i < BOUNDS && us > bounds_us[i]) {
        i++;
    }
    atomic_fetch_add(&histogram->counts[i], 1);
    atomic_fetch_add(&histogram->sum_us, us);
}

void metrics_count(struct metrics *metrics, const struct metrics_request *request)
{
    unsigned row = row_of(request->route);
    assert((unsigned)request->error < ERRORS_MAX);
    atomic_fetch_add(&metrics->requests[row][column_of(request->status)], 1);
    atomic_fetch_add(&metrics->errors[request->error], 1);
    observe(&metrics->durations[row], request->duration_us);
    observe(&metrics->first_bytes[row], request->first_byte_us);
}

/* ---- the page ---- */

static const char *operation_name(unsigned row)
{
    return row == route_count ? "none" : route_table[row].operation;
}

/* Rows that share an operation are one series. */
static bool is_first_of_operation(unsigned row)
{
    for (unsigned i = 0; i < row; i++) {
        if (strcmp(operation_name(i), operation_name(row)) == 0) {
            return false;
        }
    }
    return true;
}

static bool same_operation(unsigned a, unsigned b)
{
    return strcmp(operation_name(a), operation_name(b)) == 0;
}

static uint64_t sum_requests(const struct metrics *metrics, unsigned row, unsigned column)
{
    uint64_t sum = 0;
    for (unsigned i = row; i <= route_count; i++) {
        sum += same_operation(i, row) ? atomic_load(&metrics->requests[i][column]) : 0;
    }
    return sum;
}

static void print_requests(const struct metrics *metrics, FILE *out)
{
    static const char name[] = "hearth_gateway_requests_total";
    prometheus_head(out, name, "counter", "S3 requests answered.");
    for (unsigned row = 0; row <= route_count; row++) {
        for (unsigned column = 0; is_first_of_operation(row) && column < STATUSES; column++) {
            uint64_t count = sum_requests(metrics, row, column);
            if (count > 0) {
                fprintf(out, "%s{operation=\"%s\",status=\"%u\"} %" PRIu64 "\n", name,
                    operation_name(row), statuses[column], count);
            }
        }
    }
}

static void add_histogram(struct histogram *sum, const struct histogram *one)
{
    for (unsigned i = 0; i <= BOUNDS; i++) {
        atomic_fetch_add(&sum->counts[i], atomic_load(&one->counts[i]));
    }
    atomic_fetch_add(&sum->sum_us, atomic_load(&one->sum_us));
}

static void print_histogram(
    FILE *out, const char *name, const char *operation, const struct histogram *histogram)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < BOUNDS; i++) {
        count += atomic_load(&histogram->counts[i]);
        fprintf(out, "%s_bucket{operation=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, operation,
            (double)bounds_us[i] / 1e6, count);
    }
    count += atomic_load(&histogram->counts[BOUNDS]);
    fprintf(out, "%s_bucket{operation=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, operation, count);
    fprintf(out, "%s_sum{operation=\"%s\"} %.6f\n", name, operation,
        (double)atomic_load(&histogram->sum_us) / 1e6);
    fprintf(out, "%s_count{operation=\"%s\"} %" PRIu64 "\n", name, operation, count);
}

static void print_histograms(
    const struct histogram *histograms, FILE *out, const char *name, const char *help)
{
    prometheus_head(out, name, "histogram", help);
    for (unsigned row = 0; row <= route_count; row++) {
        if (is_first_of_operation(row)) {
            struct histogram sum = {0};
            for (unsigned i = row; i <= route_count; i++) {
                if (same_operation(i, row)) {
                    add_histogram(&sum, &histograms[i]);
                }
            }
            print_histogram(out, name, operation_name(row), &sum);
        }
    }
}

static void print_errors(const struct metrics *metrics, FILE *out)
{
    static const char name[] = "hearth_gateway_errors_total";
#define X(error, status, code, message) S3_ERROR_##error,
    static const enum s3_error errors[] = {S3_ERROR_TABLE(X)};
#undef X
    prometheus_head(out, name, "counter", "S3 errors answered, refused signatures among them.");
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        uint64_t count = atomic_load(&metrics->errors[errors[i]]);
        if (count > 0) {
            fprintf(out, "%s{code=\"%s\",status=\"%u\"} %" PRIu64 "\n", name,
                s3_error_code(errors[i]), s3_error_status(errors[i]), count);
        }
    }
}

static void print_http(FILE *out, const struct http_counts *counts)
{
    prometheus_one(
        out, "hearth_gateway_connections", "gauge", "Open connections.", counts->connections);
    prometheus_one(out, "hearth_gateway_requests_in_flight", "gauge", "Requests being handled.",
        counts->running);
    prometheus_one(out, "hearth_gateway_requests_waiting", "gauge",
        "Requests waiting for a worker.", counts->waiting);
    prometheus_one(out, "hearth_gateway_received_bytes_total", "counter",
        "Bytes of request bodies.", counts->received_bytes);
    prometheus_one(out, "hearth_gateway_sent_bytes_total", "counter", "Bytes of streamed answers.",
        counts->sent_bytes);
}

char *metrics_page(const struct metrics *metrics, const struct http_counts *counts)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    prometheus_build(out);
    print_requests(metrics, out);
    print_histograms(metrics->durations, out, "hearth_gateway_request_duration_seconds",
        "From the head of a request to the end of its handling.");
    print_histograms(metrics->first_bytes, out, "hearth_gateway_first_byte_seconds",
        "From the head of a request to the beginning of its answer.");
    print_errors(metrics, out);
    print_http(out, counts);
    prometheus_process(out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
