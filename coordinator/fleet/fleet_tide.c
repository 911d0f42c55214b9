#include "coordinator/fleet/fleet_tide.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(PRESENCE_HOURS % FLEET_TIDES == 0, "tides have as many hours each");

struct hour {
    double there;
    unsigned number;
};

static int by_share(const void *a, const void *b)
{
    const struct hour *left = a;
    const struct hour *right = b;
    if (left->there != right->there) {
        return left->there < right->there ? -1 : 1;
    }
    return left->number < right->number ? -1 : 1;
}

void fleet_tides(const double there[PRESENCE_HOURS], uint8_t tide_of[PRESENCE_HOURS])
{
    struct hour hours[PRESENCE_HOURS];
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        hours[hour] = (struct hour){.there = there[hour], .number = hour};
    }
    qsort(hours, PRESENCE_HOURS, sizeof(hours[0]), by_share);
    for (unsigned rank = 0; rank < PRESENCE_HOURS; rank++) {
        tide_of[hours[rank].number] = (uint8_t)(rank / (PRESENCE_HOURS / FLEET_TIDES));
    }
}

void fleet_swing(const float week[PRESENCE_HOURS], const uint8_t tide_of[PRESENCE_HOURS],
    float swing[FLEET_TIDES])
{
    float mean = 0;
    memset(swing, 0, FLEET_TIDES * sizeof(swing[0]));
    for (unsigned hour = 0; hour < PRESENCE_HOURS; hour++) {
        swing[tide_of[hour]] += week[hour] / (PRESENCE_HOURS / FLEET_TIDES);
        mean += week[hour] / PRESENCE_HOURS;
    }
    for (unsigned tide = 0; tide < FLEET_TIDES; tide++) {
        swing[tide] -= mean;
    }
}
