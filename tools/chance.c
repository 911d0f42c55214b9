#include "tools/chance.h"

#include <math.h>
#include <stdio.h>

/* As proto/wire_repair.h has them; so small a chance is none. */
enum { NEVER_DIGITS = 300 };

static double chance_of(uint64_t digits_micro)
{
    double digits = (double)digits_micro / 1e6;
    return digits < NEVER_DIGITS ? pow(10, -digits) : 0;
}

char *chance_text(uint64_t digits_micro, char text[CHANCE_SIZE])
{
    double chance = chance_of(digits_micro);
    if (chance <= 0) {
        snprintf(text, CHANCE_SIZE, "never");
    } else {
        snprintf(text, CHANCE_SIZE, "%.2g", chance);
    }
    return text;
}

void chance_json(json_t *object, const char *name, uint64_t digits_micro)
{
    json_line_set(object, name, json_real(chance_of(digits_micro)));
}

const char *chance_uptime_class(uint64_t uptime_ppm)
{
    return uptime_ppm >= 990000 ? "always up"
        : uptime_ppm >= 940000  ? "mostly up"
        : uptime_ppm >= 600000  ? "daily"
                                : "seldom";
}
