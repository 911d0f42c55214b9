#include "coordinator/estimate/durability.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- how many of them ---- */

/* One more that counts with probability p: exactly[i] is P(i of those so far), i < limit. */
static void add_one(
    double exactly[DURABILITY_SLOTS_MAX + 1], unsigned so_far, unsigned limit, double p)
{
    unsigned most = so_far + 1 < limit ? so_far + 1 : limit - 1;
    for (unsigned i = most; i > 0; i--) {
        exactly[i] = exactly[i] * (1 - p) + exactly[i - 1] * p;
    }
    exactly[0] *= 1 - p;
}

/* Sums from the small end, which is the one that matters. */
static double sum_below(const double exactly[DURABILITY_SLOTS_MAX + 1], unsigned limit)
{
    double sum = 0;
    for (unsigned i = 0; i < limit; i++) {
        sum += exactly[i];
    }
    return sum < 1 ? sum : 1;
}

void durability_swing(double ebb, float swing[FLEET_TIDES])
{
    swing[0] = (float)-ebb;
    for (unsigned tide = 1; tide < FLEET_TIDES; tide++) {
        swing[tide] = (float)(ebb / (FLEET_TIDES - 1));
    }
}

/* Of a node that is there more, or less, than its measured week said, the rest is cut off. */
static double up_at(const struct durability_holder *holder, unsigned tide)
{
    double up = holder->uptime + (double)holder->swing[tide];
    return up < 0 ? 0 : up > 1 ? 1 : up;
}

static double unreadable_at(
    unsigned k, const struct durability_holder *holders, unsigned count, unsigned tide)
{
    double up[DURABILITY_SLOTS_MAX + 1] = {1};
    for (unsigned i = 0; i < count; i++) {
        add_one(up, i, k, up_at(&holders[i], tide));
    }
    return sum_below(up, k);
}

static bool are_steady(const struct durability_holder *holders, unsigned count)
{
    static const float never[FLEET_TIDES];
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(holders[i].swing, never, sizeof(never)) != 0) {
            return false;
        }
    }
    return true;
}

double durability_unreadable(unsigned k, const struct durability_holder *holders, unsigned count)
{
    assert(count <= DURABILITY_SLOTS_MAX);
    if (count < k) {
        return 1;
    }
    const unsigned tides = are_steady(holders, count) ? 1 : FLEET_TIDES;
    double sum = 0;
    for (unsigned tide = 0; tide < tides; tide++) {
        sum += unreadable_at(k, holders, count, tide);
    }
    return sum / tides;
}

/* ---- domains ---- */

unsigned durability_domain_share(unsigned count)
{
    return (count + DURABILITY_DOMAINS - 1) / DURABILITY_DOMAINS;
}

double durability_domains_lost(unsigned lost, double years)
{
    return durability_binomial(DURABILITY_DOMAINS, lost, -expm1(-DURABILITY_DOMAIN_HAZARD * years));
}

double durability_binomial(unsigned count, unsigned hits, double p)
{
    if (p <= 0 || p >= 1) {
        return hits == (p <= 0 ? 0 : count) ? 1 : 0;
    }
    return exp(lgamma(count + 1.0) - lgamma(hits + 1.0) - lgamma(count - hits + 1.0) +
        hits * log(p) + (count - hits) * log1p(-p));
}

/* ---- lost ---- */

double durability_lost_in(
    unsigned k, const struct durability_holder *holders, unsigned count, double years)
{
    assert(count <= DURABILITY_SLOTS_MAX);
    if (count < k) {
        return 1;
    }
    double left[DURABILITY_SLOTS_MAX + 1] = {1};
    for (unsigned i = 0; i < count; i++) {
        add_one(left, i, count + 1, exp(-holders[i].hazard * years));
    }
    double lost = 0;
    for (unsigned domains = 0; domains <= DURABILITY_DOMAINS_LOST_MAX; domains++) {
        unsigned needed = k + domains * durability_domain_share(count);
        needed = needed < count + 1 ? needed : count + 1;
        lost += durability_domains_lost(domains, years) * sum_below(left, needed);
    }
    return lost < 1 ? lost : 1;
}
