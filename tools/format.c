#include "tools/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static char *format_scaled(
    double value, double step, const char *const units[], unsigned count, char *text)
{
    unsigned unit = 0;
    while (value >= 999.5 && unit + 1 < count) { /* 999.5 would print as 1000 */
        value /= step;
        unit++;
    }
    const bool is_whole = unit == 0 || value >= 99.95;
    snprintf(text, FORMAT_BYTES_SIZE, "%.*f %s", is_whole ? 0 : 1, value, units[unit]);
    return text;
}

char *format_bytes(uint64_t bytes, char text[FORMAT_BYTES_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    return format_scaled((double)bytes, 1024, units, sizeof(units) / sizeof(units[0]), text);
}

char *format_bits(uint64_t bits, char text[FORMAT_BYTES_SIZE])
{
    static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
    return format_scaled((double)bits, 1000, units, sizeof(units) / sizeof(units[0]), text);
}

char *format_duration(uint64_t ms, char text[FORMAT_DURATION_SIZE])
{
    uint64_t s = (ms + 500) / 1000;
    if (ms < 9950) {
        snprintf(text, FORMAT_DURATION_SIZE, "%.1f s", (double)ms / 1000);
    } else if (s < 60) {
        snprintf(text, FORMAT_DURATION_SIZE, "%" PRIu64 " s", s);
    } else if (s < 3600) {
        snprintf(text, FORMAT_DURATION_SIZE, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(
            text, FORMAT_DURATION_SIZE, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    } else {
        snprintf(
            text, FORMAT_DURATION_SIZE, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
    }
    return text;
}

const char *format_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

char *format_time(uint64_t unix_ms, char text[FORMAT_TIME_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local = {0};
    localtime_r(&seconds, &local);
    strftime(text, FORMAT_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

char *format_time_utc(uint64_t unix_ms, char text[FORMAT_TIME_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    strftime(text, FORMAT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

char *format_name(struct view name, char text[FORMAT_NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t size = 0;
    for (size_t i = 0; i < name.size && size + 4 < FORMAT_NAME_SIZE; i++) {
        uint8_t byte = name.bytes[i];
        if (byte >= ' ' && byte != 0x7f) {
            text[size++] = (char)byte;
            continue;
        }
        text[size++] = '\\';
        text[size++] = 'x';
        text[size++] = digits[byte >> 4];
        text[size++] = digits[byte & 15];
    }
    text[size] = '\0';
    return text;
}
