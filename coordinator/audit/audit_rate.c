#include "coordinator/audit/audit_rate.h"

#include <assert.h>
#include <math.h>

double audit_rate_per_week(uint64_t floor_per_week, const struct audit_risk *risk)
{
    double floor = (double)floor_per_week;
    double rate = floor + (double)(risk->used / AUDIT_BYTES_AN_ASK);
    rate *= (risk->is_new ? 4 : 1) * (risk->is_doubted ? 4 : 1);
    return rate < floor * AUDIT_FACTOR_MAX ? rate : floor * AUDIT_FACTOR_MAX;
}

double audit_rate_owed(double owed, double per_week, uint64_t elapsed_ms)
{
    double a_day = per_week * (double)AUDIT_OWED_MOST_MS / (double)AUDIT_WEEK_MS;
    double most = a_day > AUDIT_OWED_LEAST ? a_day : AUDIT_OWED_LEAST;
    owed += per_week * (double)elapsed_ms / (double)AUDIT_WEEK_MS;
    return owed < most ? owed : most;
}

double audit_rate_chance(double dropped, double audits)
{
    assert(dropped >= 0 && dropped <= 1 && audits >= 0);
    return 1 - pow(1 - dropped, audits);
}
