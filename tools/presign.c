#include "tools/presign.h"

#include "common/codec.h"
#include "common/sigv4.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { HOST_MAX = 300, ACCESS_KEY_MAX = 128, SECRET_MAX = 128 };

/* ---- the endpoint ---- */

struct endpoint {
    const char *scheme;      /* "http" */
    char host[HOST_MAX + 1]; /* as a client names it: without the port that goes without saying */
};

static bool has_suffix(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t tail = strlen(suffix);
    return size > tail && strcmp(text + size - tail, suffix) == 0;
}

static enum hearth_code read_endpoint(
    const char *text, struct endpoint *out, struct hearth_err *err)
{
    const bool is_tls = strncmp(text, "https://", 8) == 0;
    if (!is_tls && strncmp(text, "http://", 7) != 0) {
        return hearth_fail(
            err, HEARTH_INVALID, "endpoint %s: expected http://HOST[:PORT] or https://", text);
    }
    const char *host = text + (is_tls ? 8 : 7);
    const char *port = is_tls ? ":443" : ":80";
    size_t size = strcspn(host, "/?#");
    if (size == 0 || size > HOST_MAX || strspn(host + size, "/") != strlen(host + size)) {
        return hearth_fail(err, HEARTH_INVALID, "endpoint %s: a host, and no path behind it", text);
    }
    out->scheme = is_tls ? "https" : "http";
    memcpy(out->host, host, size);
    out->host[size] = '\0';
    if (has_suffix(out->host, port)) {
        out->host[size - strlen(port)] = '\0';
    }
    return HEARTH_OK;
}

/* ---- text ---- */

static void write_text(struct writer *writer, const char *text)
{
    writer_bytes(writer, text, strlen(text));
}

/* Everything but letters, digits and -._~ as %XX; slashes of a key stay. */
static void write_encoded(struct writer *writer, struct view text, bool keeps_slashes)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.size; i++) {
        char escape[4];
        uint8_t byte = text.bytes[i];
        if (memchr(plain, byte, sizeof(plain) - 1) != NULL || (byte == '/' && keeps_slashes)) {
            writer_u8(writer, byte);
        } else {
            snprintf(escape, sizeof(escape), "%%%02X", byte);
            write_text(writer, escape);
        }
    }
}

static void write_path(struct writer *writer, const struct presign *presign)
{
    write_text(writer, "/");
    write_encoded(writer, view_text(presign->bucket), false);
    write_text(writer, "/");
    write_encoded(writer, presign->key, true);
}

/* Sorted as it is to be signed. */
static void write_query(
    struct writer *writer, const struct presign *presign, const char time[SIGV4_TIME_SIZE + 1])
{
    char scope[ACCESS_KEY_MAX + SIGV4_REGION_MAX + 64];
    char rest[96];
    snprintf(scope, sizeof(scope), "%s/%.8s/%s/s3/aws4_request", presign->access_key, time,
        presign->region);
    write_text(writer, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    write_encoded(writer, view_text(scope), false);
    snprintf(rest, sizeof(rest),
        "&X-Amz-Date=%s&X-Amz-Expires=%" PRIu64 "&X-Amz-SignedHeaders=host", time,
        presign->expires_s);
    write_text(writer, rest);
}

/* ---- the signature ---- */

static void sign(const struct presign *presign, const char *time, struct view canonical,
    char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    uint8_t key[CRYPTO_KEY_SIZE];
    const struct sigv4_scope scope = {
        .date = view_of(time, SIGV4_DATE_SIZE), .region = view_text(presign->region)};
    sigv4_derive_key(view_text(presign->secret), &scope, key);
    sigv4_sign_request(key, &scope, view_text(time), canonical, signature);
    crypto_wipe(key, sizeof(key));
}

static void write_canonical(struct writer *writer, const struct presign *presign,
    const struct endpoint *endpoint, const char time[SIGV4_TIME_SIZE + 1])
{
    write_text(writer, presign->method);
    write_text(writer, "\n");
    write_path(writer, presign);
    write_text(writer, "\n");
    write_query(writer, presign, time);
    write_text(writer, "\nhost:");
    write_text(writer, endpoint->host);
    write_text(writer, "\n\nhost\nUNSIGNED-PAYLOAD");
}

static enum hearth_code check(const struct presign *presign, struct hearth_err *err)
{
    if (presign->expires_s < 1 || presign->expires_s > PRESIGN_EXPIRES_MAX_S) {
        return hearth_fail(err, HEARTH_INVALID, "it can be good for 1 second to 7 days");
    }
    if (strlen(presign->access_key) > ACCESS_KEY_MAX || strlen(presign->secret) > SECRET_MAX ||
        strlen(presign->region) > SIGV4_REGION_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "access key, secret or region is too long");
    }
    return HEARTH_OK;
}

enum hearth_code presign_url(
    const struct presign *presign, char url[PRESIGN_URL_SIZE], struct hearth_err *err)
{
    struct endpoint endpoint;
    if (check(presign, err) != HEARTH_OK ||
        read_endpoint(presign->endpoint, &endpoint, err) != HEARTH_OK) {
        return err->code;
    }
    char canonical[PRESIGN_URL_SIZE];
    char time[SIGV4_TIME_SIZE + 1];
    char signature[SIGV4_SIGNATURE_SIZE + 1];
    const time_t now_s = (time_t)(presign->now_unix_ms / 1000);
    struct tm tm = {0};
    gmtime_r(&now_s, &tm);
    strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", &tm);

    struct writer text = writer_of(canonical, sizeof(canonical));
    write_canonical(&text, presign, &endpoint, time);
    sign(presign, time, view_of(canonical, text.size), signature);

    struct writer out = writer_of(url, PRESIGN_URL_SIZE - 1);
    write_text(&out, endpoint.scheme);
    write_text(&out, "://");
    write_text(&out, endpoint.host);
    write_path(&out, presign);
    write_text(&out, "?");
    write_query(&out, presign, time);
    write_text(&out, "&X-Amz-Signature=");
    write_text(&out, signature);
    if (text.failed || out.failed) {
        return hearth_fail(err, HEARTH_INVALID, "the address would be too long");
    }
    url[out.size] = '\0';
    return HEARTH_OK;
}
